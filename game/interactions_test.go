package game_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// contributions draws c of some players for some samples: a few common causes, so that
// players are rivals or complements, and noise of their own. Every seventh is dead.
func contributions(seed uint64, players, samples int) [][]float64 {
	draw := random.New(seed, random.Testing, 3, 0)
	normal := func() float64 { return draw.Float64() + draw.Float64() + draw.Float64() - 1.5 }
	loads := make([][3]float64, players)
	for i := range loads {
		loads[i] = [3]float64{normal(), normal(), 0.5 * normal()}
	}
	c := make([][]float64, samples)
	for b := range c {
		x, y := normal(), normal()
		for i, load := range loads {
			v := load[0]*x + load[1]*y + load[2]*normal()
			if i%7 == 3 {
				v = 0
			}
			c[b] = append(c[b], v)
		}
	}
	return c
}

// secondMoments returns E[c c^T].
func secondMoments(c [][]float64) game.Interactions {
	players := 0
	if len(c) > 0 {
		players = len(c[0])
	}
	var h game.Interactions
	first := 0
	for _, n := range game.Blocks(players) {
		v := make([]float64, n*n)
		for _, row := range c {
			for i := range n {
				for j := range n {
					v[i*n+j] += row[first+i] * row[first+j] / float64(len(c))
				}
			}
		}
		h, first = append(h, v), first+n
	}
	return h
}

// market is a random gate.
func market(seed uint64, players int) game.Interactions {
	return secondMoments(contributions(seed, players, 40))
}

// anywhere draws participations, some of them at the ends.
func anywhere(draw *random.Stream, players int) []float64 {
	s := make([]float64, players)
	for i := range s {
		s[i] = min(max(1.4*draw.Float64()-0.2, 0), 1)
	}
	return s
}

// stake is what the errors of sums over all players are a part of.
func stake(h game.Interactions, price float64) float64 {
	total := 0.
	for _, ceiling := range h.Ceilings() {
		total += ceiling + price
	}
	return total
}

// TestAMoveChangesThePotentialByTheUtility: the game is an exact potential game. A player's
// utility is that of its account.
func TestAMoveChangesThePotentialByTheUtility(t *testing.T) {
	draw := random.New(1, random.Testing, 4, 0)
	for seed := range uint64(40) {
		h := market(seed, 1+int(draw.Below(20)))
		s := anywhere(draw, h.Players())
		price := draw.Float64() * stake(h, 0) / float64(len(s))
		rounding := 1e-13 * stake(h, price)
		for i := range s {
			utility := func(x float64) float64 {
				at := slices.Clone(s)
				at[i] = x
				var c game.Certificate
				return c.CertifyMarket(h, atOnePrice(price, at), at, h.Worths(at))[i].Utility()
			}
			at := slices.Clone(s)
			at[i] = draw.Float64()
			got := h.Potential(atOnePrice(price, at), at) - h.Potential(atOnePrice(price, s), s)
			if want := utility(at[i]) - utility(s[i]); math.Abs(got-want) > rounding {
				t.Errorf("seed %d player %d: the potential changes by %g, the utility by %g", seed, i, got, want)
			}
		}
	}
}

// TestNoMoveLowersThePotential: neither moves one at a time nor best responses of all at
// once with a damping below 2/lambda. With a damping far above it simultaneous moves do.
func TestNoMoveLowersThePotential(t *testing.T) {
	draw := random.New(2, random.Testing, 4, 0)
	overshot := 0
	for seed := range uint64(60) {
		h := market(seed, 1+int(draw.Below(30)))
		price := draw.Float64() * stake(h, 0) / float64(h.Players()) / 4
		rounding := 1e-13 * stake(h, price)
		s := anywhere(draw, h.Players())
		for range 20 {
			before := h.Potential(atOnePrice(price, s), s)
			h.Play(atOnePrice(price, s), s, 1)
			if after := h.Potential(atOnePrice(price, s), s); after < before-rounding {
				t.Fatalf("seed %d: one at a time from %g to %g", seed, before, after)
			}
		}
		together := func(s []float64, damping float64) []float64 {
			moved, own := slices.Clone(s), h.Own()
			for i, w := range h.Worths(s) {
				moved[i] += damping * (game.BestResponse(w, own[i], price) - s[i])
			}
			return moved
		}
		s = anywhere(draw, h.Players())
		// Power iteration may be a few parts in a thousand too low.
		damping := min(1.98/h.Lambda(), 1)
		for range 20 {
			before := h.Potential(atOnePrice(price, s), s)
			if high := together(s, 1); h.Potential(atOnePrice(price, high), high) < before-rounding {
				overshot++
			}
			s = together(s, damping)
			if after := h.Potential(atOnePrice(price, s), s); after < before-rounding {
				t.Fatalf("seed %d: together with a damping of %g from %g to %g", seed, damping, before, after)
			}
		}
	}
	if overshot == 0 {
		t.Error("undamped moves never overshot: the test of the damping shows nothing")
	}
}

// settled plays until nothing moves.
func settled(h game.Interactions, price float64, s []float64) []float64 {
	h.Play(atOnePrice(price, s), s, 20000)
	return s
}

// TestTheEquilibriumIsUniqueAndSupplyFalls: from any start the same participations, which
// no player wants to leave, and a total that falls with the price.
func TestTheEquilibriumIsUniqueAndSupplyFalls(t *testing.T) {
	draw := random.New(3, random.Testing, 4, 0)
	for seed := range uint64(25) {
		h := market(seed, 2+int(draw.Below(14)))
		last := math.Inf(1)
		for _, part := range []float64{0, 0.01, 0.05, 0.1, 0.3, 1} {
			price := part * slices.Max(h.Ceilings())
			s := settled(h, price, slices.Repeat([]float64{1}, h.Players()))
			other := settled(h, price, anywhere(draw, h.Players()))
			supply := 0.
			for i := range s {
				supply += s[i]
				if math.Abs(s[i]-other[i]) > 1e-9 {
					t.Errorf("seed %d price %g player %d: %g from everywhere, %g from elsewhere", seed, price, i, s[i], other[i])
				}
			}
			if supply > last+1e-9 {
				t.Errorf("seed %d: supply rises from %g to %g at price %g", seed, last, supply, price)
			}
			last = supply
			var c game.Certificate
			if c.CertifyMarket(h, atOnePrice(price, s), s, h.Worths(s)); c.RelativeGap() > 1e-12 {
				t.Errorf("seed %d price %g: gap %g", seed, price, c.RelativeGap())
			}
		}
		if last != 0 {
			t.Errorf("seed %d: supply %g at the highest ceiling", seed, last)
		}
	}
}

// two returns the interactions of two players.
func two(h11, h12, h22 float64) game.Interactions { return game.Interactions{{h11, h12, h12, h22}} }

// TestTwoRivals: H = [[1, r], [r, 1]] with the ridge e. Both participate with
// 1 - p/(1+r+e) while that is inside; rivals (r > 0) more than players alone, complements
// (r < 0) less.
func TestTwoRivals(t *testing.T) {
	for _, r := range []float64{-0.5, 0, 0.5, 0.9} {
		for _, p := range []float64{0.1, 0.3} {
			s := settled(two(1, r, 1), p, []float64{1, 1})
			want := 1 - p/(1+r+game.Ridge)
			for i := range s {
				if math.Abs(s[i]-want) > 1e-12 {
					t.Errorf("r %g p %g: player %d plays %g, want %g", r, p, i, s[i], want)
				}
			}
		}
	}
	// Unequal rivals: the weaker leaves first, and the stronger is then worth more.
	h := two(4, 1, 1)
	c, err := game.ClearLayers([]game.Interactions{h}, []int{1}, game.PlayOn([]game.Interactions{h}, 10))
	if err != nil || c.Participations[0][0] == 0 || c.Participations[0][1] != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	// With s_2 = 0 player 1 plays 1 - (p - 1)/4(1+e), and player 2 leaves where p reaches
	// (1+e) + (1 - s_1).
	own := 4 * (1 + game.Ridge)
	edge := (1 + game.Ridge - 1/own) / (1 - 1/own)
	if p := c.Prices[0]; p < edge-1e-3 || p > c.Worths[0][0] {
		t.Errorf("price %g, player 2 leaves at %g", p, edge)
	}
}

// TestDuplicates: two players with the same contributions are worth as much as each other
// at any price, and reach zero together; one of them stays where one is to stay.
func TestDuplicates(t *testing.T) {
	h := game.Interactions{{1, 1, 0, 1, 1, 0, 0, 0, 0.5}}
	c, err := game.ClearLayers([]game.Interactions{h}, []int{1}, game.PlayOn([]game.Interactions{h}, 50))
	if err != nil {
		t.Fatal(err)
	}
	if stay := game.Winners(c.Worths[0], 1); !slices.Equal(stay, []int{0}) {
		t.Errorf("%v stay of %v", stay, c.Worths[0])
	}
	// A pair whose sum is nothing hurts no one by leaving together, and each by leaving alone.
	against := two(1, -1, 1)
	s := settled(against, 2*game.Ridge, []float64{1, 1})
	if s[0] != 0 || s[1] != 0 {
		t.Errorf("players that cancel each other play %v", s)
	}
}

// TestDeadPlayers have zero at any price, even none.
func TestDeadPlayers(t *testing.T) {
	h := two(0, 0, 1)
	if s := settled(h, 0, []float64{1, 1}); s[0] != 0 || s[1] != 1 {
		t.Errorf("they play %v", s)
	}
	if ceilings := h.Ceilings(); ceilings[0] != 0 {
		t.Errorf("ceilings %v", ceilings)
	}
}

// TestLambda compares the estimate with closed forms: n equal players have n + e over
// 1 + e, and players without interaction 1.
func TestLambda(t *testing.T) {
	const n = 6
	equal, apart := make([]float64, n*n), make([]float64, n*n)
	for i := range equal {
		equal[i] = 3
	}
	for i := range n {
		apart[i*n+i] = float64(i + 1)
	}
	for _, c := range []struct {
		h    []float64
		want float64
	}{{equal, (n + game.Ridge) / (1 + game.Ridge)}, {apart, 1}, {make([]float64, n*n), 0}} {
		if got := (game.Interactions{c.h}).Lambda(); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v: %g, want %g", c.h, got, c.want)
		}
	}
}

// TestCeilingsBoundTheWorths: no play of the others gives a player a higher worth, and one
// gives it that.
func TestCeilingsBoundTheWorths(t *testing.T) {
	draw := random.New(5, random.Testing, 4, 0)
	h := market(9, 15)
	ceilings := h.Ceilings()
	for range 200 {
		for i, w := range h.Worths(anywhere(draw, 15)) {
			if w > ceilings[i]*(1+1e-12) {
				t.Errorf("player %d is worth %g, ceiling %g", i, w, ceilings[i])
			}
		}
	}
	for i := range ceilings {
		s := make([]float64, 15)
		for j := range s {
			if h[0][i*15+j] < 0 {
				s[j] = 1
			}
		}
		if got := h.Worths(s)[i]; math.Abs(got-ceilings[i]) > 1e-12*ceilings[i] {
			t.Errorf("player %d reaches %g, ceiling %g", i, got, ceilings[i])
		}
	}
}

// TestBlocks: players of different blocks do not interact, and within a block all is as it
// is without the others.
func TestBlocks(t *testing.T) {
	const players = game.BlockSize + 5
	if got := game.Blocks(players); !slices.Equal(got, []int{game.BlockSize, 5}) || game.Blocks(0) != nil {
		t.Fatalf("blocks %v", got)
	}
	h := market(4, players)
	s := slices.Repeat([]float64{1}, players)
	const price = 0.2
	h.Play(atOnePrice(price, s), s, 3)
	for k, first := range []int{0, game.BlockSize} {
		alone := game.Interactions{h[k]}
		want := slices.Repeat([]float64{1}, alone.Players())
		alone.Play(atOnePrice(price, want), want, 3)
		if !slices.Equal(s[first:][:len(want)], want) {
			t.Errorf("block %d plays otherwise than alone", k)
		}
	}
	chosen := []int{0, 2, game.BlockSize - 1, game.BlockSize, game.BlockSize + 4}
	some := h.Select(chosen)
	for a, i := range chosen {
		for b, j := range chosen {
			want := 0.
			if i < game.BlockSize == (j < game.BlockSize) {
				n := len(h[i/game.BlockSize])
				width := int(math.Sqrt(float64(n)))
				want = h[i/game.BlockSize][i%game.BlockSize*width+j%game.BlockSize]
			}
			if got := some[0][a*len(chosen)+b]; got != want {
				t.Errorf("H of %d and %d is %g, want %g", i, j, got, want)
			}
		}
	}
}

// TestFalseMarkets: the lottery's and the reverse market's worths of players alone are
// those of their definitions, and both differ from the true ones.
func TestFalseMarkets(t *testing.T) {
	h := market(6, 20)
	draw := random.New(6, random.Testing, 4, 0)
	drawn := make([]float64, 20)
	for i := range drawn {
		drawn[i] = draw.Float64()
	}
	own := h.Own()
	reverse, lottery := game.Reverse.Distort(h, drawn).Own(), game.Lottery.Distort(h, drawn).Own()
	for i := range own {
		factor := math.Pow(10, 6*drawn[i]-3)
		if want := factor * own[i]; math.Abs(lottery[i]-want) > 1e-12*want {
			t.Errorf("lottery: %g, want %g", lottery[i], want)
		}
		want := 0.
		if own[i] > 0 {
			want = 1 / own[i]
		}
		if math.Abs(reverse[i]-want) > 1e-12*want {
			t.Errorf("reverse: %g, want %g", reverse[i], want)
		}
	}
}
