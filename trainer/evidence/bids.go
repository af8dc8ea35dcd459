package evidence

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
)

// BidAskInput is a network that a market left and how bids and asks are measured. Players
// have their numbers in the network of full width.
type BidAskInput struct {
	Engine backend.Engine // opened with Data, Loss, Batch and the training's optimiser
	Data   *dataset.Dataset
	Loss   backend.Loss
	Batch  int

	// Kept is the network of the Live players. Whole has full width: every removed player
	// has its weights, and its neighbours' weights for it, from just before its removal.
	// Participations are folded into the weights, those of removed players as 1.
	Kept, Whole *network.Network
	Live        network.Survivors
	Removed     [][]int    // by gate, all players that were removed themselves, those nearest to staying first
	Followed    [][]int    // by gate, all that were removed as parts of others, with which they return; nil: none
	Costs       []float64  // of a player, by gate, where all gates share one price; nil: a market a gate
	PlayerCosts game.Costs // of each player beside others of its gate; nil: 1 each

	Seed         uint64
	LearningRate float64 // of the first step of a refit, above 0
	Steps        int     // of a refit; 0: none
	Repeats      int     // that confirm, at least 2
	Most         int     // bids and asks of a gate that a refit measures, at least 2
}

// MostHeldOut is on how many samples the loss is measured at most. More would take longer
// than the refits.
const MostHeldOut = 8192

// fewestHeldOut is two samples for each half.
const fewestHeldOut = 4

// CanBid reports whether there are enough samples to measure bids and asks on.
func CanBid(d *dataset.Dataset) bool { return heldOut(d).Of(d).Len() >= fewestHeldOut }

// Pairs is how many pairs of removed players have their joint bid measured at most.
const Pairs = 4

// miss is how often all intervals of a claim may miss together.
const miss = 0.05

// The streams of [random.Bidding]. From the last on each gate has one.
const (
	orderStream uint32 = iota
	halvesStream
	pairsStream
	gatesStream
)

// BidAsk measures bids and asks of the real game, see [record.BidAsk]. Of each gate bid
// Most/2 of the removed players nearest to staying and as many others, drawn at random.
// Where more than Most players are kept, those with the lowest asks without a refit are
// measured with one. Repeat 0 selects the highest bid and the lowest ask on one half of the
// held-out samples; the others confirm the two on the other half. So selection does not bias
// the intervals, but other bids and asks are compared in repeat 0 alone.
//
// A refit has fresh moments, no decay of AdamW, and a rate that falls by half a cosine to 1 %.
// All networks of a repeat have the same batches. The result follows from the input alone, to
// the bit. The engine is left in any state, also when ctx ends, which returns its error. An
// error says which input is wrong, or that a refit diverged.
func BidAsk(ctx context.Context, in BidAskInput) (*record.BidAsk, error) {
	g, err := newRealGame(in)
	if err != nil {
		return nil, err
	}
	b := &record.BidAsk{
		Part: g.part, Samples: len(g.chosen), Steps: in.Steps, LearningRate: in.LearningRate, Repeats: in.Repeats,
		Markets: g.markets(),
	}
	before, err := g.losses(ctx, g.live, nil)
	if err != nil {
		return nil, err
	}
	b.OverConstant = confidence([][]float64{difference(g.constantLosses(), before)}, miss/float64(1+len(b.Markets)))
	if err := g.selectQuotes(ctx, b); err != nil {
		return nil, err
	}
	if err := g.confirm(ctx, b); err != nil {
		return nil, err
	}
	b.Refits = g.refits
	b.Conclude()
	return b, nil
}

// flip is players that change sides: kept ones leave and removed ones return.
type flip []record.PlayerName

// realGame evaluates sets of players.
type realGame struct {
	BidAskInput
	whole             *network.Network // of full width; live players have the numbers of Kept
	live              network.Survivors
	part              backend.Part
	samples           dataset.Samples
	chosen            []int32 // of the samples
	selects, confirms []int   // the halves of those chosen, by place
	refits            int
}

func newRealGame(in BidAskInput) (*realGame, error) {
	g := &realGame{BidAskInput: in, part: heldOut(in.Data), whole: in.Whole.Clone()}
	g.samples = g.part.Of(in.Data)
	cut, err := g.whole.Graph.Cut(in.Live)
	if err != nil {
		return nil, err
	}
	g.live = cut.Gates
	widths := g.whole.Graph.Widths()
	switch {
	case in.Repeats < 2:
		return nil, fmt.Errorf("bids are confirmed in %d repeats; it must be 2 or more, to have a variance", in.Repeats)
	case in.Most < 2:
		return nil, fmt.Errorf("%d bids of a gate are measured; it must be 2 or more", in.Most)
	case in.Steps < 0 || in.Batch < 1 || !(in.LearningRate > 0):
		return nil, fmt.Errorf("a refit has %d steps of %d samples at the rate %g; they must be at least 0, at least 1, and above 0", in.Steps, in.Batch, in.LearningRate)
	case !CanBid(in.Data):
		return nil, fmt.Errorf("the %s part has %d samples; bids and asks need %d or more", g.part, g.samples.Len(), fewestHeldOut)
	case !slices.Equal(in.Kept.Graph.Widths(), cut.Graph.Widths()):
		return nil, fmt.Errorf("the kept network has %v players and %v are live; they must be as many", in.Kept.Graph.Widths(), cut.Graph.Widths())
	case len(in.Removed) != len(widths):
		return nil, fmt.Errorf("removed players of %d gates are listed; it must be %d", len(in.Removed), len(widths))
	case in.Costs != nil && (len(in.Costs) != len(widths) || slices.ContainsFunc(in.Costs, func(c float64) bool { return !(c > 0) })):
		return nil, fmt.Errorf("the costs are %v; they must be above 0, one for each of %d gates", in.Costs, len(widths))
	}
	if in.Followed == nil {
		g.Followed = make([][]int, len(widths))
	}
	for i, width := range widths {
		gone := slices.Concat(in.Removed[i], g.Followed[i])
		if !slices.Equal(slices.Sorted(slices.Values(slices.Concat(g.live[i], gone))), network.Indices(width)) {
			return nil, fmt.Errorf("gate %s: %d players are live and %d removed; they must be its %d, each once", g.whole.Graph.Gates[i].Name, len(g.live[i]), len(gone), width)
		}
		for _, player := range gone {
			g.whole.Participations[i][player] = 1
		}
	}
	g.whole.Fold()
	kept := in.Kept.Clone()
	kept.Fold()
	cut.Scatter(g.whole, kept)
	g.chosen = random.New(in.Seed, random.Bidding, 0, halvesStream).Permutation(g.samples.Len())
	g.chosen = g.chosen[:min(len(g.chosen), MostHeldOut)]
	places := network.Indices(len(g.chosen))
	g.selects, g.confirms = places[:len(places)/2], places[len(places)/2:]
	return g, nil
}

// cost returns what the bid or the ask of a player is divided by.
func (g *realGame) cost(p record.PlayerName) float64 {
	cost := 1.
	if g.Costs != nil {
		cost = g.Costs[p.Layer]
	}
	if row := g.PlayerCosts.Of(p.Layer); row != nil {
		cost *= row[p.Index]
	}
	return cost
}

// markets names the players whose bids and asks are measured.
func (g *realGame) markets() []record.BidAskMarket {
	var markets []record.BidAskMarket
	for i, live := range g.live {
		if i == 0 || g.Costs == nil {
			markets = append(markets, record.BidAskMarket{})
		}
		m := &markets[len(markets)-1]
		m.Layers = append(m.Layers, i)
		m.Kept, m.Removed = m.Kept+len(live), m.Removed+len(g.Removed[i])
		for _, player := range live {
			m.Size += g.cost(record.PlayerName{Layer: i, Index: player})
		}
		asking := live
		if len(live) > g.Most {
			asking, m.Screened = g.lowestAsks(i), m.Screened+len(live)
		}
		for _, player := range asking {
			m.Asks = append(m.Asks, record.Quote{PlayerName: record.PlayerName{Layer: i, Index: player}})
		}
		bidding := slices.Clone(g.Removed[i])
		if len(bidding) > g.Most {
			nearest, rest := bidding[:g.Most/2], bidding[g.Most/2:]
			drawn := random.New(g.Seed, random.Bidding, 0, gatesStream+uint32(i)).Permutation(len(rest))
			bidding = slices.Clone(nearest)
			for _, place := range drawn[:g.Most-len(nearest)] {
				bidding = append(bidding, rest[place])
			}
		}
		for _, player := range bidding {
			m.Bids = append(m.Bids, record.Quote{PlayerName: record.PlayerName{Layer: i, Index: player}})
		}
	}
	return markets
}

// lowestAsks returns the Most kept players of a gate whose absence raises the loss least
// without a refit, on samples of the half that selects.
func (g *realGame) lowestAsks(gate int) []int {
	rises := newScreen(g.Data, g.Loss, g.Kept.MACs(), network.Select(g.chosen, g.selects)).asks(g.Kept, gate)
	places := network.Indices(len(rises))
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(rises[a], rises[b]) })
	return network.Select(g.live[gate], places[:g.Most])
}

// selectQuotes measures all bids, asks and pairs in repeat 0.
func (g *realGame) selectQuotes(ctx context.Context, b *record.BidAsk) error {
	var quotes []*record.Quote
	var bids []record.PlayerName
	for _, m := range b.Markets {
		for i := range m.Asks {
			quotes = append(quotes, &m.Asks[i])
		}
		for i := range m.Bids {
			quotes, bids = append(quotes, &m.Bids[i]), append(bids, m.Bids[i].PlayerName)
		}
	}
	var flips []flip
	for _, q := range quotes {
		flips = append(flips, flip{q.PlayerName})
	}
	drawn := random.New(g.Seed, random.Bidding, 0, pairsStream).Permutation(len(bids))
	for k := 0; k+1 < len(drawn) && len(b.Pairs) < Pairs; k += 2 {
		p := record.BidPair{Players: [2]record.PlayerName{bids[drawn[k]], bids[drawn[k+1]]}}
		b.Pairs, flips = append(b.Pairs, p), append(flips, p.Players[:])
	}
	falls, err := g.repeat(ctx, 0, flips)
	if err != nil {
		return err
	}
	alone := map[record.PlayerName]float64{}
	for k, q := range quotes {
		q.Value = stat.Mean(g.values(q.PlayerName, falls[k], g.selects), nil)
		alone[q.PlayerName] = stat.Mean(falls[k], nil)
	}
	for k := range b.Pairs {
		p := &b.Pairs[k]
		p.Alone = [2]float64{alone[p.Players[0]], alone[p.Players[1]]}
		p.Joint = stat.Mean(falls[len(quotes)+k], nil)
	}
	return nil
}

// confirm measures the lowest ask and the highest bid of each market anew.
func (g *realGame) confirm(ctx context.Context, b *record.BidAsk) error {
	byValue := func(p, q record.Quote) int { return cmp.Compare(p.Value, q.Value) }
	var flips []flip
	for k := range b.Markets {
		m := &b.Markets[k]
		if len(m.Asks) > 0 {
			m.Ask = &record.Confirmed{PlayerName: slices.MinFunc(m.Asks, byValue).PlayerName}
			flips = append(flips, flip{m.Ask.PlayerName})
		}
		if len(m.Bids) > 0 {
			m.Bid = &record.Confirmed{PlayerName: slices.MaxFunc(m.Bids, byValue).PlayerName}
			flips = append(flips, flip{m.Bid.PlayerName})
		}
	}
	values := map[record.PlayerName][][]float64{} // by repeat and sample
	for r := range g.Repeats {
		falls, err := g.repeat(ctx, r+1, flips)
		if err != nil {
			return err
		}
		for k, f := range flips {
			values[f[0]] = append(values[f[0]], g.values(f[0], falls[k], g.confirms))
		}
	}
	each := miss / float64(1+len(b.Markets)) // with the one over a constant
	for k := range b.Markets {
		m := &b.Markets[k]
		if m.Ask != nil {
			m.Ask.Interval = confidence(values[m.Ask.PlayerName], each)
		}
		if m.Bid != nil {
			m.Bid.Interval = confidence(values[m.Bid.PlayerName], each)
		}
		if m.Ask != nil && m.Bid != nil {
			var excess [][]float64
			for r, bid := range values[m.Bid.PlayerName] {
				excess = append(excess, difference(bid, values[m.Ask.PlayerName][r]))
			}
			interval := confidence(excess, each)
			m.Excess = &interval
		}
	}
	return nil
}

// values returns the bid or the ask of a player on some samples, from the fall of each
// sample's loss when the player changes sides.
func (g *realGame) values(p record.PlayerName, falls []float64, samples []int) []float64 {
	divisor := g.cost(p)
	if _, lives := slices.BinarySearch(g.live[p.Layer], p.Index); lives {
		divisor = -divisor
	}
	values := network.Select(falls, samples)
	for i := range values {
		values[i] /= divisor
	}
	return values
}

// repeat returns by how much the loss falls by each flip after a refit, a number a
// sample. The refits of a repeat have one order of samples.
func (g *realGame) repeat(ctx context.Context, repeat int, flips []flip) ([][]float64, error) {
	draw := random.New(g.Seed, random.Bidding, uint32(repeat), orderStream)
	var order []int32
	for len(order) < g.Steps*g.Batch {
		order = append(order, draw.Permutation(g.Data.Train.Len())...)
	}
	order = order[:g.Steps*g.Batch]
	g.refits += 1 + len(flips)
	base, err := g.losses(ctx, g.live, order)
	if err != nil {
		return nil, err
	}
	var falls [][]float64
	for _, f := range flips {
		after, err := g.losses(ctx, g.flipped(f), order)
		if err != nil {
			return nil, err
		}
		falls = append(falls, difference(base, after))
	}
	return falls, nil
}

// flipped returns the live players after a flip. Parts of a player that returns do so with
// it; those of one that leaves do not count, see [network.Graph.Cut].
func (g *realGame) flipped(f flip) network.Survivors {
	players := slices.Clone(g.live)
	for _, p := range f {
		at, lives := slices.BinarySearch(players[p.Layer], p.Index)
		gate := slices.Clone(players[p.Layer])
		if lives {
			players[p.Layer] = slices.Delete(gate, at, at+1)
		} else {
			players[p.Layer] = slices.Insert(gate, at, p.Index)
			g.returnParts(players, p)
		}
	}
	return players
}

// returnParts adds the parts of a player that followed it.
func (g *realGame) returnParts(players network.Survivors, whole record.PlayerName) {
	for i, followed := range g.Followed {
		var parts []int
		for _, player := range followed {
			if gate, parent, ok := g.whole.Graph.Parent(i, player); ok && gate == whole.Layer && parent == whole.Index {
				parts = append(parts, player)
			}
		}
		if parts != nil {
			players[i] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(players[i], parts))))
		}
	}
}

// losses trains the network of some players on an order of samples, which may be empty,
// and returns the loss of each held-out sample.
func (g *realGame) losses(ctx context.Context, players network.Survivors, order []int32) ([]float64, error) {
	cut, err := g.whole.Graph.Cut(players)
	if err != nil {
		return nil, err
	}
	if err := g.Engine.Push(&backend.State{Network: cut.Of(g.whole)}); err != nil {
		return nil, err
	}
	if len(order) > 0 {
		rates := make([]float64, len(order)/g.Batch)
		for t := range rates {
			const floor = 0.01
			rates[t] = g.LearningRate * (floor + (1-floor)*(1+math.Cos(math.Pi*float64(t)/float64(len(rates))))/2)
		}
		if _, err := g.Engine.Train(ctx, backend.Stretch{Order: order, LearningRates: rates, NoDecay: true}); err != nil {
			return nil, err
		}
	}
	evaluation, err := g.Engine.Evaluate(ctx, g.part, backend.Want{Logits: true, Only: g.chosen})
	if err != nil {
		return nil, err
	}
	losses, logits := make([]float64, len(g.chosen)), make([]float64, g.whole.Outputs())
	for i := range losses {
		for k := range logits {
			logits[k] = float64(evaluation.Logits[i*len(logits)+k])
		}
		losses[i] = g.Loss.Of(g.samples, int(g.chosen[i]), logits)
	}
	if l := stat.Mean(losses, nil); math.IsNaN(l) || math.IsInf(l, 0) {
		return nil, fmt.Errorf("the loss after %d steps of a refit at the rate %g is %g; it must be finite; try a lower --learning-rate or --certify-steps 0", len(order)/g.Batch, g.LearningRate, l)
	}
	return losses, nil
}

// constantLosses returns the loss of each held-out sample by the best constant prediction
// of the training part. Of classes it has the weighted mean of the smoothed labels, with one
// more sample of each class, so that a class that is absent has a finite loss. Of
// standardised targets it is 0.
func (g *realGame) constantLosses() []float64 {
	outputs := make([]float64, g.whole.Outputs())
	if !g.Data.Regression() {
		train := g.Data.Train
		total := 0.
		for _, label := range train.Labels {
			outputs[label] += g.Loss.Weight(int(label))
			total += g.Loss.Weight(int(label))
		}
		smooth := g.Loss.Smoothing
		for k, weight := range outputs {
			outputs[k] = math.Log(1 + (1-smooth)*weight + smooth*total/float64(len(outputs)))
		}
	}
	losses := make([]float64, len(g.chosen))
	for i := range losses {
		losses[i] = g.Loss.Of(g.samples, int(g.chosen[i]), outputs)
	}
	return losses
}

// difference returns a - b, a number a sample.
func difference(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return d
}
