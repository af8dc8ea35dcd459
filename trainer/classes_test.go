package trainer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/safetensors"
)

// TestClassesWithoutNames: where classes of a network have no names, labels are their numbers,
// whichever of them the data has.
func TestClassesWithoutNames(t *testing.T) {
	folder := t.TempDir()
	model, data := filepath.Join(folder, "net.safetensors"), filepath.Join(folder, "data.csv")
	n := network.New(networktest.Build(networktest.Chain(networktest.Input(1), networktest.Dense("0", 3))...))
	m := safetensors.Metadata{Data: "npz:test", Generator: "test", Height: 1, Width: 1, Classes: 3, Deviation: 1, Means: []float64{0}, Deviations: []float64{1}}
	if err := safetensors.SaveModel(model, n, m); err != nil {
		t.Fatal(err)
	}
	eval := func(text string) ([]int, error) {
		if err := os.WriteFile(data, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		result, err := trainer.Eval(t.Context(), model, trainer.EvalOptions{Device: "gonum", Data: data})
		if err != nil {
			return nil, err
		}
		var samples []int
		for _, class := range result.Network.ByClass {
			samples = append(samples, class.Samples)
		}
		return samples, nil
	}
	if samples, err := eval("x,label\n1,0\n2,2\n3,2\n"); err != nil || !slices.Equal(samples, []int{1, 0, 2}) {
		t.Errorf("samples of classes %v, %v", samples, err)
	}
	if _, err := eval("x,label\n1,1\n2,3\n"); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), `does not know the class "3"; it knows 0, 1, 2`) {
		t.Errorf("%v", err)
	}
}

// TestPruneWithOtherLabels: labels that a network does not know are refused, not counted anew.
func TestPruneWithOtherLabels(t *testing.T) {
	c, _ := trained(t)
	for _, part := range []string{"train", "t10k"} {
		path := filepath.Join(c.Data, part+"-labels-idx1-ubyte")
		labels, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range labels[8:] {
			labels[8+i]++
		}
		if err := os.WriteFile(path, labels, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run")})
	if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), `does not know the class "4"`) {
		t.Errorf("%v", err)
	}
}
