package session

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/settings"
)

// TestShrunkGroups holds a proximal step to its closed form: a group of norm N keeps its
// direction and has the norm max(0, N - t sqrt(d)), and outputs are no group.
func TestShrunkGroups(t *testing.T) {
	// Groups (2, 3, -6), of norm 7, (-3, 0, 4), of norm 5, (3, 0, 4), of norm 5, and
	// (4, 2, -4), of norm 6, each of three numbers.
	for _, threshold := range []float64{0.5, 3, 5.5, 100} {
		before, n := threeFour(), threeFour()
		shrinkGroups(n, threshold/math.Sqrt(3))
		for layer, norms := range [][]float64{{7, 5}, {5, 6}} {
			for i, norm := range norms {
				factor := max(0, norm-threshold) / norm
				for _, p := range []int{2 * layer, 2*layer + 1} {
					width := len(n.Parameters[p]) / 2
					for k, w := range n.Parameters[p][i*width:][:width] {
						if want := factor * float64(before.Parameters[p][i*width+k]); math.Abs(float64(w)-want) > 1e-6*math.Abs(want) {
							t.Errorf("threshold %g: %v of %d:%d, want %v", threshold, w, layer, i, want)
						}
					}
				}
			}
		}
		if !slices.Equal(n.Parameters[4], before.Parameters[4]) || !slices.Equal(n.Parameters[5], before.Parameters[5]) {
			t.Errorf("outputs shrink: %v", n.Parameters[4:])
		}
	}
	n := networktest.Perceptron(2, 3, 1) // all groups are zero, and stay so
	shrinkGroups(n, 1)
	if slices.ContainsFunc(n.Parameters[0], func(w float32) bool { return w != 0 }) {
		t.Errorf("%v", n.Parameters[0])
	}
}

// TestGroupsShrinkByAllRates: thresholds add up to the weight times the learning rates of all
// steps while the market is open, whatever the calendar, and stretches end where groups shrink.
func TestGroupsShrinkByAllRates(t *testing.T) {
	const weight = 0.25
	for _, rounds := range []int{1, 3, 11} {
		e := &scripted{network: networktest.Perceptron(planWidths...)}
		training, _ := rankingTraining(t, e, planGraph(), func(c *settings.Config) { c.Rounds, c.GroupLasso, c.Criterion = rounds, weight, game.Magnitude })
		p := training.Plan
		rates, thresholds, shrunk := 0., 0., 0
		for step := p.opens; step < p.closes; step++ {
			rates += p.learningRate(step)
		}
		for step := 0; step < p.Total; step = p.next(step) {
			thresholds += p.shrinkage(step)
			if p.shrinkage(step) > 0 {
				shrunk++
			}
		}
		if math.Abs(thresholds-weight*rates) > 1e-12*rates || shrunk != (p.closes-p.opens+shrinkEvery-1)/shrinkEvery {
			t.Errorf("%d rounds: %g in %d times, and the rates add up to %g", rounds, thresholds, shrunk, rates)
		}
		// A removal pulls twice and pushes.
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(strings.Join(e.asked, " "), "train pull push"); got != shrunk {
			t.Errorf("%d rounds: groups shrink %d times, want %d", rounds, got, shrunk)
		}
		p.Config.GroupLasso = 0
		for step := range p.Total + 1 {
			if p.shrinkage(step) != 0 {
				t.Fatalf("without a penalty groups shrink after step %d", step)
			}
		}
	}
}

// TestShrinkingStopsAtTheFirstFailure of the engine.
func TestShrinkingStopsAtTheFirstFailure(t *testing.T) {
	for _, call := range []string{"pull", "push"} {
		e := &scripted{network: networktest.Perceptron(planWidths...), fail: call}
		training, _ := rankingTraining(t, e, planGraph(), func(c *settings.Config) { c.GroupLasso, c.Rounds = 1, 1 })
		if err := training.Run(context.Background()); err == nil || e.asked[len(e.asked)-1] != call || training.Step >= training.Plan.RoundEnd(1) {
			t.Errorf("%s fails: %v, last asked for %s", call, err, e.asked[len(e.asked)-1])
		}
	}
}
