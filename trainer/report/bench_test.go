package report

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"nashprune/trainer/backend"
	"nashprune/trainer/bench"
)

// measured is a measurement as it could have been.
func measured() *bench.Report {
	processor := backend.Device{Driver: "cpu", Name: "a processor\nof two lines", Kind: backend.CPU, BLAS: "gonum"}
	card := backend.Device{Driver: "vulkan", Name: "a card", Kind: backend.DiscreteGPU, DriverInfo: "its driver"}
	slow := bench.NewFigure([]float64{90e-6, 100e-6, 120e-6})
	fast := bench.NewFigure([]float64{9e-6, 10e-6, 11e-6})
	billions := bench.NewFigure([]float64{2e9, 2.5e9, 3e9})
	ten := bench.NewFigure([]float64{10})
	played := &bench.Game{
		Round: slow, StepsPerRound: 94,
		Cost: bench.NewFigure([]float64{-4e-3}), Share: bench.NewFigure([]float64{0.034, -0.02, 0.05}),
	}
	ceiling := bench.NewCeiling([]float64{2e9, 3e9, 2.5e9})
	case1 := bench.CaseReport{
		Model: "9-7-3", Batch: 8, Parameters: 94, Operations: 5e3, Bytes: 2e3, Samples: 40, StepsInEpoch: 5,
		Measured: []bench.Measured{
			{Device: "cpu:0", Step: slow, StepsPerTurn: 5, Epoch: slow, EpochMeasured: true, Operations: billions, Bytes: billions, OfOperations: 0.25, OfBytes: 0.125, Game: played},
			{
				Device: "vulkan:0", Step: fast, StepsPerTurn: 2, Epoch: fast, OnDevice: fast, Operations: billions, Bytes: billions,
				Kernels:    []bench.Kernel{{Kernel: "forward", Calls: 3, Time: fast}},
				FasterThan: []bench.Faster{{Than: "cpu:0", Times: ten}}, FasterThanCase: &bench.Faster{Than: "9-70-3", Times: ten},
			},
		},
	}
	point := func(size int) bench.Point {
		return bench.Point{Size: size, Model: "64-10-10", Batch: 128, Step: slow, Game: played}
	}
	return &bench.Report{
		Program: "nashprune test", Platform: "go1 linux/amd64, 2 threads", Started: time.Unix(0, 0).UTC(), Seconds: 12, Budget: 3600,
		Devices: []bench.Device{
			{Device: processor, Ceilings: &bench.DeviceCeilings{Operations: ceiling, Bytes: ceiling, OperationsMethod: "sums", BytesMethod: "a copy"}},
			{Device: card, Lost: "device lost\nfor good", Ceilings: &bench.DeviceCeilings{Bytes: ceiling, OperationsMethod: "no sums", BytesMethod: "a copy"}},
		},
		Cases: []bench.CaseReport{case1},
		Scaling: []bench.Series{
			{Over: "players", Device: "cpu:0", Growth: &bench.Growth{Exponent: 1.234}, Round: &bench.Growth{Exponent: 0.5}, Points: []bench.Point{point(10), point(1000)}},
			{Over: "players", Device: "vulkan:0", Points: []bench.Point{point(10)}},
		},
		LeftOut: []bench.LeftOut{{Device: "vulkan:0", What: "players 1000 and more", Reason: "out of memory"}},
	}
}

// TestBench wants everything that was measured to stand in its place.
func TestBench(t *testing.T) {
	var b strings.Builder
	if err := Bench(&b, measured()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	t.Log(text)
	for _, pattern := range []string{
		`(?m)^ +device +GFLOP/s +GB/s$`,
		`(?m)^ +cpu:0 +3 +3$`,
		`(?m)^ +vulkan:0 +- +3$`,
		`(?m)^ +at most: no sums; a copy$`,
		`(?m)^cpu:0: a processor of two lines, gonum$`,
		`(?m)^ +LOST: device lost for good$`,
		`(?m)^9-7-3, batch 8: 94 parameters, 5e-06 GFLOP and 2e-06 GB a step, 5 steps an epoch$`,
		`(?m)^ +device +step +quartiles +epoch +game +x cpu:0 +x 9-70-3$`,
		`(?m)^ +cpu:0 +100 us +-5 \+10 % +100 us +3\.4 % \(0\.7 to 4\.2\) +- +-$`,
		`(?m)^ +vulkan:0 +10 us +-5 \+5 % +about 10 us +- +10 +10$`,
		`(?m)^ +cpu:0 +- +2\.5 +25 % +2\.5 +12\.5 %$`,
		`(?m)^ +vulkan:0 +10 us +2\.5 +- +2\.5 +-$`,
		`(?m)^ +forward +3 +10 us +-5 \+5 % +100 %$`,
		`(?m)^ +1,000 +100 us +3\.4 % \(0\.7 to 4\.2\) +- +-$`,
		`(?m)^ +growth +n\^1\.23 +n\^0\.50 +- +-$`,
		`(?m)^the game by players$`,
		`(?m)^ +players +cpu:0 +round +vulkan:0 +round$`,
		`(?m)^ +1,000 +-4 ms +100 us +- +-$`,
		`(?m)^ +growth +n\^0\.50 +-$`,
		`(?m)^left out on vulkan:0: players 1000 and more: out of memory$`,
		`(?m)^nashprune test, go1 .*, 12 s of 3600$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("nothing fits %s", pattern)
		}
	}
}

// TestBenchstat holds every line to the format of Go's benchmarks: keys in small
// letters, units, and names without a space that do not end as if in a number of
// processors.
func TestBenchstat(t *testing.T) {
	var b strings.Builder
	if err := Benchstat(&b, measured()); err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`^[a-z][^\sA-Z:]*: \S.*$`)
	unit := regexp.MustCompile(`^Unit \S+ better=higher$`)
	line := regexp.MustCompile(`^Benchmark[A-Z]\S* \d+ [\d.e+]+ (ns/op|FLOP/s|B/s)$`)
	processors := regexp.MustCompile(`-\d+ `)
	lines := map[string]int{}
	for text := range strings.Lines(b.String()) {
		text = strings.TrimSuffix(text, "\n")
		switch {
		case text == "", strings.HasPrefix(text, "# "), key.MatchString(text), unit.MatchString(text):
		case line.MatchString(text):
			name, _, _ := strings.Cut(text, " ")
			if processors.MatchString(name + " ") {
				t.Errorf("%q ends in a number of processors", name)
			}
			lines[name]++
		default:
			t.Errorf("%q", text)
		}
	}
	// A line a turn, three of each, by what was measured.
	for name, want := range map[string]int{
		"BenchmarkPeak/device=cpu:0": 3, "BenchmarkCopy/device=cpu:0": 3, "BenchmarkPeak/device=vulkan:0": 0, "BenchmarkCopy/device=vulkan:0": 3,
		"BenchmarkStep/device=cpu:0/model=9-7-3/batch=8": 3, "BenchmarkStep/device=vulkan:0/model=9-7-3/batch=8": 3,
		"BenchmarkRound/device=cpu:0/model=9-7-3/batch=8": 3, "BenchmarkRound/device=vulkan:0/model=9-7-3/batch=8": 0,
		"BenchmarkKernel/device=vulkan:0/model=9-7-3/batch=8/kernel=forward":  3,
		"BenchmarkScaling/over=players/device=cpu:0/model=64-10-10/batch=128": 6, "BenchmarkScalingRound/over=players/device=cpu:0/model=64-10-10/batch=128": 6,
	} {
		if lines[name] != want {
			t.Errorf("%d lines of %s, want %d", lines[name], name, want)
		}
	}
}
