//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"bufio"
	"context"
	"os"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/network"
)

// finePlayers are all kinds of player but branches.
var finePlayers = []network.PlayerKind{network.Neurons, network.Filters, network.Channels, network.Inputs, network.Features}

// everyProgram has every kind of program recorded, and calls visit with what asked for
// it.
func everyProgram(t *testing.T, visit func(name string, p *compute.Program)) {
	t.Helper()
	ofPlayers := []string{"train", "train and play", "measure", "observe", "evaluate", "infer", "play", "show", "probe", "restart the optimiser"}
	for _, c := range []struct {
		name      string
		net       backendtest.Case
		valuation game.Valuation
		does      []string
	}{
		{"adam", backendtest.Case{Outputs: 3, Optimiser: adam}, game.Effective, ofPlayers},
		{"clipped momentum", backendtest.Case{Outputs: 3, Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9, ClipNorm: 1}}, game.Outputs, ofPlayers},
		{"wide regression", backendtest.Case{Outputs: 40, Regression: true, Optimiser: adam}, game.Outputs, ofPlayers},
		{"images", backendtest.Case{Nodes: backendtest.Graphs("norms first")[0].Nodes, Players: finePlayers, Outputs: 2, Optimiser: adam}, game.Effective, ofPlayers},
		{"single weights", backendtest.Case{Weights: true, Outputs: 3, Optimiser: adam}, game.Effective, []string{"train", "observe weights"}},
		{"soft weights", backendtest.Case{Weights: true, Soft: true, Outputs: 3, Optimiser: adam}, game.Effective,
			[]string{"push", "train", "train and play", "measure", "observe weights", "restart the optimiser"}},
		{"soft weights of images", backendtest.Case{Weights: true, Soft: true, Nodes: backendtest.Graphs("depthwise")[0].Nodes, Outputs: 2, Optimiser: adam}, game.Effective,
			[]string{"train and play", "measure", "observe weights"}},
		{"few weights", backendtest.Case{Weights: true, Sparse: true, Hidden: []int{200}, Outputs: 3, Optimiser: adam}, game.Effective, []string{"evaluate", "infer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.net
			n.Inputs, n.Batch, n.Rows = 13, 19, 19
			if n.Hidden == nil {
				n.Hidden = []int{15, 6}
			}
			if n.Nodes != nil {
				n.Inputs = n.Graph().Inputs()
			}
			state := fresh(n)
			if n.Weights {
				state = n.State()
			}
			e, err := openVulkan(n.Data(), backend.EngineOptions{
				Batch: n.Batch, Optimiser: n.Optimiser, Valuation: c.valuation, Joint: n.Optimiser.ClipNorm > 0, SoftWeights: n.Soft,
			}, state)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for _, what := range c.does {
				restore := gpu.WhenRecorded(func(p *compute.Program) { visit(c.name+", "+what, p) })
				err := doing[what](e, n, state)
				restore()
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// doing is what engines are asked for, by name.
var doing = map[string]func(e backend.Engine, c backendtest.Case, s *backend.State) error{
	"push": func(e backend.Engine, _ backendtest.Case, s *backend.State) error { return e.Push(s) },
	"train": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		_, err := e.Train(context.Background(), steps(c, 2))
		return err
	},
	"train and play": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		playing := steps(c, 2)
		playing.Paper = &backend.PaperMove{Game: game.Paper{Alpha: 1, Beta: 0.1, Eta: 0.01}, Update: backend.GradientAscent, Rate: 0.1}
		_, err := e.Train(context.Background(), playing)
		return err
	},
	"measure": func(e backend.Engine, _ backendtest.Case, _ *backend.State) error {
		_, err := e.Measure(context.Background())
		return err
	},
	"observe": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		_, err := e.Observe(context.Background(), backend.InOrder(c.Rows))
		return err
	},
	"observe weights": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		_, err := e.ObserveWeights(context.Background(), backend.InOrder(c.Rows))
		return err
	},
	"evaluate": func(e backend.Engine, _ backendtest.Case, _ *backend.State) error {
		_, err := e.Evaluate(context.Background(), backend.TrainPart, backend.Want{})
		return err
	},
	"infer": func(e backend.Engine, _ backendtest.Case, _ *backend.State) error { return e.Infer(1) },
	"play": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		_, err := e.Play(none(c.Graph().Widths()), none(c.Graph().Widths()), 200)
		return err
	},
	"show": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		return paint(e.(viewed), c.Graph().Widths())
	},
	"probe": func(e backend.Engine, c backendtest.Case, _ *backend.State) error {
		_, err := e.Probe(backend.InOrder(c.Rows), 0.01)
		return err
	},
	"restart the optimiser": func(e backend.Engine, _ backendtest.Case, _ *backend.State) error { return e.RestartOptimiser() },
}

// hazards returns whether one command must wait for another: bytes that one of them
// writes are read or written by the other. It goes through them byte range by byte range,
// by other means than the programs that it checks.
func hazards(first, second compute.Step) bool {
	type use struct {
		compute.Region
		written bool
	}
	uses := func(s compute.Step) (all []use) {
		for _, r := range s.Reads {
			all = append(all, use{r, false})
		}
		for _, r := range s.Writes {
			all = append(all, use{r, true})
		}
		return all
	}
	for _, a := range uses(first) {
		for _, b := range uses(second) {
			common := min(a.End, b.End) - max(a.First, b.First)
			if a.Arena == b.Arena && common > 0 && (a.written || b.written) {
				return true
			}
		}
	}
	return false
}

// TestBarriers holds every program to three things. Between any two commands with a
// hazard stands a barrier, also between those of two repetitions in one submission. Every
// barrier but the last is there for some hazard. And none stands where the list of
// testdata/barriers.txt, placed by hand, has none: a bar there is a barrier that may be.
func TestBarriers(t *testing.T) {
	byHand := map[string][]string{} // several programs may have one name
	file, err := os.Open("testdata/barriers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, program, _ := strings.Cut(lines.Text(), ": ")
		byHand[name] = append(byHand[name], program)
	}
	seen := map[string]bool{}
	everyProgram(t, func(name string, p *compute.Program) {
		program := p.Steps()
		if program[len(program)-1].Name != "" {
			t.Errorf("%s: it does not end with a barrier", name)
		}
		var names []string
		for _, s := range program {
			if s.Name == "" {
				s.Name = "|"
			}
			names = append(names, s.Name)
		}
		got, found := strings.Join(names, " "), false
		for _, hand := range byHand[name] {
			if fewerBars(names, strings.Fields(hand)) {
				seen[name+": "+hand], found = true, true
			}
		}
		if !found {
			t.Errorf("%s: %s\nby hand: %s", name, got, strings.Join(byHand[name], "\n         "))
		}
		twice := append(program, program...)
		for i, first := range twice {
			for _, second := range twice[i+1:] {
				if second.Name == "" {
					break
				}
				if hazards(first, second) {
					t.Errorf("%s: no barrier between %s and %s in %s", name, first.Name, second.Name, got)
				}
			}
			if first.Name != "" || i >= len(program)-1 {
				continue
			}
			needed := false
			for j := i - 1; j >= 0 && twice[j].Name != ""; j-- {
				needed = needed || hazards(twice[j], twice[i+1])
			}
			if !needed {
				t.Errorf("%s: barrier %d is needed by nothing in %s", name, i, got)
			}
		}
	})
	for name, programs := range byHand {
		for _, program := range programs {
			if !seen[name+": "+program] {
				t.Errorf("nothing is %s: %s", name, program)
			}
		}
	}
}

// fewerBars says whether a program is another one but for bars that it lacks.
func fewerBars(program, than []string) bool {
	for _, word := range than {
		if len(program) > 0 && program[0] == word {
			program = program[1:]
		} else if word != "|" {
			return false
		}
	}
	return len(program) == 0
}

// TestDispatchesOfAStep: on a GPU each costs a few microseconds, with any work.
func TestDispatchesOfAStep(t *testing.T) {
	for kernels, most := range map[string]int{"vec4": 8, "tiled": 7} {
		device, err := backend.FindDevice(gpu.DriverName)
		if err != nil {
			t.Fatal(err)
		}
		if device, err = device.WithKernels(kernels); err != nil {
			t.Fatal(err)
		}
		c := benchmarkCase(512, 256)
		e := open(t, device, c)
		restore := gpu.WhenRecorded(func(p *compute.Program) {
			dispatches := 0
			for _, s := range p.Steps() {
				if s.Name != "" {
					dispatches++
				}
			}
			if dispatches > most {
				t.Errorf("%s: %d dispatches, want at most %d", kernels, dispatches, most)
			}
		})
		_, err = e.Train(context.Background(), steps(c, 1))
		restore()
		if err != nil {
			t.Fatal(err)
		}
	}
}
