//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// TestMoreRowsThanAGrid compares sizes at which kernels have to loop, since a
// grid has too few workgroups for their rows.
func TestMoreRowsThanAGrid(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	defer gpu.SetMaxGroups(4)()
	compareCases(t, backendtest.Cases()[4:5])
}

// TestSameBitsHoweverMatricesAreDispatched trains and observes with all matrices and gates
// in as few dispatches as may be, with some of them together, and with each alone, as
// where kernels reach too little of a buffer.
func TestSameBitsHoweverMatricesAreDispatched(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	c := backendtest.Cases()[4]
	end := func(reach int) (*backend.State, []string) {
		defer gpu.SetMaxReach(reach)()
		e := openOn(t, gpu.DriverName, c)
		var kernels []string
		defer gpu.WhenRecorded(func(p *compute.Program) {
			for _, s := range p.Steps() {
				if s.Name == "gradient" || s.Name == "collect" {
					kernels = append(kernels, s.Name)
				}
			}
		})()
		if _, err := e.Train(context.Background(), steps(c, 1)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Measure(context.Background()); err != nil {
			t.Fatal(err)
		}
		state, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		return state, kernels
	}
	want, few := end(math.MaxInt)
	for reach, kernels := range map[int]int{9000: 5, 1: 7} {
		got, many := end(reach)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("with %d bytes the bits differ", reach)
		}
		if len(few) != 2 || len(many) != kernels {
			t.Errorf("with %d bytes it takes %v, without a limit %v", reach, many, few)
		}
	}
}

// TestSameBitsHoweverStepsAreSubmitted trains the same steps one at a time and
// as many at a time as the engine likes.
func TestSameBitsHoweverStepsAreSubmitted(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	c := backendtest.Cases()[6]
	whole := steps(c, 40)
	end := func(train func(backend.Engine)) *backend.State {
		e := openOn(t, gpu.DriverName, c)
		train(e)
		state, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	atOnce := end(func(e backend.Engine) {
		if _, err := e.Train(context.Background(), whole); err != nil {
			t.Fatal(err)
		}
	})
	oneByOne := end(func(e backend.Engine) {
		for i, rate := range whole.LearningRates {
			one := backend.Stretch{Order: whole.Order[i*c.Batch:][:c.Batch], LearningRates: []float64{rate}}
			if _, err := e.Train(context.Background(), one); err != nil {
				t.Fatal(err)
			}
		}
	})
	if !reflect.DeepEqual(atOnce, oneByOne) {
		t.Error("the bits depend on how many steps are submitted at a time")
	}
}

// TestStepsThatTheClockDoesNotSee: as many as may be are submitted together, as where
// steps are short, and not one, as where nothing is known of them.
func TestStepsThatTheClockDoesNotSee(t *testing.T) {
	for _, c := range []struct {
		all         time.Duration
		steps, want int
	}{{0, 1, 64}, {0, 64, 64}, {10, 64, 64}, {time.Second, 1, 1}, {50 * time.Millisecond, 10, 10}} {
		if got := gpu.StepsAfter(c.all, c.steps); got != c.want {
			t.Errorf("after %d steps in %v: %d at a time, want %d", c.steps, c.all, got, c.want)
		}
	}
}

// TestStepsDoNotAllocate compares the allocations of one step with those of
// many.
func TestStepsDoNotAllocate(t *testing.T) {
	c := backendtest.Cases()[2]
	e := openOn(t, gpu.DriverName, c)
	allocations := func(n int) float64 {
		s := steps(c, n)
		return testing.AllocsPerRun(10, func() {
			if _, err := e.Train(context.Background(), s); err != nil {
				t.Fatal(err)
			}
		})
	}
	if two, many := allocations(2), allocations(300); many > two {
		t.Errorf("300 steps make %v allocations, two make %v", many, two)
	}
}

// TestSamplesThatAKernelCannotReach opens more bytes of samples than lavapipe lets
// a kernel see: they are streamed, and refused where they are to be resident. Devices
// that see more have nothing to refuse.
func TestSamplesThatAKernelCannotReach(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	if device.Kind != backend.SoftwareGPU {
		t.Skip("needs a device that reaches no more than 128 MiB")
	}
	const features, samples = 1 << 16, 2080
	part := dataset.Samples{Features: features, Pixels: make([]uint8, samples*features), Labels: make([]uint8, samples)}
	d := &dataset.Dataset{Name: "wide", Height: 1, Width: features, Classes: 2, Deviation: 1, Train: part}
	part.Pixels[len(part.Pixels)-1] = 255 // of the last sample: a logit of 1
	n := networktest.Perceptron(features, 1, 2)
	n.Parameters[0][features-1], n.Parameters[2][1] = 1, 1
	o := backend.EngineOptions{Batch: 1, Optimiser: adam}
	e, err := device.Open(d, o, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	got, err := e.Evaluate(context.Background(), backend.TrainPart, backend.Want{Logits: true})
	if err != nil || !gpu.Streams(e) {
		t.Fatalf("it streams: %v, %v", gpu.Streams(e), err)
	}
	want := make([]float32, 2*samples)
	want[len(want)-1] = 1
	if !slices.Equal(got.Logits, want) {
		t.Error("the logits are others")
	}
	o.Samples = backend.Resident
	_, err = device.Open(d, o, &backend.State{Network: n})
	if !errors.Is(err, backend.ErrOutOfMemory) || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("got %v", err)
	}
}

// TestRefusesLoopsThatAreTooLong opens sizes that llvmpipe would not go through.
func TestRefusesLoopsThatAreTooLong(t *testing.T) {
	for name, c := range map[string]backendtest.Case{
		"a batch": {Inputs: 1, Hidden: []int{1}, Outputs: 2, Batch: 65536, Rows: 1, Optimiser: adam},
		"262141 ": {Inputs: 1, Hidden: []int{262141}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: adam},
	} {
		_, err := openVulkan(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, fresh(c))
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrainingUnderAnAllocatingGoroutine trains while the garbage collector is
// kept busy, for 2 seconds or for NASHPRUNE_STRESS (a Go duration): the Vulkan
// binding frees memory under its own calls, so ours go around it. make stress
// runs it with GOGC=1 and MALLOC_PERTURB_, and under AddressSanitizer.
func TestTrainingUnderAnAllocatingGoroutine(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	length := 2 * time.Second
	if words := os.Getenv("NASHPRUNE_STRESS"); words != "" {
		var err error
		if length, err = time.ParseDuration(words); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		var kept [16][]byte
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				kept[i%len(kept)] = make([]byte, 64<<10)
				runtime.Gosched()
			}
		}
	}()
	done, engines := 0, 0
	for start := time.Now(); time.Since(start) < length; engines++ {
		n, err := trainAndClose(backendtest.Cases()[4])
		if err != nil {
			t.Fatal(err)
		}
		done += n
	}
	t.Logf("%d steps on %d engines", done, engines)
}

// trainAndClose takes an engine through everything that a training does, and
// returns how many steps it took.
func trainAndClose(c backendtest.Case) (done int, err error) {
	e, err := openVulkan(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, c.State())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	train := func(n int) error {
		progress, err := e.Train(context.Background(), steps(c, n))
		done += progress.Steps
		return err
	}
	prices := none(c.Hidden)
	var keep network.Survivors
	for _, width := range c.Hidden {
		keep = append(keep, everySecond(width))
	}
	for range 20 {
		if err := train(50); err != nil {
			return done, err
		}
		if _, err := e.Participations(); err != nil {
			return done, err
		}
		if _, err := e.Observe(context.Background(), steps(c, 1).Order); err != nil {
			return done, err
		}
		if _, err := e.Play(prices, none(c.Hidden), 3); err != nil {
			return done, err
		}
	}
	if err := remove(e, keep); err != nil {
		return done, err
	}
	return done, train(50)
}

// TestProgramsStay: a training step, a play and an evaluation are recorded once for a graph, also
// where a state of that graph is pushed, and again for another.
func TestProgramsStay(t *testing.T) {
	c := backendtest.Cases()[2]
	e := openOn(t, gpu.DriverName, c)
	recorded := 0
	defer gpu.WhenRecorded(func(p *compute.Program) {
		if slices.ContainsFunc(p.Steps(), func(s compute.Step) bool { return s.Name == "gradient" || s.Name == "play" || s.Name == "output" }) {
			recorded++
		}
	})()
	for round, want := range []int{4, 4, 8} { // timed and other steps, a play and an evaluation
		state, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		if round == 2 {
			cut, err := state.Network.Cut(network.Survivors{everySecond(c.Hidden[0])})
			if err != nil {
				t.Fatal(err)
			}
			state = state.Cut(cut)
		}
		if err := e.Push(state); err != nil {
			t.Fatal(err)
		}
		widths := state.Network.Widths()
		for range 2 {
			_, training := e.Train(t.Context(), steps(c, 2))
			_, playing := e.Play(none(widths), none(widths), 3)
			_, evaluating := e.Evaluate(t.Context(), backend.TestPart, backend.Want{})
			if err := errors.Join(training, playing, evaluating); err != nil {
				t.Fatal(err)
			}
		}
		if recorded != want {
			t.Errorf("%d programs are recorded after push %d, want %d", recorded, round, want)
		}
	}
}

// TestInferComputesTheLogits: of the first test samples, after any other work, and at most as many as there
// is room for.
func TestInferComputesTheLogits(t *testing.T) {
	cases := backendtest.Cases()
	inferComputesTheLogits(t, cases[2], backend.InferLimit)
	inferComputesTheLogits(t, cases[10], cases[10].Batch)
}

func inferComputesTheLogits(t *testing.T, c backendtest.Case, limit int) {
	e := openOn(t, gpu.DriverName, c)
	want, err := e.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Infer(limit + 1); err == nil {
		t.Errorf("it takes more samples than %d", limit)
	}
	for _, count := range []int{1, 5, limit} {
		if _, err := e.Evaluate(context.Background(), backend.TrainPart, backend.Want{}); err != nil {
			t.Fatal(err)
		}
		if err := e.Infer(count); err != nil {
			t.Fatal(err)
		}
		got, err := gpu.Logits(e, count)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want.Logits[:count*c.Outputs]) {
			t.Errorf("of %d samples it computes other logits than an evaluation", count)
		}
	}
}

// TestProbeTakesABatchAtMost: there is room for no more.
func TestProbeTakesABatchAtMost(t *testing.T) {
	c := backendtest.Cases()[2]
	e := openOn(t, gpu.DriverName, c)
	for _, n := range []int{0, c.Batch + 1} {
		if _, err := e.Probe(make([]int32, n), 0); err == nil {
			t.Errorf("it takes %d samples at a batch of %d", n, c.Batch)
		}
	}
}

// TestTimingsNameTheKernels checks that a training leaves the time of each of
// its kernels.
func TestTimingsNameTheKernels(t *testing.T) {
	c := backendtest.Cases()[2]
	e := openOn(t, gpu.DriverName, c)
	if _, err := e.Train(context.Background(), steps(c, 3)); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, timing := range e.Timings() {
		if timing.Seconds < 0 {
			t.Errorf("%s took %v s", timing.Kernel, timing.Seconds)
		}
		found[timing.Kernel] = timing.Calls
	}
	want := map[string]int{"gather": 1, "forward": 1, "output": 1, "backward": 1, "gradient": 1}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("timed %v, want %v", found, want)
	}
}
