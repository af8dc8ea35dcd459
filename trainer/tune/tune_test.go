package tune_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/tune"
)

// pretender is a driver whose devices have sets of kernels that are the CPU's, but
// for how long they take, and for those that are wrong.
type pretender struct {
	sets   []string
	opened []string // the kernels of every engine
}

func (*pretender) Name() string                               { return "pretender" }
func (*pretender) Devices() ([]backend.Device, error)         { return nil, nil }
func (p *pretender) Kernels(backend.Device) ([]string, error) { return p.sets, nil }
func (p *pretender) device() backend.Device {
	return backend.Device{Driver: p.Name(), Name: "a pretender", DriverInfo: "its driver", Kernels: "slow"}
}

func (p *pretender) Open(d backend.Device, data *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	p.opened = append(p.opened, d.Kernels)
	if d.Kernels == "missing" {
		return nil, errors.New("there are none")
	}
	cpu, err := backend.FindDevice("gonum")
	if err != nil {
		return nil, err
	}
	inner, err := cpu.Open(data, o, s)
	return &engine{inner, d.Kernels}, err
}

type engine struct {
	backend.Engine
	kernels string
}

// Train waits so much longer with slow kernels than it could ever take that no
// machine is so busy as to make them the fastest.
func (e *engine) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	if e.kernels == "slow" {
		time.Sleep(300 * time.Millisecond)
	}
	if strings.HasPrefix(e.kernels, "wrong") {
		return backend.Progress{Steps: s.Steps()}, nil // and so is faster than any
	}
	return e.Engine.Train(ctx, s)
}

var fake = &pretender{}

func init() { backend.Register(fake) }

var (
	widths  = []int{9, 7, 3}
	options = backend.EngineOptions{Batch: 5, Optimiser: backend.Optimiser{Kind: backend.Adam}}
)

// choose tunes once and returns the choice, what was said and which engines were
// opened.
func choose(t *testing.T, ctx context.Context, cache, program string, sets ...string) (chosen string, said []string, err error) {
	t.Helper()
	fake.sets, fake.opened = sets, nil
	tuner := tune.Tuner{
		Reference: cpufallback.OpenOracle, Program: program, Cache: cache,
		Tell: func(what string) { said = append(said, what) },
	}
	d, err := tuner.Choose(ctx, fake.device(), widths, options)
	return d.Kernels, said, err
}

// TestTakesTheFastestThatIsRight, and says why others are left out; the next time
// it opens nothing.
func TestTakesTheFastestThatIsRight(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "folder", "kernels.json")
	all := []string{"slow", "wrong", "quick", "missing"}
	chosen, said, err := choose(t, context.Background(), cache, "program 1", all...)
	text := strings.Join(said, "\n")
	if err != nil || chosen != "quick" {
		t.Fatalf("%q, %v:\n%s", chosen, err, text)
	}
	for _, words := range []string{"kernels wrong of pretender:0 are left out: ", "bounds are broken", "kernels missing of pretender:0 are left out: there are none", "kernels of pretender:0: quick"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
	if slices.Contains(fake.opened[len(all):], "slow") {
		t.Error("the slow kernels were compared, though others were chosen")
	}
	chosen, said, err = choose(t, context.Background(), cache, "program 1", all...)
	if chosen != "quick" || err != nil || len(fake.opened) > 0 || len(said) != 1 {
		t.Errorf("the second time: %q, %v, opened %v, said %q", chosen, err, fake.opened, said)
	}
	if _, _, err := choose(t, context.Background(), cache, "program 2", all...); err != nil || len(fake.opened) == 0 {
		t.Errorf("another program: opened %v, %v", fake.opened, err)
	}
	if chosen, _, err := choose(t, context.Background(), cache, "program 1", "slow", "other"); chosen != "other" || err != nil {
		t.Errorf("what was chosen is gone: %q, %v", chosen, err)
	}
}

// TestDamagedCache: whatever stands there costs a line and nothing else, and is
// put right.
func TestDamagedCache(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "kernels.json")
	for _, text := range []string{"", "{", "[]", "{}", `{"kernels":{"x":3}}`, `{"kernels":null}`, strings.Repeat(" ", 1<<20+1)} {
		if err := os.WriteFile(cache, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for turn, ignored := range []int{1, 0} {
			chosen, said, err := choose(t, context.Background(), cache, "program", "quick", "slow")
			about := slices.DeleteFunc(said, func(s string) bool { return !strings.Contains(s, "are ignored: "+cache) })
			if err != nil || chosen != "quick" || len(about) != ignored {
				t.Errorf("%.20q, turn %d: %q, %v, %q", text, turn, chosen, err, about)
			}
		}
	}
}

// TestWithoutACache: one that cannot be written is told of, one that is not wanted
// is not.
func TestWithoutACache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	chosen, said, err := choose(t, context.Background(), filepath.Join(file, "kernels.json"), "program", "quick", "slow")
	if last := said[len(said)-1]; err != nil || chosen != "quick" || !strings.Contains(last, "not remembered") {
		t.Errorf("%q, %v, %q", chosen, err, last)
	}
	chosen, said, err = choose(t, context.Background(), "", "program", "quick", "slow")
	if err != nil || chosen != "quick" || strings.Contains(strings.Join(said, "\n"), "remembered") {
		t.Errorf("%q, %v, %q", chosen, err, said)
	}
}

func TestNothingToChoose(t *testing.T) {
	for _, sets := range [][]string{nil, {"slow"}} {
		chosen, said, err := choose(t, context.Background(), "", "program", sets...)
		if err != nil || chosen != "slow" || len(fake.opened) > 0 || len(said) != 1 {
			t.Errorf("%v: %q, %v, opened %v, said %q", sets, chosen, err, fake.opened, said)
		}
	}
}

func TestNoneIsRight(t *testing.T) {
	if chosen, _, err := choose(t, context.Background(), "", "program", "wrong", "wrong too"); !errors.Is(err, backend.ErrParity) {
		t.Errorf("%q, %v", chosen, err)
	}
}

// TestNoneRuns: what could not be opened was not compared, and the error says why.
func TestNoneRuns(t *testing.T) {
	_, _, err := choose(t, context.Background(), "", "program", "missing", "missing")
	if err == nil || errors.Is(err, backend.ErrParity) || !strings.Contains(err.Error(), "there are none") {
		t.Errorf("%v", err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, _, err := choose(t, ctx, "", "program", "quick", "slow"); !errors.Is(err, backend.ErrInterrupted) {
		t.Error(err)
	}
}
