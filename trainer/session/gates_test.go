package session

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/settings"
)

// drawing is an engine whose gates have known log alphas, and that keeps what it gets.
type drawing struct {
	scripted
	slopes []backend.SlopeMoments
}

func (e *drawing) Pull() (*backend.State, error) {
	state, err := e.scripted.Pull()
	state.Slopes = e.slopes
	return state, err
}

// drawnTraining is a training whose gates are drawn, with two hidden layers of 30 and 15.
func drawnTraining(t *testing.T, change func(*settings.Config)) (*Training, *drawing) {
	e := &drawing{scripted: scripted{network: networktest.Perceptron(planWidths...)}}
	for gate, players := range []int{30, 15} {
		v := backend.SlopeMoments{First: make([]float32, players), Second: make([]float32, players)}
		for i := range v.First {
			v.First[i] = float32(i)/3 - 4 + float32(gate)
		}
		e.slopes = append(e.slopes, v)
	}
	training, _ := rankingTraining(t, e, planGraph(), func(c *settings.Config) {
		c.Criterion, c.Update, c.Rounds, c.MultiplierRate = game.Participation, backend.HardConcrete, 1, 0.5
		change(c)
	})
	return training, e
}

// TestPricesFollowFromTheMultipliers: by gradient ascent of both multipliers on their term, and
// prices are its derivatives, by central differences, with respect to how probably each
// gate is open: with a target in common, and with one a layer.
func TestPricesFollowFromTheMultipliers(t *testing.T) {
	for shape, gates := range map[string][][]int{"": {{0, 1}}, "6-3": {{0}, {1}}} {
		training, e := drawnTraining(t, func(c *settings.Config) {
			if c.Shape = shape; shape != "" {
				c.Keep = 0
			}
		})
		kept := 9 // of 45; of the shape a fifth of either layer
		if shape == "" && int(training.Plan.Config.Keep) != kept || training.Plan.closes != 50 {
			t.Fatalf("%v players stay after %d steps", training.Plan.Config.Keep, training.Plan.closes)
		}
		for _, moved := range []struct {
			step   int
			warmed float64 // part of the target
		}{{0, 0}, {5, 0.2}, {25, 1}, {49, 1}} { // of 50
			training.Multipliers, training.Step = nil, moved.step
			for range 2 { // from zero, and on
				old := make([]Multipliers, len(gates))
				copy(old, training.Multipliers)
				if err := training.priceGates(); err != nil {
					t.Fatal(err)
				}
				for i, common := range gates {
					var open []float64
					for _, g := range common {
						open = append(open, openness(e.slopes)[g]...)
					}
					sparsity := func() float64 {
						sum := 0.
						for _, p := range open {
							sum += p
						}
						return 1 - sum/float64(len(open))
					}
					excess := func() float64 { return sparsity() - 0.8*moved.warmed }
					near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-6*math.Abs(want) } // prices are float32
					m, off := training.Multipliers[i], excess()
					if !near(m.First, old[i].First+16*0.5*off) || !near(m.Second, old[i].Second+16*0.5*off*off) {
						t.Errorf("shape %q at step %d: multipliers %+v after %+v, with an excess of %g", shape, moved.step, m, old[i], off)
					}
					term := func() float64 { return m.First*excess() + m.Second*excess()*excess() }
					open[0] += 1e-4
					above := term()
					open[0] -= 2e-4
					want := (above - term()) / 2e-4
					for _, g := range common {
						for _, price := range e.pushed.Slopes[g].Second {
							if !near(float64(price), want) {
								t.Fatalf("shape %q at step %d: the price is %g, want %g", shape, moved.step, price, want)
							}
						}
					}
				}
			}
		}
	}
}

// TestMultipliersDrivePricesToTheTarget: prices rise where too many gates are open, and where too
// few are they fall below zero.
func TestMultipliersDrivePricesToTheTarget(t *testing.T) {
	for _, c := range []struct {
		excess float64
		sign   float64
	}{{-0.3, 1}, {0.3, -1}} {
		var m Multipliers
		last := 0.
		for range 5 {
			price := m.ascend(c.excess, 0.1)
			if c.sign*price <= c.sign*last {
				t.Errorf("excess %g: the price is %g after %g", c.excess, price, last)
			}
			last = price
		}
	}
}

// TestGatesArePricedByTheCalendar: every 16 steps before the last removal, at the ends of
// stretches, and then gates are without noise and ranked. Without a rate nothing has a price.
func TestGatesArePricedByTheCalendar(t *testing.T) {
	training, e := drawnTraining(t, func(*settings.Config) {})
	p := training.Plan
	want := (p.closes - 1) / priceEvery
	if want < 2 || p.SharedSteps() != 0 {
		t.Fatalf("%d times, %d shared steps", want, p.SharedSteps())
	}
	if err := training.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(strings.Join(e.asked, " "), "train pull push train"); got != want {
		t.Errorf("gates get prices %d times, want %d: %v", got, want, e.asked)
	}
	free, _ := drawnTraining(t, func(c *settings.Config) { c.MultiplierRate = 0 })
	for step := range p.Total + 1 {
		if free.Plan.pricesGates(step) || p.pricesGates(step) != (step%priceEvery == 0 && step < p.closes) {
			t.Fatalf("step %d", step)
		}
	}
	if move := p.stretch(p.order(0), 0, 1).Paper; move == nil || move.Seed != p.Config.Seed || move.Update != backend.HardConcrete {
		t.Errorf("the move is %+v", move)
	}
}

// TestGatesEndWithoutNoise: participations become the gates without noise, which are ranked as
// they are, but for those that are equal.
func TestGatesEndWithoutNoise(t *testing.T) {
	training, e := drawnTraining(t, func(*settings.Config) {})
	state, err := e.Pull()
	if err != nil {
		t.Fatal(err)
	}
	scores, err := training.scores(state, nil)
	if err == nil {
		err = training.endNoise(state)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(scores, openness(e.slopes)) {
		t.Errorf("scores are %v", scores)
	}
	equal := 0
	for g, participations := range e.pushed.Network.Participations {
		for i, s := range participations {
			if want := game.LogAlpha(e.slopes[g].First[i]).TestGate(); s != float32(want) {
				t.Errorf("gate %d:%d is %g, want %g", g, i, s, want)
			}
			if i == 0 {
				continue
			}
			if before := participations[i-1]; s < before || scores[g][i] <= scores[g][i-1] {
				t.Errorf("gate %d:%d has %g after %g, and the score %g after %g", g, i, s, before, scores[g][i], scores[g][i-1])
			} else if s == before {
				equal++
			}
		}
	}
	if equal == 0 {
		t.Error("no gates are equal")
	}
}

// TestPricingStopsAtTheFirstFailure of the engine, and where numbers are not finite.
func TestPricingStopsAtTheFirstFailure(t *testing.T) {
	for _, call := range []string{"pull", "push"} {
		training, e := drawnTraining(t, func(*settings.Config) {})
		e.fail = call
		if err := training.Run(context.Background()); err == nil || e.asked[len(e.asked)-1] != call || training.Step != priceEvery {
			t.Errorf("%s fails: %v after step %d, last asked for %s", call, err, training.Step, e.asked[len(e.asked)-1])
		}
	}
	training, e := drawnTraining(t, func(*settings.Config) {})
	e.slopes[1].First[3] = float32(math.NaN())
	if _, diverged := training.Run(context.Background()).(*DivergedError); !diverged {
		t.Error("a log alpha that is no number goes on")
	}
}
