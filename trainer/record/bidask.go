package record

import (
	"fmt"
	"math"
	"slices"

	"nashprune/trainer/backend"
)

// BidAsk says whether the set S of kept players is an equilibrium of the real game, in
// which player i has the utility U_i = [V(S) - V(S without i)] - p c_i at a price p and
// V = -(mean held-out loss after a refit). The bid of a removed player is the fall of the
// loss when it returns, the ask of a kept one the rise when it leaves, each divided by its
// cost. There is a price from 0 on at which no player gains by a change of its own exactly
// when no bid is above an ask, and no ask below 0.
type BidAsk struct {
	Verdict Verdict `json:"verdict"`

	Part    backend.Part `json:"part"`    // that the loss is measured on; "train" is not held out
	Samples int          `json:"samples"` // half select, half confirm

	Steps        int     `json:"steps"` // of a refit
	LearningRate float64 `json:"learning_rate"`
	Repeats      int     `json:"repeats"` // that confirm, apart from the one that selects
	Refits       int     `json:"refits"`  // in all

	// OverConstant is by how much the loss is below that of the best constant
	// prediction, before any refit. Where its low end is not above 0, S fails.
	OverConstant Interval `json:"over_constant"`

	Markets []BidAskMarket `json:"markets"` // one a gate, or one of all where they share a price
	Pairs   []BidPair      `json:"pairs"`
	// LeastGamma and MedianGamma are over the pairs with a joint bid above 0; absent
	// where there are none.
	LeastGamma  *float64 `json:"least_gamma,omitempty"`
	MedianGamma *float64 `json:"median_gamma,omitempty"`
	// Bound is by how much another set of the same size could lower the loss, if V is
	// monotone, no removed player bids more than the highest that was measured, and gamma is
	// at least g = min(1, LeastGamma) for all sets: the sum over the markets of Size
	// max(bid, 0)/g, with the high end of the highest bid. Absent where no g above 0 was
	// measured.
	Bound *float64 `json:"bound,omitempty"`
}

// BidAskMarket is the players that face one price.
type BidAskMarket struct {
	Layers  []int   `json:"layers"` // gates, from 0
	Verdict Verdict `json:"verdict"`
	Kept    int     `json:"kept"`
	Removed int     `json:"removed"`
	Size    float64 `json:"size"` // costs of the kept players, added; 1 each where a gate is a market
	// Screened counts the kept players whose ask was estimated without a refit.
	Screened int `json:"screened"`
	// Asks and Bids are those measured after a refit, on the half that selects.
	Asks []Quote `json:"asks"`
	Bids []Quote `json:"bids"`
	// Ask is the lowest of them and Bid the highest, measured anew on the other half with
	// other refits; Excess is Bid - Ask. Absent where no player is kept, or none removed.
	Ask    *Confirmed `json:"ask,omitempty"`
	Bid    *Confirmed `json:"bid,omitempty"`
	Excess *Interval  `json:"excess,omitempty"`
}

// Quote is the bid or the ask of a player, in units of the loss by cost.
type Quote struct {
	PlayerName
	Value float64 `json:"value"`
}

// Confirmed is the bid or the ask of a player with its confidence interval.
type Confirmed struct {
	PlayerName
	Interval
}

// Interval is a mean with its confidence interval of 95 %. Those of several markets hold
// together with 95 %.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// BidPair is the bids of two removed players, alone and together, in units of the loss.
type BidPair struct {
	Players [2]PlayerName `json:"players"`
	Alone   [2]float64    `json:"alone"`
	Joint   float64       `json:"joint"`
}

// Gamma returns (bid(j) + bid(k)) / bid({j, k}), at least 1 where V is submodular. It means
// nothing where the joint bid is not above 0.
func (p BidPair) Gamma() float64 { return (p.Alone[0] + p.Alone[1]) / p.Joint }

// Verdict is what an interval says of a claim.
type Verdict string

const (
	Holds     Verdict = "holds"
	Fails     Verdict = "fails"
	Undecided Verdict = "undecided"
)

// Constant reports whether S fails since its loss is not below that of the best constant prediction.
func (b *BidAsk) Constant() bool { return b.OverConstant.Low <= 0 }

// Conclude fills in what follows from the intervals and the pairs. A market holds where
// the excess is at most 0 in its whole interval, and the ask at least 0, so that a price from
// 0 on lies between; it fails where one of them is on the other side in all of its interval.
func (b *BidAsk) Conclude() {
	b.Verdict = Holds
	for k := range b.Markets {
		m := &b.Markets[k]
		switch {
		case m.Excess != nil && m.Excess.Low > 0 || m.Ask != nil && m.Ask.High < 0:
			m.Verdict, b.Verdict = Fails, Fails
		case (m.Excess == nil || m.Excess.High <= 0) && (m.Ask == nil || m.Ask.Low >= 0):
			m.Verdict = Holds
		default:
			m.Verdict = Undecided
			if b.Verdict == Holds {
				b.Verdict = Undecided
			}
		}
	}
	if b.Constant() {
		b.Verdict = Fails
	}
	b.LeastGamma, b.MedianGamma, b.Bound = nil, nil, nil
	var gammas []float64
	for _, p := range b.Pairs {
		if p.Joint > 0 {
			gammas = append(gammas, p.Gamma())
		}
	}
	if len(gammas) == 0 {
		return
	}
	slices.Sort(gammas)
	median := (gammas[(len(gammas)-1)/2] + gammas[len(gammas)/2]) / 2
	b.LeastGamma, b.MedianGamma = &gammas[0], &median
	if gammas[0] <= 0 {
		return
	}
	bound := 0.
	for _, m := range b.Markets {
		if m.Bid != nil {
			bound += m.Size * max(m.Bid.High, 0) / min(1, gammas[0])
		}
	}
	b.Bound = &bound
}

// check says in which way b is not one that a run writes.
func (b *BidAsk) check() error {
	if b.Part != backend.TrainPart && b.Part != backend.ValidationPart {
		return fmt.Errorf("the loss is measured on part %.40q; it must be %q or %q", b.Part, backend.ValidationPart, backend.TrainPart)
	}
	if !b.OverConstant.ordered() {
		return fmt.Errorf("the interval over a constant is %v; it must hold its mean", b.OverConstant)
	}
	concluded := *b
	concluded.Markets = slices.Clone(b.Markets)
	concluded.Conclude()
	for k, m := range b.Markets {
		switch {
		case (m.Ask == nil) != (len(m.Asks) == 0) || (m.Bid == nil) != (len(m.Bids) == 0) || (m.Excess == nil) != (m.Ask == nil || m.Bid == nil):
			return fmt.Errorf("market %d has %d asks and %d bids; it must confirm the lowest and the highest, and no other", k, len(m.Asks), len(m.Bids))
		case m.Ask != nil && !m.Ask.ordered() || m.Bid != nil && !m.Bid.ordered() || m.Excess != nil && !m.Excess.ordered():
			return fmt.Errorf("an interval of market %d does not hold its mean", k)
		case m.Verdict != concluded.Markets[k].Verdict:
			return fmt.Errorf("the verdict of market %d is %.40q; by its interval it must be %q", k, m.Verdict, concluded.Markets[k].Verdict)
		}
	}
	if b.Verdict != concluded.Verdict {
		return fmt.Errorf("the verdict is %.40q; by its markets it must be %q", b.Verdict, concluded.Verdict)
	}
	if !same(b.LeastGamma, concluded.LeastGamma) || !same(b.MedianGamma, concluded.MedianGamma) || !same(b.Bound, concluded.Bound) {
		return fmt.Errorf("gamma and the bound do not follow from the pairs and the bids")
	}
	return nil
}

func (i Interval) ordered() bool { return i.Low <= i.Mean && i.Mean <= i.High }

// same reports whether two numbers are both absent, or equal but for roundings of
// another machine.
func same(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Abs(*a-*b) <= 1e-12*math.Abs(*b)
}
