package cost

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

var testWidths = []int{20, 30, 15, 4}

// perceptron is the graph of one of the given widths, inputs and outputs included.
func perceptron(widths ...int) *network.Graph { return networktest.Perceptron(widths...).Graph }

// timeOf returns the estimate for a perceptron.
func timeOf(m *Model, widths ...int) float64 {
	g := perceptron(widths...)
	return m.Time(g, g.Widths())
}

// noted is an engine that takes networks and infers nothing: it notes the calls.
type noted struct {
	backend.Engine
	calls []string
	fail  string // the call that fails
}

var errNoted = errors.New("noted failure")

func (e *noted) note(call string) error {
	e.calls = append(e.calls, call)
	if call == e.fail {
		return errNoted
	}
	return nil
}

func (e *noted) Infer(int) error           { return e.note("infer") }
func (e *noted) Push(*backend.State) error { return e.note("push") }

// initialised is a network with random weights.
func initialised(t *testing.T, widths ...int) *network.Network {
	t.Helper()
	n := networktest.Perceptron(widths...)
	if err := n.Initialise(network.He, 9); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLatenciesTakeTurns checks that every network is timed as often as another
// and that the batch is no larger than the samples there are.
func TestLatenciesTakeTurns(t *testing.T) {
	e, n := new(noted), networktest.Perceptron(testWidths...)
	microseconds, batch, err := Latencies(context.Background(), e, 100, []*network.Network{n, n})
	if err != nil || batch != 100 || len(microseconds) != 2 {
		t.Fatalf("%v, %d, %v", microseconds, batch, err)
	}
	asked := strings.Join(e.calls, " ")
	if n := strings.Count(asked, "infer"); n != 2*latencyTurns.count*(latencyTurns.warmUp+latencyTurns.passes) || strings.Count(asked, "push") != 2*latencyTurns.count {
		t.Errorf("%d passes", n)
	}
}
