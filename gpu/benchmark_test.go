//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"nashprune/gpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

var adam = backend.Optimiser{Kind: backend.Adam}

// benchmarkCase returns a network with its samples.
func benchmarkCase(hidden ...int) backendtest.Case {
	return backendtest.Case{Inputs: 784, Hidden: hidden, Outputs: 10, Batch: 128, Rows: 128, Optimiser: adam}
}

// fresh returns the case's network as a training starts it.
func fresh(c backendtest.Case) *backend.State {
	n := network.New(c.Graph())
	if err := n.Initialise(network.He, 1); err != nil {
		panic(err)
	}
	return &backend.State{Network: n}
}

// remove removes all players but some of an engine's network, as a round does.
func remove(e backend.Engine, keep network.Survivors) error {
	s, err := e.Pull()
	if err != nil {
		return err
	}
	cut, err := s.Network.Cut(keep)
	if err != nil {
		return err
	}
	return e.Push(s.Cut(cut))
}

// openOn opens the case at a fresh network on the device that words mean.
func openOn(tb testing.TB, words string, c backendtest.Case) backend.Engine {
	tb.Helper()
	device, err := backend.FindDevice(words)
	if err != nil {
		tb.Fatal(err)
	}
	return open(tb, device, c)
}

// open opens the case at a fresh network on a device.
func open(tb testing.TB, device backend.Device, c backendtest.Case) backend.Engine {
	tb.Helper()
	e, err := device.Open(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, fresh(c))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

// steps returns a stretch of whole batches.
func steps(c backendtest.Case, n int) backend.Stretch {
	var s backend.Stretch
	for i := range n * c.Batch {
		s.Order = append(s.Order, int32(i%(2*c.Batch)))
	}
	for range n {
		s.LearningRates = append(s.LearningRates, 1e-4)
	}
	return s
}

// lenet5 is LeNet-5 as it is often pruned.
var lenet5 = imageCase(28, 1,
	networktest.BiasedConv("conv1", 20, kernel5), networktest.Max("pool1", network.Square(2, 2, 0)),
	networktest.BiasedConv("conv2", 50, kernel5), networktest.Max("pool2", network.Square(2, 2, 0)),
	networktest.Flatten("flat"), networktest.Dense("fc", 500), networktest.Activate("a", network.ReLU), networktest.Dense("head", 10))

// residual is the first stage of a small residual network, and one block that strides.
var residual = imageCase(32, 3,
	networktest.Conv("stem", 16, kernel3, 1), networktest.Norm("n0"), networktest.Activate("a0", network.ReLU),
	networktest.Conv("c1", 16, kernel3, 1), networktest.Norm("n1"), networktest.Activate("a1", network.ReLU),
	networktest.Conv("c2", 16, kernel3, 1), networktest.Norm("n2"), networktest.Add("sum", 3, 8), networktest.Activate("a2", network.ReLU),
	networktest.Conv("c3", 32, network.Square(3, 2, 1), 1), networktest.Norm("n3"), networktest.Activate("a3", network.ReLU),
	networktest.GlobalAverage("mean"), networktest.Flatten("flat"), networktest.Dense("head", 10))

var kernel3, kernel5 = network.Square(3, 1, 1), network.Square(5, 1, 0)

// imageCase returns a network of square images.
func imageCase(side, channels int, nodes ...network.Node) backendtest.Case {
	return backendtest.Case{
		Inputs: channels * side * side, Outputs: 10, Batch: 128, Rows: 128, Optimiser: adam,
		Nodes: networktest.Chain(append([]network.Node{networktest.Input(channels, side, side)}, nodes...)...),
	}
}

// BenchmarkStep times a training step on Vulkan beside the CPU's with either
// library, in turns.
func BenchmarkStep(b *testing.B) {
	const perceptronSteps, imageSteps = 32, 2
	for _, net := range []struct {
		name        string
		c           backendtest.Case
		stepsAtOnce int
	}{
		{"784-512-256-10", benchmarkCase(512, 256), perceptronSteps},
		{"784-128-64-10", benchmarkCase(128, 64), perceptronSteps},
		{"784-25-13-10", benchmarkCase(25, 13), perceptronSteps},
		{"lenet-5", lenet5, imageSteps},
		{"residual", residual, imageSteps},
	} {
		b.Run(net.name, func(b *testing.B) {
			c, stepsAtOnce := net.c, net.stepsAtOnce
			s := steps(c, stepsAtOnce)
			engines := map[string]backend.Engine{}
			took := map[string]time.Duration{}
			devices := []string{gpu.DriverName, "gonum", "openblas"}
			if _, err := backend.FindDevice("openblas"); err != nil {
				b.Log(err)
				devices = devices[:2]
			}
			for _, device := range devices {
				engines[device] = openOn(b, device, c)
			}
			train := func(device string) {
				if _, err := engines[device].Train(context.Background(), s); err != nil {
					b.Fatal(err)
				}
			}
			for _, device := range devices { // drivers compile kernels when they are first run
				train(device)
			}
			before := map[string]backend.Timing{}
			for _, t := range engines[gpu.DriverName].Timings() {
				before[t.Kernel] = t
			}
			for b.Loop() {
				for _, device := range devices {
					start := time.Now()
					train(device)
					took[device] += time.Since(start)
				}
			}
			for _, device := range devices {
				b.ReportMetric(float64(took[device].Microseconds())/float64(b.N*stepsAtOnce), device+"-us/step")
			}
			b.ReportMetric(float64(took[gpu.DriverName])/float64(took["gonum"]), "vulkan/gonum")
			for _, t := range engines[gpu.DriverName].Timings() {
				seconds, calls := t.Seconds-before[t.Kernel].Seconds, t.Calls-before[t.Kernel].Calls
				b.Logf("%-10s %8.1f us a step, %d calls", t.Kernel, seconds/float64(b.N)*1e6, calls/b.N)
			}
		})
	}
}

// BenchmarkStreamed times an epoch of 20,000 samples in a random order whose samples
// are streamed beside one whose samples are resident, a stretch of 64 steps in turns,
// as runs take them.
func BenchmarkStreamed(b *testing.B) {
	const samples, stretch = 20_000, 64
	for _, widths := range [][]int{{784, 512, 256, 10}, {784, 25, 13, 10}} {
		b.Run(fmt.Sprint(widths), func(b *testing.B) {
			c := benchmarkCase(widths[1 : len(widths)-1]...)
			data := dataset.Noise(samples, widths[0], widths[len(widths)-1])
			var epoch []backend.Stretch
			for first := 0; first < samples; first += stretch * c.Batch {
				var s backend.Stretch
				for i := first; i < min(samples, first+stretch*c.Batch); i++ {
					if i%c.Batch == 0 {
						s.LearningRates = append(s.LearningRates, 1e-4)
					}
					s.Order = append(s.Order, int32(7919*i%samples)) // a prime number
				}
				epoch = append(epoch, s)
			}
			placements := []backend.Placement{backend.Resident, backend.Streamed}
			engines, took := map[backend.Placement]backend.Engine{}, map[backend.Placement][]time.Duration{}
			train := func(p backend.Placement, s backend.Stretch) time.Duration {
				start := time.Now()
				if _, err := engines[p].Train(context.Background(), s); err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			for _, p := range placements {
				var err error
				o := backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser, Samples: p}
				if engines[p], err = openVulkan(data, o, fresh(c)); err != nil {
					b.Fatal(err)
				}
				defer engines[p].Close()
				train(p, epoch[0]) // and compile the kernels
			}
			for b.Loop() {
				times := map[backend.Placement]time.Duration{}
				for _, s := range epoch {
					for _, p := range placements {
						times[p] += train(p, s)
					}
					slices.Reverse(placements) // so that a machine that slows down favours neither
				}
				for p, t := range times {
					took[p] = append(took[p], t)
				}
			}
			for _, p := range placements {
				b.ReportMetric(median(took[p]), string(p)+"-us/epoch")
			}
			b.ReportMetric(median(took[backend.Streamed])/median(took[backend.Resident]), "streamed/resident")
		})
	}
}

// BenchmarkKernels times a training step with each of the kernel sets, in turns, beside
// the device's default.
func BenchmarkKernels(b *testing.B) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		b.Fatal(err)
	}
	sets, err := device.KernelSets()
	if err != nil {
		b.Fatal(err)
	}
	for _, hidden := range [][]int{{512, 256}, {128, 64}} {
		b.Run(fmt.Sprintf("784-%v-10", hidden), func(b *testing.B) {
			c := benchmarkCase(hidden...)
			s := steps(c, 8)
			took := map[string][]time.Duration{}
			engines := map[string]backend.Engine{}
			train := func(set string) time.Duration {
				start := time.Now()
				if _, err := engines[set].Train(context.Background(), s); err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			for _, set := range sets {
				forced, err := device.WithKernels(set)
				if err != nil {
					b.Fatal(err)
				}
				engines[set] = open(b, forced, c)
				b.Logf("%-6s first steps, with compilation: %v", set, train(set))
			}
			for b.Loop() {
				for _, set := range sets {
					took[set] = append(took[set], train(set))
				}
			}
			for _, set := range sets {
				b.ReportMetric(median(took[set])/8, set+"-us/step")
				b.ReportMetric(median(took[set])/median(took[sets[0]]), set+"/"+sets[0])
				for _, t := range engines[set].Timings() {
					if slices.Contains([]string{"forward", "backward", "gradient"}, t.Kernel) {
						b.Logf("%-6s %-8s %8.1f us a call", set, t.Kernel, t.Seconds/float64(t.Calls)*1e6)
					}
				}
			}
		})
	}
}

// BenchmarkCompact times the removal of half of all players, together with the
// first step afterwards, whose commands have to be recorded anew, beside a step
// of the smaller network.
func BenchmarkCompact(b *testing.B) {
	c := benchmarkCase(512, 256)
	e := openOn(b, gpu.DriverName, c)
	keep := network.Survivors{everySecond(512), everySecond(256)}
	once := steps(c, 1)
	train := func() time.Duration {
		start := time.Now()
		if _, err := e.Train(context.Background(), once); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var compact, recording []time.Duration
	for b.Loop() {
		if err := e.Push(fresh(c)); err != nil {
			b.Fatal(err)
		}
		train()
		start := time.Now()
		if err := remove(e, keep); err != nil {
			b.Fatal(err)
		}
		compact = append(compact, time.Since(start))
		first := train()
		recording = append(recording, first-train())
	}
	b.ReportMetric(median(compact), "us/compact")
	b.ReportMetric(median(recording), "us/re-recording")
}

// median leaves out the first times, when drivers compile kernels.
func median(times []time.Duration) (microseconds float64) {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds())
}

// none returns no participation for players of so many each gate.
func none(widths []int) [][]float64 {
	var s [][]float64
	for _, n := range widths {
		s = append(s, make([]float64, n))
	}
	return s
}

func everySecond(n int) []int {
	var kept []int
	for i := 0; i < n; i += 2 {
		kept = append(kept, i)
	}
	return kept
}

// BenchmarkSparseInference times the inference of LeNet-300-100 with one weight of so many,
// through all weights and through those that are not zero, in turns.
func BenchmarkSparseInference(b *testing.B) {
	for _, of := range []int{32, 56, 100} {
		for _, rows := range []int{1, 128} {
			b.Run(fmt.Sprintf("1 of %d/batch %d", of, rows), func(b *testing.B) {
				engines, least := map[bool]backend.Engine{}, map[bool]time.Duration{true: math.MaxInt64, false: math.MaxInt64}
				for _, sparse := range []bool{false, true} {
					c := backendtest.Case{Inputs: 784, Hidden: []int{300, 100}, Outputs: 10, Batch: 128, Rows: 128, Optimiser: backend.Optimiser{Kind: backend.Adam}}
					s := fresh(c)
					for p, param := range s.Network.Params {
						for i := range s.Network.Parameters[p] {
							if param.Weight && i*7919%of != 0 {
								s.Network.Parameters[p][i] = 0
							}
						}
					}
					e, err := openVulkan(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, s)
					if err != nil {
						b.Fatal(err)
					}
					defer e.Close()
					gpu.UseSparse(e, sparse)
					if err := e.Push(s); err != nil {
						b.Fatal(err)
					}
					if gpu.IsSparse(e) != sparse {
						b.Fatalf("sparse: %v", gpu.IsSparse(e))
					}
					engines[sparse] = e
				}
				for b.Loop() {
					for _, sparse := range []bool{false, true} {
						start := time.Now()
						if err := engines[sparse].Infer(rows); err != nil {
							b.Fatal(err)
						}
						least[sparse] = min(least[sparse], time.Since(start)) // which other work on the machine changes least
					}
				}
				b.ReportMetric(float64(least[false].Microseconds()), "dense-least-us")
				b.ReportMetric(float64(least[true].Microseconds()), "sparse-least-us")
			})
		}
	}
}
