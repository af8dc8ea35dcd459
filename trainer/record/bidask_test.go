package record

import (
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/backend"
)

// testBidAsk has a market that holds, one that is undecided and one without bids.
func testBidAsk() *BidAsk {
	interval := func(mean, half float64) Interval { return Interval{mean, mean - half, mean + half} }
	quote := func(l, i int, v float64) []Quote { return []Quote{{PlayerName{l, i}, v}} }
	market := func(l int, bid, ask, half float64) BidAskMarket {
		excess := interval(bid-ask, half)
		return BidAskMarket{
			Layers: []int{l}, Kept: 3, Removed: 2, Size: 3, Asks: quote(l, 1, ask), Bids: quote(l, 4, bid),
			Ask: &Confirmed{PlayerName{l, 1}, interval(ask, half)}, Bid: &Confirmed{PlayerName{l, 4}, interval(bid, half)}, Excess: &excess,
		}
	}
	noBids := market(2, 0, 0.25, 0.125)
	noBids.Bids, noBids.Bid, noBids.Excess, noBids.Removed = nil, nil, nil, 0
	b := &BidAsk{
		Part: backend.ValidationPart, Samples: 100, Steps: 10, LearningRate: 0.01, Repeats: 3, Refits: 20, OverConstant: interval(1, 0.5),
		Markets: []BidAskMarket{market(0, 0.25, 1, 0.5), market(1, 0.5, 0.25, 0.5), noBids},
		Pairs: []BidPair{
			{Alone: [2]float64{0.5, 0.5}, Joint: 2}, {Alone: [2]float64{0.5, 1}, Joint: 1}, {Alone: [2]float64{1, 1}, Joint: -1},
		},
	}
	b.Conclude()
	return b
}

// TestConclude spells out verdicts, gammas and the bound.
func TestConclude(t *testing.T) {
	b := testBidAsk()
	verdicts := func() []Verdict {
		all := []Verdict{b.Verdict}
		for _, m := range b.Markets {
			all = append(all, m.Verdict)
		}
		return all
	}
	if got, want := verdicts(), []Verdict{Undecided, Holds, Undecided, Holds}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// Gammas 1/2 and 3/2; the third pair has none. The highest bids are at most 3/4 and 1.
	if *b.LeastGamma != 0.5 || *b.MedianGamma != 1 || *b.Bound != (3*0.75+3*1)/0.5 {
		t.Errorf("gammas %g and %g, bound %g", *b.LeastGamma, *b.MedianGamma, *b.Bound)
	}
	b.Pairs = b.Pairs[1:]
	b.Markets[0].Bid.High = -1 // which nobody could add to the loss
	if b.Conclude(); *b.Bound != 3 {
		t.Errorf("bound %g with a gamma above 1, want 3", *b.Bound)
	}
	b.Pairs[0].Alone[0] = -2
	if b.Conclude(); *b.LeastGamma != -1 || b.Bound != nil {
		t.Errorf("gamma %g, bound %v", *b.LeastGamma, b.Bound)
	}
	b.Pairs = b.Pairs[1:]
	if b.Conclude(); b.LeastGamma != nil || b.MedianGamma != nil || b.Bound != nil {
		t.Errorf("without a joint bid above 0: %+v", b)
	}
	*b.Markets[0].Excess = Interval{0, 0, 0} // no gain is no reason to move
	*b.Markets[1].Excess = Interval{1, 0.5, 1.5}
	b.Conclude()
	if got, want := verdicts(), []Verdict{Fails, Holds, Fails, Holds}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	b.Markets = b.Markets[:1]
	if b.Conclude(); b.Verdict != Holds {
		t.Errorf("%s, and all markets hold", b.Verdict)
	}
	b.OverConstant = Interval{1, 0, 2}
	if b.Conclude(); b.Verdict != Fails {
		t.Errorf("%s, and the network is no better than a constant", b.Verdict)
	}
}

// TestBidAskContradictsItself: what a run writes is accepted, and nothing that contradicts itself.
func TestBidAskContradictsItself(t *testing.T) {
	if err := testBidAsk().check(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(b *BidAsk){
		"part":                  func(b *BidAsk) { b.Part = backend.TestPart },
		"over a constant":       func(b *BidAsk) { b.OverConstant.Low = 2 },
		"verdict of market 1":   func(b *BidAsk) { b.Markets[1].Verdict = Holds },
		"verdict is \"holds\"":  func(b *BidAsk) { b.Verdict = Holds },
		"interval of market 0":  func(b *BidAsk) { b.Markets[0].Ask.Low = 9 },
		"market 1 has 0 asks":   func(b *BidAsk) { b.Markets[1].Asks = nil },
		"market 2 has 1 asks":   func(b *BidAsk) { b.Markets[2].Excess = &Interval{} },
		"gamma":                 func(b *BidAsk) { *b.LeastGamma = 3 },
		"gamma and the bound d": func(b *BidAsk) { b.Bound = nil },
	} {
		b := testBidAsk()
		spoil(b)
		if err := b.check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
