package cpufallback

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// memoryShapes are networks and batches whose memory is mostly one thing or another.
var memoryShapes = []struct {
	widths []int
	batch  int
}{
	{[]int{784, 512, 256, 10}, 128}, // parameters
	{[]int{3, 1301, 2}, 1},          // activations of the batch of an evaluation
	{[]int{300, 7, 5, 3}, 4001},     // inputs of a batch
	{[]int{5, 2, 900, 900, 2}, 77},
	{[]int{11, 50_001, 2}, 16},
}

// TestMemoryPlan opens engines and compares what Go's heap holds more with the plan.
// Apart from what is planned there are the labels of a batch and small structs; 15 % is
// what the documents promise, of some MiB.
func TestMemoryPlan(t *testing.T) {
	for _, shape := range memoryShapes {
		for _, kind := range []backend.OptimiserKind{backend.Adam, backend.SGD} {
			t.Run(fmt.Sprintf("%v batch %d %s", shape.widths, shape.batch, kind), func(t *testing.T) {
				data := dataset.Noise(4096, shape.widths[0], shape.widths[len(shape.widths)-1])
				o := backend.EngineOptions{Batch: shape.batch, Optimiser: backend.Optimiser{Kind: kind}}
				checkMemoryPlan(t, networktest.Perceptron(shape.widths...), data, o, 15)
			})
		}
	}
}

// TestMemoryPlanOfImages has a batch of few samples, beside which frames of images and packed
// weights are large.
func TestMemoryPlanOfImages(t *testing.T) {
	for model, channels := range map[string]int{"lenet5": 1, "resnet14": 3} {
		t.Run(model, func(t *testing.T) {
			n, data := imageNetwork(t, model, channels, evaluationBatch)
			checkMemoryPlan(t, n, data, backend.EngineOptions{Batch: 16, Optimiser: backend.Optimiser{Kind: backend.Adam}}, 2)
			checkMemoryPlan(t, n, data, backend.EngineOptions{Batch: 16, Inference: true}, 2)
		})
	}
}

// TestMemoryForInference: outputs alone take parameters and a few tensors at a time. The largest
// of ResNet-20 are its 16 channels of 32 x 32, of which a block has four: what it reads, what
// its two convolutions leave, and what is behind an activation.
func TestMemoryForInference(t *testing.T) {
	n, data := imageNetwork(t, "resnet20", 3, evaluationBatch)
	plan := planMemory[float32](data, backend.EngineOptions{Batch: evaluationBatch, Inference: true}, n.Graph)
	largest, inputs, frames := 4*evaluationBatch*16*32*32, 4*evaluationBatch*3*32*32, 8<<20
	if plan.Gradients != 0 || plan.Moments != 0 || plan.Activations > 4*largest+inputs+frames {
		t.Errorf("%d bytes of activations, a tensor has %d: %+v", plan.Activations, largest, plan)
	}
}

// TestMemoryPlanOfWeights has weights that play the paper's game, which take most of the memory.
func TestMemoryPlanOfWeights(t *testing.T) {
	g, err := network.MLP([]int{784, 512, 256, 10}, network.ReLU, []network.PlayerKind{network.Weights})
	if err != nil {
		t.Fatal(err)
	}
	n := network.New(g)
	for _, p := range n.Masked() { // sparse enough for compressed rows
		for i := range n.Parameters[p] {
			if i%33 == 0 {
				n.Parameters[p][i] = 1
			}
		}
	}
	o := backend.EngineOptions{Batch: 16, Optimiser: backend.Optimiser{Kind: backend.Adam}}
	for _, soft := range []bool{false, true} {
		o.SoftWeights = soft
		checkMemoryPlan(t, n, dataset.Noise(4096, 784, 10), o, 2)
	}
}

// checkMemoryPlan expects an engine to hold what is planned, within so many percent.
func checkMemoryPlan(t *testing.T, n *network.Network, data *dataset.Dataset, o backend.EngineOptions, percent int) {
	t.Helper()
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what finalizers let go
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	state := &backend.State{Network: n}
	plan, err := driver{}.Plan(backend.Device{}, data, o, state.Network.Graph)
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	e, err := open[float32](gonum32{}, data, o, state)
	if err != nil {
		t.Fatal(err)
	}
	holds := heap() - before
	if _, err := e.Evaluate(t.Context(), backend.TrainPart, backend.Want{Only: []int32{0}}); err != nil { // which takes rows of sparse layers
		t.Fatal(err)
	}
	if more := heap() - before; more > holds+1<<14 {
		t.Errorf("it holds %d bytes, and %d after an evaluation", holds, more)
	}
	if plan.Samples != 0 || holds > plan.Held()*(100+percent)/100 || holds < plan.Held()*(100-percent)/100 {
		t.Errorf("it holds %d bytes, planned were %d: %+v", holds, plan.Held(), plan)
	}
	runtime.KeepAlive(e)
	runtime.KeepAlive(data)
	runtime.KeepAlive(state)
}

func TestAvailableMemory(t *testing.T) {
	bytes, source := availableMemory()
	t.Logf("%d MiB: %s", bytes>>20, source)
	if source == "" || (bytes > 0) != (runtime.GOOS == "linux") {
		t.Errorf("%d bytes, %q", bytes, source)
	}
}

// TestSameBitsWhereverMemoryLies: what is computed does not depend on the addresses that
// the system gives to the tensors of an engine. Small ones may begin at any multiple of 8.
func TestSameBitsWhereverMemoryLies(t *testing.T) {
	d := dataset.Noise(64, 5, 2)
	n := networktest.Perceptron(5, 1, 2) // a row of weights and a bias are 24 bytes
	if err := n.Initialise(network.PyTorch, 1); err != nil {
		t.Fatal(err)
	}
	var first []float32
	var between [][]float32 // which other tensors are moved by
	for range 40 {
		between = append(between, make([]float32, 6))
		e, err := open[float32](gonum32{}, d, backend.EngineOptions{Batch: 8, Optimiser: backend.Optimiser{Kind: backend.Adam}}, &backend.State{Network: n})
		if err != nil {
			t.Fatal(err)
		}
		evaluation, err := e.Evaluate(t.Context(), backend.TrainPart, backend.Want{Logits: true})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = evaluation.Logits
		}
		if !slices.Equal(evaluation.Logits, first) {
			t.Fatal("two engines with the same state give other logits")
		}
	}
	runtime.KeepAlive(between)
}

// TestAPushOfASmallerGraphTakesNoActivations: they lie where those before lay. What is
// allocated besides is what the plan says of the rest, once more for the parameters, which
// are converted, and small structs.
func TestAPushOfASmallerGraphTakesNoActivations(t *testing.T) {
	const inputs, players = 40, 3000
	n := networktest.Perceptron(inputs, players, 3)
	data := dataset.Noise(16, inputs, 3)
	e, err := open[float32](gonum32{}, data, backend.EngineOptions{Batch: 8, Optimiser: backend.Optimiser{Kind: backend.Adam}}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := n.Cut(network.Survivors{network.Indices(players)[1:]})
	if err != nil {
		t.Fatal(err)
	}
	smaller := (&backend.State{Network: n}).Cut(cut)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := e.Push(smaller); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	plan := planMemory[float32](data, e.options, cut.Graph)
	most := plan.Held() - plan.Activations + plan.Parameters + 1<<18
	if taken := int(after.TotalAlloc - before.TotalAlloc); taken > most || most > plan.Activations {
		t.Errorf("%d bytes were allocated, expected are %d at most; activations have %d", taken, most, plan.Activations)
	}
}
