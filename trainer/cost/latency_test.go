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
	calls  []string
	pushed []*network.Network
	fail   string // the call that fails
}

var errNoted = errors.New("noted failure")

func (e *noted) note(call string) error {
	e.calls = append(e.calls, call)
	if call == e.fail {
		return errNoted
	}
	return nil
}

func (e *noted) Infer(int) error { return e.note("infer") }

func (e *noted) Push(s *backend.State) error {
	e.pushed = append(e.pushed, s.Network)
	return e.note("push")
}

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
	if n := strings.Count(asked, "infer"); n != 2*latencyTurns.most*(latencyTurns.warmUp+latencyTurns.passes) || strings.Count(asked, "push") != 2*latencyTurns.most {
		t.Errorf("%d passes", n)
	}
	few := turns{least: 2, most: 9, passes: 1}
	if times, err := few.times(context.Background(), e, 1, []*network.Network{n, n}); err != nil || len(times[0]) != 2 || len(times[1]) != 2 {
		t.Errorf("without time for more there are the times %v, %v; there must be two of each", times, err)
	}
}

// TestTimedWithoutBatchNorms: what is timed is what runs where a network is used.
func TestTimedWithoutBatchNorms(t *testing.T) {
	e := new(noted)
	norms := func(n *network.Network) int {
		count := 0
		for _, node := range n.Nodes {
			if node.Op.Kind() == network.BatchNormKind {
				count++
			}
		}
		return count
	}
	n := network.New(named(t, "resnet8:2", 8))
	if _, _, err := Latencies(context.Background(), e, 1, []*network.Network{n}); err != nil || norms(n) == 0 {
		t.Fatalf("%d batch norms, %v", norms(n), err)
	}
	for _, pushed := range e.pushed {
		if norms(pushed) > 0 {
			t.Fatalf("a network with %d batch norms was timed", norms(pushed))
		}
	}
}
