package game_test

import (
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// gridSteps is how finely strategies are searched where a test looks for the
// best one without using the formula under test.
const gridSteps = 2000

func onGrid(step int) float64 { return float64(step) / gridSteps }

// layer is a random layer of players for the paper's game.
type layer struct {
	theta, participation []float64
	width                int
	gradient             []float64
}

func randomLayer(seed uint64, players, width int) layer {
	draw := random.New(seed, random.Testing, 0, 0)
	l := layer{width: width}
	for range players {
		for range width {
			l.theta = append(l.theta, draw.Normal())
		}
		l.participation = append(l.participation, draw.Float64())
		l.gradient = append(l.gradient, draw.Normal())
	}
	if players > 2 { // the ends of the strategy set, exactly
		l.participation[0], l.participation[1] = 0, 1
	}
	return l
}

func (l layer) dot(i, j int) float64 {
	sum := 0.
	for k := range l.width {
		sum += l.theta[i*l.width+k] * l.theta[j*l.width+k]
	}
	return sum
}

func (l layer) field() game.Field {
	f := game.Field{Gradient: l.gradient, Competition: game.Competition(l.theta, l.participation)}
	for i := range l.participation {
		f.SquaredNorm = append(f.SquaredNorm, l.dot(i, i))
	}
	return f
}

// utility is eq. 8 to 10 written out term by term, in O(N d) for one player.
func (l layer) utility(g game.Paper, i int, s float64) float64 {
	benefit := l.gradient[i]
	switch g.Benefit {
	case game.Descent:
		benefit = -benefit
	case game.Absolute:
		benefit = math.Abs(benefit)
	}
	rivals := 0.
	for j, sj := range l.participation {
		if j != i {
			rivals += sj * l.dot(i, j)
		}
	}
	cost := g.Beta*l.dot(i, i)*s*s + g.Gamma*math.Abs(s) + g.Eta*s*rivals
	return g.Alpha*s*benefit - cost
}

func games() []game.Paper {
	var all []game.Paper
	for _, benefit := range game.Benefits {
		all = append(all,
			game.Paper{Benefit: benefit, Alpha: 1, Beta: 0.1},
			game.Paper{Benefit: benefit, Alpha: 1.5, Beta: 0.05, Gamma: 0.3, Eta: 0.02},
			game.Paper{Benefit: benefit, Alpha: 1, Gamma: 0.2, Eta: 0.1}, // linear utilities
		)
	}
	return all
}

// size returns the size of the terms of player i's utility at full participation, of which
// roundings are a part.
func size(g game.Paper, f game.Field, i int) float64 {
	rivals := 0.
	if f.Competition != nil {
		rivals = math.Abs(f.Competition[i])
	}
	return math.Abs(g.BenefitOf(f, i, 1)) + g.Gamma + g.Eta*rivals + g.Beta*f.SquaredNorm[i]
}

func TestCompetitionMatchesTheDoubleSum(t *testing.T) {
	for _, size := range []struct{ players, width int }{{0, 3}, {1, 1}, {2, 3}, {3, 0}, {13, 19}, {127, 15}} {
		l := randomLayer(uint64(size.players), size.players, size.width)
		got := game.Competition(l.theta, l.participation)
		if len(got) != size.players {
			t.Fatalf("%+v: %d results", size, len(got))
		}
		for i := range got {
			want, magnitude := 0., 0.
			for j, s := range l.participation {
				term := s * l.dot(i, j)
				magnitude += math.Abs(term)
				if j != i {
					want += term
				}
			}
			// Both sum the same products in another order: at most
			// players+width roundings of the sum of magnitudes each way, and
			// inner products hide magnitudes by a factor that is below width.
			bound := 2 * float64((size.players+size.width)*size.width) * 0x1p-53 * magnitude
			if math.Abs(got[i]-want) > bound {
				t.Errorf("%+v player %d: %g, want %g within %g", size, i, got[i], want, bound)
			}
		}
	}
}

func TestPaperUtilityAndSlope(t *testing.T) {
	l := randomLayer(1, 13, 7)
	f := l.field()
	for _, g := range games() {
		for i := range l.participation {
			for _, s := range []float64{0, 0.3, 1} {
				if got, want := g.Utility(f, i, s), l.utility(g, i, s); math.Abs(got-want) > 1e-12*size(g, f, i) {
					t.Errorf("%+v player %d: U(%g) = %g, want %g", g, i, s, got, want)
				}
			}
			// The utility is quadratic, so central differences have no
			// truncation error; dividing roundings by the step costs 1/step.
			const step, at = 1e-3, 0.4
			numeric := (l.utility(g, i, at+step) - l.utility(g, i, at-step)) / (2 * step)
			if got := g.Slope(f, i, at); math.Abs(got-numeric) > 1e-12/step*size(g, f, i) {
				t.Errorf("%+v player %d: slope %g, central difference %g", g, i, got, numeric)
			}
		}
	}
}

func TestPaperBestResponseAgainstGridSearch(t *testing.T) {
	l := randomLayer(2, 40, 5)
	f := l.field()
	for _, g := range games() {
		interior := 0
		for i := range l.participation {
			best, at := math.Inf(-1), 0.
			dominated := true
			for step := range gridSteps + 1 {
				s := onGrid(step)
				u := l.utility(g, i, s)
				if u > best {
					best, at = u, s
				}
				if step > 0 && u >= 0 {
					dominated = false
				}
			}
			response := g.BestResponse(f, i)
			if math.Abs(response-at) > 1./gridSteps {
				t.Errorf("%+v player %d: best response %g, grid %g", g, i, response, at)
			}
			if u := l.utility(g, i, response); u < best-1e-12*size(g, f, i) {
				t.Errorf("%+v player %d: U at the best response %g is below %g on the grid", g, i, u, best)
			}
			if got := g.Dominated(f, i); got != dominated {
				t.Errorf("%+v player %d: dominated %v, grid says %v", g, i, got, dominated)
			}
			if want := best - l.utility(g, i, 0.5); math.Abs(g.Gap(f, i, 0.5)-want) > size(g, f, i)/gridSteps {
				t.Errorf("%+v player %d: gap %g, grid %g", g, i, g.Gap(f, i, 0.5), want)
			}
			if response > 0 && response < 1 {
				interior++
			}
		}
		if g.Beta > 0 && interior == 0 {
			t.Errorf("%+v: no player with an interior best response, the test shows little", g)
		}
	}
}

// TestCostGradient holds dC_i/dtheta_i to central differences of the cost, written out term by
// term: it is quadratic in theta, so they are off by roundings alone.
func TestCostGradient(t *testing.T) {
	const step = 1e-3
	for _, g := range append(games(), game.Paper{Beta: 0.3, Eta: 0.7}, game.Paper{Eta: 1}, game.Paper{}) {
		for _, size := range []struct{ players, width int }{{0, 3}, {1, 1}, {1, 4}, {2, 3}, {3, 0}, {13, 7}} {
			l := randomLayer(uint64(size.players), size.players, size.width)
			g.Alpha = 0 // what is left of the utility is the cost
			gradient := make([]float64, len(l.theta))
			for k := range gradient {
				gradient[k] = float64(k) // what is there stays
			}
			game.AddCostGradient(gradient, g, l.theta, l.participation)
			single := make([]float32, len(l.theta))
			game.AddCostGradient(single, g, narrow(l.theta), narrow(l.participation))
			for k := range l.theta {
				i := k / l.width
				cost := func(by float64) float64 {
					moved := l
					moved.theta = append([]float64{}, l.theta...)
					moved.theta[k] += by
					return -moved.utility(g, i, l.participation[i])
				}
				want := (cost(step) - cost(-step)) / (2 * step)
				if got := gradient[k] - float64(k); math.Abs(got-want) > 1e-10 {
					t.Errorf("%+v, %d players: number %d has %g, want %g", g, size.players, k, got, want)
				}
				if math.Abs(float64(single[k])-want) > 1e-5 {
					t.Errorf("%+v, %d players: number %d has %g in float32, want %g", g, size.players, k, single[k], want)
				}
			}
		}
	}
}

func narrow(v []float64) []float32 {
	w := make([]float32, len(v))
	for i, x := range v {
		w[i] = float32(x)
	}
	return w
}

// TestPaperWhereTheMarginIsNothing: a player whose benefit is its toll keeps out of a
// quadratic cost, strictly, and is as well off anywhere without one.
func TestPaperWhereTheMarginIsNothing(t *testing.T) {
	f := game.Field{Gradient: []float64{0.5}, SquaredNorm: []float64{4}}
	for _, beta := range []float64{0, 0.25} {
		g := game.Paper{Alpha: 1, Beta: beta, Gamma: 0.5}
		if s, dominated := g.BestResponse(f, 0), g.Dominated(f, 0); s != 0 || dominated != (beta > 0) {
			t.Errorf("beta %g: best response %g, dominated %v", beta, s, dominated)
		}
		if gap := g.Gap(f, 0, 0.5); gap != beta {
			t.Errorf("beta %g: half of full participation gives up %g, want %g", beta, gap, beta)
		}
	}
}

// duel is a game of two players whose equilibrium has a closed form: with
// s_1 = (m_1 - eta k s_2) / (2 beta n_1) and the same for s_2, two linear
// equations in two unknowns.
func duel() (g game.Paper, l layer, equilibrium [2]float64) {
	g = game.Paper{Benefit: game.Printed, Alpha: 1, Beta: 0.5, Gamma: 0.1, Eta: 0.2}
	l = layer{theta: []float64{1, 0.5, 0.4, 1.2}, width: 2, gradient: []float64{0.8, 0.9}, participation: []float64{1, 1}}
	k := g.Eta * l.dot(0, 1)
	a, b := 2*g.Beta*l.dot(0, 0), 2*g.Beta*l.dot(1, 1)
	m, n := l.gradient[0]-g.Gamma, l.gradient[1]-g.Gamma
	determinant := a*b - k*k
	return g, l, [2]float64{(m*b - k*n) / determinant, (a*n - k*m) / determinant}
}

func TestGapIsZeroAtTheClosedFormEquilibriumAndPositiveBesideIt(t *testing.T) {
	g, l, equilibrium := duel()
	for i, s := range equilibrium {
		if s <= 0.1 || s >= 0.9 {
			t.Fatalf("player %d: the equilibrium %g is not interior, the test shows little", i, s)
		}
	}
	gaps := func(s ...float64) (c game.Certificate) {
		l.participation = s
		c.CertifyPaper(g, l.field(), s)
		return c
	}
	if c := gaps(equilibrium[0], equilibrium[1]); c.MaxGap > 1e-15 || c.Players != 2 {
		t.Errorf("at the equilibrium: %+v", c)
	}
	for _, beside := range [][2]float64{{0.05, 0}, {-0.05, 0}, {0, 0.05}, {0.05, -0.05}} {
		c := gaps(equilibrium[0]+beside[0], equilibrium[1]+beside[1])
		// Quadratic utilities: leaving the best response by d costs at least
		// beta n d^2, with n > 1 here and the rival's move inside the bound.
		if c.MaxGap < 0.5*g.Beta*0.05*0.05 || c.RelativeGap() <= 0 {
			t.Errorf("beside the equilibrium by %v: %+v", beside, c)
		}
	}
}

func TestBothUpdatesFindTheEquilibrium(t *testing.T) {
	g, l, equilibrium := duel()
	for name, update := range map[string]func(game.Field, []float64){
		"gradient ascent":        func(f game.Field, s []float64) { g.Ascend(f, s, 0.1) },
		"best response":          func(f game.Field, s []float64) { g.Respond(f, s, 1) },
		"damped best response":   func(f game.Field, s []float64) { g.Respond(f, s, 0.3) },
		"overstepping then clip": func(f game.Field, s []float64) { g.Ascend(f, s, 1) },
	} {
		l.participation = []float64{1, 1}
		for range 500 {
			update(l.field(), l.participation)
		}
		for i, s := range l.participation {
			if math.Abs(s-equilibrium[i]) > 1e-12 {
				t.Errorf("%s: s_%d = %g, want %g", name, i, s, equilibrium[i])
			}
		}
	}
}

func TestUpdatesAreSimultaneousAndStayInBounds(t *testing.T) {
	l := randomLayer(5, 31, 4)
	f := l.field()
	for _, g := range games() {
		ascended := append([]float64{}, l.participation...)
		responded := append([]float64{}, l.participation...)
		g.Ascend(f, ascended, 0.7)
		g.Respond(f, responded, 0.5)
		for i, s := range l.participation {
			if want := min(max(s+0.7*g.Slope(f, i, s), 0), 1); ascended[i] != want {
				t.Errorf("%+v player %d: ascent to %g, want %g", g, i, ascended[i], want)
			}
			if want := (s + g.BestResponse(f, i)) / 2; math.Abs(responded[i]-want) > 1e-15 {
				t.Errorf("%+v player %d: response to %g, want %g", g, i, responded[i], want)
			}
		}
	}
}

// TestGradientReadings: with z = s u the loss has the slope dL/ds in s, and theta
// reaches it only through s theta.
func TestGradientReadings(t *testing.T) {
	loss := func(s, theta float64) float64 { return math.Pow(s*theta-0.3, 2) } // of one player of one number
	const s, theta, step = 0.4, 1.7, 1e-4
	slope := (loss(s+step, theta) - loss(s-step, theta)) / (2 * step)
	for reading, want := range map[game.BenefitGradient]float64{
		"":               theta * (loss(s, theta+step) - loss(s, theta-step)) / (2 * step),
		game.OfTheta:     theta * (loss(s, theta+step) - loss(s, theta-step)) / (2 * step),
		game.OfEffective: slope,
	} {
		// The loss is quadratic, so differences are off by roundings alone.
		if got := (game.Paper{Gradient: reading}).GradientOf(s, slope); math.Abs(got-want) > 1e-10 {
			t.Errorf("%q: %g, want %g", reading, got, want)
		}
	}
}

// TestAdamAscent takes the sums of Adam's authors as they define them, over all slopes
// so far, and steps of nearly the rate at first.
func TestAdamAscent(t *testing.T) {
	g, l, _ := duel()
	const rate = 0.03
	moments := game.Moments{First: make([]float64, 2), Second: make([]float64, 2)}
	var slopes [][2]float64
	for step := 1; step <= 60; step++ {
		f := l.field()
		var now [2]float64
		for i, s := range l.participation {
			now[i] = g.Slope(f, i, s)
		}
		slopes = append(slopes, now)
		before := append([]float64{}, l.participation...)
		g.AscendAdam(f, l.participation, moments, step, rate)
		for i, s := range before {
			mean, square := 0., 0.
			for k, d := range slopes {
				mean += (1 - game.AscentBeta1) * math.Pow(game.AscentBeta1, float64(step-k-1)) * d[i]
				square += (1 - game.AscentBeta2) * math.Pow(game.AscentBeta2, float64(step-k-1)) * d[i] * d[i]
			}
			mean /= 1 - math.Pow(game.AscentBeta1, float64(step))
			square /= 1 - math.Pow(game.AscentBeta2, float64(step))
			want := min(max(s+rate*mean/(math.Sqrt(square)+game.AscentEpsilon), 0), 1)
			// Some dozens of sums, and 1 - beta2^t has lost three digits.
			if math.Abs(l.participation[i]-want) > 1e-11 {
				t.Errorf("step %d player %d: %g, want %g", step, i, l.participation[i], want)
			}
			if step == 1 && math.Abs(math.Abs(want-s)-rate) > 1e-6 && want > 0 && want < 1 {
				t.Errorf("the first step is %g long, want %g", want-s, rate)
			}
		}
	}
	if l.participation[0] > 0.9 || l.participation[1] > 0.9 {
		t.Errorf("players are still at %v: the test shows little", l.participation)
	}
}

// TestAscentByAdamWhereItIsSteep: slopes whose squares float32 does not hold move a player
// as those at the limit do, so that moments stay within float32 and the player can come
// back; one that is no number is passed on.
func TestAscentByAdamWhereItIsSteep(t *testing.T) {
	const rate = 0.25
	g := game.Paper{Alpha: 1}
	play := func(slopes ...float64) (s float64, moments game.Moments) {
		participation := []float64{0.5}
		moments = game.Moments{First: []float64{0}, Second: []float64{0}}
		for k, slope := range slopes {
			g.AscendAdam(game.Field{Gradient: []float64{slope}, SquaredNorm: []float64{1}}, participation, moments, k+1, rate)
		}
		return participation[0], moments
	}
	for _, slope := range []float64{1e19, 1e30, 1e200, math.Inf(1)} {
		for _, sign := range []float64{1, -1} {
			want, atLimit := play(sign*game.AscentLimit, -sign, sign)
			s, moments := play(sign*slope, -sign, sign)
			if s != want || moments.First[0] != atLimit.First[0] || moments.Second[0] != atLimit.Second[0] {
				t.Errorf("slope %g: s is %g, want %g; moments %v, want %v", sign*slope, s, want, moments, atLimit)
			}
			if v := float32(moments.Second[0]); !(v > 0) || math.IsInf(float64(v), 0) || math.IsNaN(want) {
				t.Errorf("slope %g: float32 has %g for the second moment, s is %g", sign*slope, v, want)
			}
		}
		if first, _ := play(slope); math.Abs(first-(0.5+rate)) > 1e-9 { // m/sqrt(v) is 1 at first
			t.Errorf("slope %g moves a player to %g", slope, first)
		}
	}
	if s, _ := play(math.NaN()); !math.IsNaN(s) {
		t.Errorf("a slope that is no number is hidden: s is %g", s)
	}
}
