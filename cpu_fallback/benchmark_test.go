package cpufallback

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// benchmarkData returns images that are as empty as digits are: four pixels in
// five have the value of the background.
func benchmarkData(samples int) *dataset.Dataset {
	draw := random.New(1, random.Testing, 0, 0)
	part := dataset.Samples{Features: 784, Pixels: make([]uint8, samples*784), Labels: make([]uint8, samples)}
	for i := range part.Pixels {
		if draw.Below(5) == 0 {
			part.Pixels[i] = uint8(draw.Below(256))
		}
	}
	for i := range part.Labels {
		part.Labels[i] = uint8(draw.Below(10))
	}
	return &dataset.Dataset{Name: "noise", Height: 28, Width: 28, Classes: 10, Mean: 0.1, Deviation: 0.3, Train: part, Test: part}
}

// benchmarkNetwork returns a network with He's initialisation.
func benchmarkNetwork(widths ...int) *network.Network {
	draw := random.New(1, random.Initialisation, 0, 0)
	n := networktest.Perceptron(widths...)
	for p, param := range n.Graph.Params {
		if param.Weight {
			for i := range n.Parameters[p] {
				n.Parameters[p][i] = float32(draw.Normal() * 1.41 / float64(param.Shape[1]))
			}
		}
	}
	return n
}

func benchmarkEngine(b *testing.B, p products[float32], batch int, widths ...int) *engine[float32] {
	b.Helper()
	e, err := open[float32](p, benchmarkData(1024), backend.EngineOptions{Batch: batch, Optimiser: backend.Optimiser{Kind: backend.Adam}},
		&backend.State{Network: benchmarkNetwork(widths...)})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// productsAlone does the matrix products of one training step and nothing else.
func (e *engine[T]) productsAlone(rows int) {
	stages := e.stages[1:] // after the inputs
	for i, stage := range stages {
		d := stage.(*denseStage[T])
		input, derivative := d.in.values.top(rows), d.out.derivative.top(rows)
		into := d.affine
		if d.plain() {
			into = d.out.values
		}
		e.multiply(blas.NoTrans, blas.Trans, input, d.group.weight(d.group.parameters), into.top(rows))
		e.multiply(blas.Trans, blas.NoTrans, derivative, input, d.group.weight(d.group.gradient))
		if i > 0 {
			// The result goes where nothing reads it, so that the zeros of the
			// real derivatives stay in place.
			below := stages[i-1].(*denseStage[T]).affine.top(rows)
			e.multiply(blas.NoTrans, blas.NoTrans, derivative, d.group.weight(d.group.parameters), below)
		}
	}
}

// BenchmarkStep times a complete training step beside its matrix products alone, in
// turns, on the data that the step itself writes, and reports the ratio of the two.
func BenchmarkStep(b *testing.B) {
	for _, widths := range [][]int{{784, 512, 256, 10}, {784, 25, 13, 10}} {
		for name, library := range libraries(b) {
			b.Run(fmt.Sprintf("cpu/%s/%v", name, widths), func(b *testing.B) { benchmarkStep(b, library, widths) })
		}
	}
}

func benchmarkStep(b *testing.B, library products[float32], widths []int) {
	const batch, stepsAtOnce = 128, 8
	e := benchmarkEngine(b, library, batch, widths...)
	s := backend.Stretch{LearningRates: make([]float64, stepsAtOnce)}
	for i := range stepsAtOnce * batch {
		s.Order = append(s.Order, int32(i))
	}
	for i := range s.LearningRates {
		s.LearningRates[i] = 1e-4
	}
	var whole, products time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := e.Train(context.Background(), s); err != nil {
			b.Fatal(err)
		}
		whole += time.Since(start)
		start = time.Now()
		for range stepsAtOnce {
			e.productsAlone(batch)
		}
		products += time.Since(start)
	}
	steps := float64(b.N * stepsAtOnce)
	b.ReportMetric(float64(whole.Nanoseconds())/steps, "ns/step")
	b.ReportMetric(float64(products.Nanoseconds())/steps, "ns/products")
	b.ReportMetric(float64(whole)/float64(products), "step/products")
}

// BenchmarkImages times a training step of convolutional networks.
func BenchmarkImages(b *testing.B) {
	for name, channels := range map[string]int{"lenet5": 1, "resnet14:8": 3, "resnet20": 3} {
		for library, products := range libraries(b) {
			b.Run(library+"/"+name, func(b *testing.B) { benchmarkImages(b, products, name, channels) })
		}
	}
}

// imageNetwork returns a network of a model, and images of noise for it.
func imageNetwork(tb testing.TB, model string, channels, samples int) (*network.Network, *dataset.Dataset) {
	tb.Helper()
	m, err := models.Parse(model)
	if err != nil {
		tb.Fatal(err)
	}
	side := map[int]int{1: 28, 3: 32}[channels]
	g, err := m.Graph(network.Shape{channels, side, side}, 10, network.ReLU, network.DefaultPlayers)
	if err != nil {
		tb.Fatal(err)
	}
	n := network.New(g)
	if err := n.Initialise(network.PyTorch, 1); err != nil {
		tb.Fatal(err)
	}
	draw, features := random.New(1, random.Testing, 0, 0), channels*side*side
	part := dataset.Samples{Features: features, Pixels: make([]uint8, samples*features), Labels: make([]uint8, samples)}
	for i := range part.Pixels {
		part.Pixels[i] = uint8(draw.Below(256))
	}
	return n, &dataset.Dataset{Name: "noise", Channels: channels, Height: side, Width: side, Classes: 10, Mean: 0.5, Deviation: 0.3, Train: part, Test: part}
}

func benchmarkImages(b *testing.B, p products[float32], model string, channels int) {
	const batch = 128
	n, d := imageNetwork(b, model, channels, batch)
	e, err := open[float32](p, d, backend.EngineOptions{Batch: batch, Optimiser: backend.Optimiser{Kind: backend.Adam}}, &backend.State{Network: n})
	if err != nil {
		b.Fatal(err)
	}
	s := backend.Stretch{Order: backend.InOrder(batch), LearningRates: []float64{1e-4}}
	for b.Loop() {
		if _, err := e.Train(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSparseInference times the evaluation of LeNet-300-100 with one weight of so many.
// With 1 the product is dense.
func BenchmarkSparseInference(b *testing.B) {
	for name, library := range libraries(b) {
		for _, of := range []int{1, 12, 20, 56, 100} {
			for _, rows := range []int{1, 128} {
				b.Run(fmt.Sprintf("%s/1 of %d/batch %d", name, of, rows), func(b *testing.B) {
					e := benchmarkEngine(b, library, 128, 784, 300, 100, 10)
					state, err := e.Pull()
					if err != nil {
						b.Fatal(err)
					}
					for p, param := range state.Network.Params {
						for i := range state.Network.Parameters[p] {
							if param.Weight && i*7919%of != 0 {
								state.Network.Parameters[p][i] = 0
							}
						}
					}
					if err := e.Push(state); err != nil {
						b.Fatal(err)
					}
					least := time.Duration(math.MaxInt64) // which other work on the machine changes least
					for b.Loop() {
						start := time.Now()
						if err := e.Infer(rows); err != nil {
							b.Fatal(err)
						}
						least = min(least, time.Since(start))
					}
					b.ReportMetric(float64(least.Microseconds()), "least-us")
				})
			}
		}
	}
}
