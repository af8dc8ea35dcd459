package trainer_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// rings are points of the plane, inside and outside of a circle.
func rings() (points [][]float64, labels []string) {
	for i := range 400 {
		radius := []float64{0.5, 1.5}[i%2]
		points = append(points, []float64{radius * math.Cos(float64(i)), radius * math.Sin(float64(i))})
		labels = append(labels, []string{"inside", "outside"}[i%2])
	}
	return points, labels
}

// A network is trained on samples in memory, and most of its neurons are removed.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "rings")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	points, labels := rings()
	data, err := dataset.FromRows("rings", points, labels, dataset.Options{Seed: 1})
	if err != nil {
		panic(err)
	}
	c := settings.Default()
	c.Device, c.Model, c.Batch, c.Epochs, c.Rounds, c.Keep = "gonum", "mlp:32-16", 16, 60, 20, 16
	result, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(dir, "run"), Dataset: data})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d of %d neurons stay, and more than 95 %% of the samples are right: %v\n", result.Pruned.Kept, result.Pruned.Players, *result.Pruned.Accuracy > 95)
	fmt.Printf("the certificate is about %d layers\n", len(result.Certificate.Layers))
	// Output:
	// 16 of 48 neurons stay, and more than 95 % of the samples are right: true
	// the certificate is about 2 layers
}

// Neurons may cost different amounts: of 32 every second one costs four times as much as the others.
func ExampleRun_costs() {
	dir, err := os.MkdirTemp("", "rings")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	points, labels := rings()
	data, err := dataset.FromRows("rings", points, labels, dataset.Options{Seed: 1})
	if err != nil {
		panic(err)
	}
	c := settings.Default()
	c.Device, c.Model, c.Batch, c.Epochs, c.Rounds, c.Keep = "gonum", "mlp:32", 16, 60, 20, 8
	costs := make([]float64, 32)
	for i := range costs {
		costs[i] = []float64{1, 4}[i%2]
	}
	result, err := trainer.Run(context.Background(), c, trainer.Options{
		Dir: filepath.Join(dir, "run"), Dataset: data, PlayerCosts: map[string][]float64{"0": costs},
	})
	if err != nil {
		panic(err)
	}
	kept := 0
	for _, player := range result.Certificate.Players {
		if player.Reason == game.Kept && costs[player.Index] == 1 {
			kept++
		}
	}
	fmt.Printf("%d of the %d neurons that stay cost 1, and more than 95 %% of the samples are right: %v\n", kept, result.Pruned.Kept, *result.Pruned.Accuracy > 95)
	// Output:
	// 8 of the 8 neurons that stay cost 1, and more than 95 % of the samples are right: true
}

// A saved network predicts the classes of samples in a file.
func ExamplePredict() {
	dir, err := os.MkdirTemp("", "rings")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	points, labels := rings()
	data, err := dataset.FromRows("rings", points, labels, dataset.Options{Seed: 1})
	if err != nil {
		panic(err)
	}
	data.FeatureNames = []string{"x", "y"} // which the file of the network then has
	c := settings.Default()
	c.Device, c.Model, c.Batch, c.Epochs, c.Rounds, c.Keep = "gonum", "mlp:32-16", 16, 60, 20, 16
	run := filepath.Join(dir, "run")
	if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: run, Dataset: data}); err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "points.csv")
	if err := os.WriteFile(file, []byte("y,x\n0.1,0.5\n-1.4,0.2\n"), 0o600); err != nil {
		panic(err)
	}
	begin := func(names []string, _ bool) error { fmt.Println(names); return nil }
	_, err = trainer.Predict(context.Background(), filepath.Join(run, record.PrunedFile), trainer.EvalOptions{Device: "gonum", Data: file}, begin,
		func(p trainer.Prediction) error { fmt.Println(p.Name, p.Class); return nil })
	if err != nil {
		panic(err)
	}
	// Output:
	// [inside outside]
	// 1 inside
	// 2 outside
}
