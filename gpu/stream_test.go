//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nashprune/gpu"
	"nashprune/gpu/internal/vktest"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// openPlaced opens a case with its samples somewhere.
func openPlaced(t testing.TB, c backendtest.Case, placement backend.Placement) backend.Engine {
	t.Helper()
	o := backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser, Loss: c.Loss, Samples: placement}
	e, err := openVulkan(c.Data(), o, c.State())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if streams := placement == backend.Streamed; gpu.Streams(e) != streams {
		t.Fatalf("asked for %q, it streams: %v", placement, gpu.Streams(e))
	}
	return e
}

// shuffled returns a stretch of so many steps, the last of one sample, over samples
// in no order.
func shuffled(c backendtest.Case, steps int) backend.Stretch {
	var s backend.Stretch
	there := c.Data().Train.Len()
	for i := range (steps-1)*c.Batch + 1 {
		s.Order = append(s.Order, int32(i*i*7+i*3)%int32(there))
	}
	for range steps {
		s.LearningRates = append(s.LearningRates, 1e-3)
	}
	return s
}

// transcript takes an engine through all that reads samples, and returns everything
// that came of it.
func transcript(t *testing.T, e backend.Engine, c backendtest.Case) (found []any) {
	t.Helper()
	note := func(what any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, what)
	}
	infer := func(count int) {
		t.Helper()
		if err := e.Infer(count); err != nil {
			t.Fatal(err)
		}
		note(gpu.Logits(e, count))
	}
	ctx := context.Background()
	pass := func() {
		t.Helper()
		infer(3)
		note(e.Train(ctx, shuffled(c, 23)))
		infer(5)
		infer(2) // which lie there
		infer(9) // of which five do
		note(e.Participations())
		note(e.Measure(ctx))
		note(e.Observe(ctx, shuffled(c, 3).Order))
		for _, part := range []backend.Part{backend.TrainPart, backend.ValidationPart, backend.TestPart} {
			note(e.Evaluate(ctx, part, backend.Want{}))
			infer(4)
			note(e.Evaluate(ctx, part, backend.Want{Logits: true}))
		}
		note(e.Probe(shuffled(c, 1).Order, 1e-3))
		note(e.Train(ctx, shuffled(c, 2)))
		infer(backend.InferLimit)
		note(e.Pull())
	}
	pass()
	var keep network.Survivors
	for _, width := range c.Hidden {
		keep = append(keep, everySecond(width))
	}
	if err := remove(e, keep); err != nil {
		t.Fatal(err)
	}
	pass()
	if err := e.Push(c.State()); err != nil {
		t.Fatal(err)
	}
	pass()
	return found
}

// TestStreamedSamplesGiveTheSameBits: as resident ones, in chunks of one step and of a
// few, and where tests may take minutes of many, and in more cases.
func TestStreamedSamplesGiveTheSameBits(t *testing.T) {
	chunks := []int{1, 3 * 264 * 64}
	if vktest.Long {
		chunks = append(chunks, 8<<20)
	}
	adam := backend.Optimiser{Kind: backend.Adam}
	for _, c := range []backendtest.Case{
		{Name: "bytes", Inputs: 13, Hidden: []int{15}, Outputs: 3, Batch: 19, Rows: 13, Optimiser: adam},
		{Name: "single samples", Inputs: 3, Hidden: []int{4, 2}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: backend.Optimiser{Kind: backend.SGD}},
		{Name: "floats and weights", Inputs: 7, Hidden: []int{5, 4}, Outputs: 3, Batch: 5, Rows: 3, Floats: true, Optimiser: adam,
			Loss: backend.Loss{Smoothing: 0.1, ClassWeights: []float64{0.5, 2, 1}}},
		{Name: "large batches", Inputs: 2, Hidden: []int{13}, Outputs: 3, Batch: 261, Rows: 261, Optimiser: adam},
		{Name: "regression", Inputs: 5, Hidden: []int{8, 3}, Outputs: 3, Regression: true, Batch: 16, Rows: 9, Floats: true, Optimiser: adam},
		{Name: "regression from bytes", Inputs: 9, Hidden: []int{6}, Outputs: 1, Regression: true, Batch: 7, Rows: 7,
			Optimiser: backend.Optimiser{Kind: backend.SGD, ClipNorm: 0.1}},
	} {
		if brief := []string{"floats and weights", "large batches", "regression from bytes"}; !vktest.Long && !slices.Contains(brief, c.Name) {
			continue
		}
		if testing.Short() && c.Name != "floats and weights" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			want := transcript(t, openPlaced(t, c, backend.Resident), c)
			for _, bytes := range chunks {
				restore := gpu.SetChunkBytes(bytes)
				got := transcript(t, openPlaced(t, c, backend.Streamed), c)
				restore()
				for i := range want {
					if !reflect.DeepEqual(got[i], want[i]) {
						t.Fatalf("in chunks of %d bytes result %d of %d, a %T, differs", bytes, i, len(want), want[i])
					}
				}
			}
		})
	}
}

// ending is a context that ends when it has been asked a few times.
type ending struct {
	context.Context
	left int
}

func (c *ending) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestStreamedTrainingStopsBetweenSteps: it says how far it came, and going on from
// there gives the bits of never having stopped.
func TestStreamedTrainingStopsBetweenSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	defer gpu.SetChunkBytes(1)()
	c := backendtest.Cases()[2]
	whole := shuffled(c, 40)
	through := openPlaced(t, c, backend.Resident)
	if _, err := through.Train(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	e := openPlaced(t, c, backend.Streamed)
	done, stops := 0, 0
	for ; done < whole.Steps(); stops++ {
		rest := backend.Stretch{Order: whole.Order[done*c.Batch:], LearningRates: whole.LearningRates[done:]}
		progress, err := e.Train(&ending{context.Background(), 1 + stops}, rest)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		done += progress.Steps
		ended := &ending{context.Background(), stops % 2}
		if _, err := e.Evaluate(ended, backend.TestPart, backend.Want{}); !errors.Is(err, context.Canceled) {
			t.Errorf("300 samples were evaluated in chunks of 256 although ctx ended: %v", err)
		}
	}
	if stops < 3 {
		t.Errorf("it stopped %d times", stops)
	}
	got, err := e.Pull()
	if err != nil {
		t.Fatal(err)
	}
	if want, err := through.Pull(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the bits depend on where it stopped, %v", err)
	}
}

// TestNothingIsFilledAfterAnEnd: after a stop an engine may be closed or do something
// else, so no chunk is being filled any more.
func TestNothingIsFilledAfterAnEnd(t *testing.T) {
	c := backendtest.Cases()[2]
	e := openPlaced(t, c, backend.Streamed)
	var filling atomic.Int32
	gpu.BeforeFilling(e, func() {
		filling.Add(1)
		time.Sleep(100 * time.Millisecond) // much longer than a step
		filling.Add(-1)
	})
	for name, run := range map[string]func(context.Context) error{
		"training": func(ctx context.Context) error { _, err := e.Train(ctx, shuffled(c, 5)); return err },
		"evaluation": func(ctx context.Context) error {
			_, err := e.Evaluate(ctx, backend.TestPart, backend.Want{})
			return err
		},
	} {
		if err := run(&ending{t.Context(), 1}); !errors.Is(err, context.Canceled) || filling.Load() != 0 {
			t.Errorf("%s: %d goroutines fill a chunk, %v", name, filling.Load(), err)
		}
	}
}

// TestParityOfStreamedSamples compares engines whose chunks hold a step: in all cases
// if tests may take minutes.
func TestParityOfStreamedSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	defer gpu.SetChunkBytes(1)()
	all := backendtest.Cases()
	cases := []backendtest.Case{all[10], all[16]}
	switch {
	case vktest.Long:
		cases = all
	case testing.Short():
		cases = cases[1:]
	}
	compareWith(t, func(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
		o.Samples = backend.Streamed
		return openVulkan(d, o, s)
	}, cases)
}

// TestSamplesThatDoNotFitAreStreamed: as soon as the device has too little memory
// for all of them, and only then. Where it has too little for that, too, the refusal
// has the figures.
func TestSamplesThatDoNotFitAreStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	defer gpu.SetChunkBytes(64 << 10)()
	data, widths := dataset.Noise(60_000, 100, 2), []int{100, 7, 2}
	state := &backend.State{Network: networktest.Perceptron(widths...)}
	options := func(p backend.Placement) backend.EngineOptions {
		return backend.EngineOptions{Batch: 10, Optimiser: adam, Samples: p}
	}
	plan := func(p backend.Placement) backend.MemoryPlan {
		t.Helper()
		plan, err := device.Plan(data, options(p), networktest.Perceptron(widths...).Graph)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	resident, streamed := plan(backend.Resident), plan(backend.Streamed)
	if resident.Placement != backend.Resident || resident.Samples < 60_000*101 ||
		streamed.Placement != backend.Streamed || streamed.Samples > 128<<10 || plan("") != resident {
		t.Fatalf("%+v, streamed %+v, left open %+v", resident, streamed, plan(""))
	}
	open := func(p backend.Placement) (streams bool, err error) {
		e, err := device.Open(data, options(p), state)
		if err != nil {
			return false, err
		}
		defer e.Close()
		if held, planned := gpu.Allocated(e), plan(p).Held(); held > planned {
			t.Errorf("%q: %d bytes are allocated, planned were %d", p, held, planned)
		}
		if _, err := e.Evaluate(context.Background(), backend.TrainPart, backend.Want{}); err != nil {
			t.Error(err)
		}
		return gpu.Streams(e), nil
	}
	fitsWell := (8*resident.Held() + 6) / 7 // seven eighths of which it takes
	for _, c := range []struct {
		memory  int
		asked   backend.Placement
		streams bool
		refused []string
	}{
		{fitsWell, "", false, nil},
		{fitsWell - 1, "", true, nil},
		{resident.Held(), backend.Streamed, true, nil},
		{resident.Held(), backend.Resident, false, nil},
		{resident.Held() - 1, backend.Resident, false, []string{"samples take most", "--data-on-device streamed"}},
		{streamed.Held(), "", true, nil},
		{streamed.Held() - 1, "", false, []string{"MiB", "memory of the device", "--batch"}},
	} {
		t.Run(fmt.Sprintf("%d bytes %s", c.memory, c.asked), func(t *testing.T) {
			defer gpu.SetMemoryLimit(c.memory)()
			streams, err := open(c.asked)
			if streams != c.streams || (err != nil) != (c.refused != nil) {
				t.Fatalf("it streams: %v, want %v; %v", streams, c.streams, err)
			}
			for _, words := range c.refused {
				if !errors.Is(err, backend.ErrOutOfMemory) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v does not say %q", err, words)
				}
			}
		})
	}
}
