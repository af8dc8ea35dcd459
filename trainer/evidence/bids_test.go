package evidence

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
)

// engineOn opens an engine in float32, or in float64, on data.
func engineOn(t *testing.T, d *dataset.Dataset, n *network.Network, o backend.EngineOptions, float64s bool) backend.Engine {
	t.Helper()
	state := &backend.State{Network: n}
	var e backend.Engine
	var err error
	if float64s {
		e, err = cpufallback.OpenOracle(d, o, state)
	} else {
		e, err = backend.Device{Driver: cpufallback.DriverName, BLAS: "gonum"}.Open(d, o, state)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// rectifiers is a regression of sum_k slopes[k] max(x_k, 0), up to a constant, with a noise
// of 0.1. With x standard normal, a rectifier has the variance (1 - 1/pi)/2 = 0.341.
func rectifiers(slopes ...float64) *dataset.Dataset {
	draw := random.New(11, random.Testing, 0, 0)
	part := func(count int) dataset.Samples {
		s := dataset.Samples{Features: len(slopes), Outputs: 1}
		for range count {
			y := 0.1 * draw.Normal()
			for _, a := range slopes {
				x := draw.Normal()
				y += a * (max(x, 0) - 1/math.Sqrt(2*math.Pi))
				s.Values = append(s.Values, float32(x))
			}
			s.Targets = append(s.Targets, float32(y))
		}
		return s
	}
	return &dataset.Dataset{Name: "rectifiers", Deviation: 1, Train: part(400), Validation: part(200)}
}

// planted returns a network of a hidden layer of which unit i is a max(x_k, 0) with the
// pair (k, a) of units; k below 0 is a dead unit. Its constant is that of [rectifiers], so
// that it has the targets' function where the units have the slopes.
func planted(slopes []float64, units ...[2]float64) *network.Network {
	features := len(slopes)
	n := networktest.Perceptron(features, len(units), 1)
	for _, a := range slopes {
		n.Parameters[3][0] -= float32(a / math.Sqrt(2*math.Pi))
	}
	for i, u := range units {
		if u[0] < 0 {
			n.Parameters[1][i] = -1
		} else {
			n.Parameters[0][i*features+int(u[0])] = 1
		}
		n.Parameters[2][i] = float32(u[1])
	}
	return n
}

// slopes are of [rectifiers] in the tests.
var slopes = []float64{0.5, -0.8, 1, 0.4}

// inputOf returns the input of a network of whose first gate some players are removed, in
// that order.
func inputOf(t *testing.T, d *dataset.Dataset, whole *network.Network, removed ...int) BidAskInput {
	t.Helper()
	live := network.Survivors{}
	for range whole.Graph.Gates {
		live = append(live, nil)
	}
	gone := make([][]int, len(live))
	gone[0] = removed
	for i, width := range whole.Graph.Widths() {
		live[i] = slices.DeleteFunc(network.Indices(width), func(p int) bool { return slices.Contains(gone[i], p) })
	}
	kept, err := whole.Keep(live)
	if err != nil {
		t.Fatal(err)
	}
	o := backend.EngineOptions{Batch: 20, Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9}}
	return BidAskInput{
		Engine: engineOn(t, d, whole, o, false), Data: d, Batch: o.Batch, Kept: kept, Whole: whole, Live: live, Removed: gone,
		Seed: 1, LearningRate: 0.02, Steps: 60, Repeats: 3, Most: 12,
	}
}

func bidAsk(t *testing.T, in BidAskInput) *record.BidAsk {
	t.Helper()
	b, err := BidAsk(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	c := &record.Certificate{
		Schema: record.CertificateSchema, Game: game.PaperGame, BidAsk: b,
		Layers: make([]record.CertifiedLayer, 1), Players: []record.CertifiedPlayer{{Reason: game.Kept}},
	}
	if err := c.Write(&text); err != nil {
		t.Fatal(err)
	}
	if read, err := record.ReadCertificate(&text); err != nil || !reflect.DeepEqual(read.BidAsk, b) {
		t.Errorf("read again: %v, %+v", err, read)
	}
	return b
}

// TestPlantedBidIsNamed removes the most useful rectifier and keeps a dead one: the set is
// no equilibrium, both are named, and the bid is about the variance that was lost.
func TestPlantedBidIsNamed(t *testing.T) {
	in := inputOf(t, rectifiers(slopes...), planted(slopes, [2]float64{0, .5}, [2]float64{1, -.8}, [2]float64{2, 1}, [2]float64{3, .4}, [2]float64{-1, 1}, [2]float64{-1, 1}), 5, 2)
	b := bidAsk(t, in)
	m := b.Markets[0]
	if b.Verdict != record.Fails || m.Verdict != record.Fails || m.Bid.Index != 2 || m.Ask.Index != 4 {
		t.Fatalf("%s: bid %+v, ask %+v, excess %+v", b.Verdict, *m.Bid, *m.Ask, *m.Excess)
	}
	// The refit gives others some of what was lost: at best the linear part x/2, which
	// leaves the variance 1/4 - 1/(2 pi) of |x|/2, and at least the constant.
	if least, most := 1./4-1/(2*math.Pi), (1-1/math.Pi)/2; m.Excess.High < least || m.Excess.Low > most || math.Abs(m.Ask.Mean) > 0.01 {
		t.Errorf("excess %+v, from %g to %g; ask %+v", *m.Excess, least, most, *m.Ask)
	}
	if b.Part != backend.ValidationPart || b.Samples != 200 || m.Kept != 4 || m.Removed != 2 || m.Size != 4 || m.Screened != 0 {
		t.Errorf("%+v", b)
	}
	// The base, four asks, two bids and a pair; then three times the base and two flips.
	if b.Refits != 1+4+2+1+3*3 || b.OverConstant.Low <= 0 {
		t.Errorf("%d refits, over the constant %+v", b.Refits, b.OverConstant)
	}
	// A dead unit adds nothing to the other.
	if len(b.Pairs) != 1 || math.Abs(*b.LeastGamma-1) > 0.05 || *b.Bound < 4*m.Bid.Mean {
		t.Errorf("pairs %+v, bound %v", b.Pairs, b.Bound)
	}
}

// TestDeadPlayersDoNotBid keeps all useful rectifiers and removes dead ones.
func TestDeadPlayersDoNotBid(t *testing.T) {
	in := inputOf(t, rectifiers(slopes...), planted(slopes, [2]float64{0, .5}, [2]float64{-1, 1}, [2]float64{1, -.8}, [2]float64{2, 1}, [2]float64{3, .4}, [2]float64{-1, 1}), 1, 5)
	b := bidAsk(t, in)
	m := b.Markets[0]
	// A dead unit changes the order of float32 sums alone.
	if b.Verdict != record.Holds || math.Abs(m.Bid.Mean) > 1e-5 || m.Ask.Index != 4 || m.Ask.Mean < 0.02 {
		t.Errorf("%s: bid %+v, ask %+v, excess %+v", b.Verdict, *m.Bid, *m.Ask, *m.Excess)
	}
}

// TestDuplicateAsksNothing keeps a rectifier twice, with half of its weight each, instead of
// another: after a refit one of the two is missed by nobody. Without one it is.
func TestDuplicateAsksNothing(t *testing.T) {
	in := inputOf(t, rectifiers(slopes...), planted(slopes, [2]float64{0, .5}, [2]float64{1, -.8}, [2]float64{2, .5}, [2]float64{3, .4}, [2]float64{2, .5}), 3)
	in.Steps = 150
	b := bidAsk(t, in)
	m := b.Markets[0]
	if b.Verdict != record.Fails || m.Bid.Index != 3 || m.Ask.Index != 2 && m.Ask.Index != 4 || m.Ask.High > 0.01 {
		t.Errorf("%s: bid %+v, ask %+v, excess %+v", b.Verdict, *m.Bid, *m.Ask, *m.Excess)
	}
	in.Steps = 0
	for _, q := range bidAsk(t, in).Markets[0].Asks[2:] { // of 2 and 4
		if q.Value < 0.05 { // the mean of (max(x, 0)/2)^2 is 1/8
			t.Errorf("without a refit %s asks %g", q.PlayerName, q.Value)
		}
	}
}

// TestUntrainedFails: a network that is no better than a constant fails whatever its bids.
func TestUntrainedFails(t *testing.T) {
	n := networktest.Perceptron(3, 6, 4)
	if err := n.Initialise(network.He, 1); err != nil {
		t.Fatal(err)
	}
	d := &dataset.Dataset{Name: "noise", Classes: 4, Deviation: 1, Train: testSamples(100, 0)}
	in := inputOf(t, d, n, 5)
	in.Steps = 3
	b := bidAsk(t, in)
	if b.Verdict != record.Fails || b.OverConstant.Low > 0 || b.Part != backend.TrainPart {
		t.Errorf("%s on the %s part, over the constant %+v", b.Verdict, b.Part, b.OverConstant)
	}
}

// TestConstantLosses: no constant has a lower loss on the training part, but for the one
// sample a class that is added, with smoothing and weights of classes.
func TestConstantLosses(t *testing.T) {
	samples := testSamples(3000, 0)
	d := &dataset.Dataset{Name: "noise", Classes: 4, Deviation: 1, Train: samples}
	loss := backend.Loss{Smoothing: 0.2, ClassWeights: []float64{1, 3, 0.5, 0}}
	g := &realGame{BidAskInput: BidAskInput{Data: d, Loss: loss}, whole: networktest.Perceptron(3, 2, 4), samples: samples, chosen: backend.InOrder(samples.Len())}
	total := func(losses []float64) (sum float64) {
		for _, l := range losses {
			sum += l
		}
		return sum
	}
	best := total(g.constantLosses())
	draw := random.New(5, random.Testing, 0, 0)
	for range 500 {
		z := make([]float64, 4)
		for k := range z {
			z[k] = 2 * draw.Normal()
		}
		var losses []float64
		for i := range samples.Len() {
			losses = append(losses, loss.Of(samples, i, z))
		}
		if other := total(losses); other < best-0.01 {
			t.Fatalf("%v has the loss %g, the best constant %g", z, other, best)
		}
	}
	// Without them: n_k samples of class k of N have the mean loss -sum (n_k/N) log(n_k/N).
	g.Loss = backend.Loss{}
	count, want := make([]float64, 4), 0.
	for _, label := range samples.Labels {
		count[label]++
	}
	for _, n := range count {
		want -= n * math.Log(n/3000)
	}
	if got := total(g.constantLosses()); math.Abs(got-want) > 0.01 {
		t.Errorf("loss %g, want %g", got, want)
	}
	// A class that the training part lacks has a finite loss; targets are predicted as 0.
	d.Train.Labels = make([]uint8, samples.Len())
	if got := total(g.constantLosses()); math.IsInf(got, 0) || math.IsNaN(got) {
		t.Errorf("loss %g with a class that is absent", got)
	}
	g.samples, g.chosen = testSamples(10, 4), backend.InOrder(10)
	d.Classes, d.Train = 0, g.samples
	for i, got := range g.constantLosses() {
		if want := loss.Of(g.samples, i, make([]float64, 4)); got != want {
			t.Errorf("sample %d: loss %g, want %g", i, got, want)
		}
	}
}

// TestSameSeedSameBits: one seed has one result, and another has others.
func TestSameSeedSameBits(t *testing.T) {
	whole := planted(slopes, [2]float64{0, .5}, [2]float64{1, -.8}, [2]float64{2, 1}, [2]float64{3, .4}, [2]float64{1, .1}, [2]float64{0, .1})
	in := inputOf(t, rectifiers(slopes...), whole, 0, 3, 5, 4)
	in.Most, in.Steps = 3, 5
	once := bidAsk(t, in)
	if again := bidAsk(t, in); !reflect.DeepEqual(once, again) {
		t.Errorf("%+v and then %+v", once, again)
	}
	in.Seed++
	if other := bidAsk(t, in); reflect.DeepEqual(once, other) {
		t.Error("another seed has the same result")
	}
}

// TestFlipsOfEveryGraph compares falls of the loss without a refit with networks whose
// removed players play zero, for every kind of graph, of every player and of pairs; then it
// refits.
func TestFlipsOfEveryGraph(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		g := networktest.Build(nodes...)
		outputs := g.Outputs()
		for _, targets := range []int{0, outputs} {
			n := networktest.Random(g)
			d := &dataset.Dataset{Name: "test", Deviation: 1, Train: samplesOf(61, g.Input().Sample.Size(), outputs, targets)}
			loss := backend.Loss{}
			if targets == 0 {
				d.Classes, loss = outputs, backend.Loss{Smoothing: 0.1, ClassWeights: []float64{1, 2, 0.5, 1}[:outputs]}
			}
			live, gone := thirds(g)
			for gate, players := range gone {
				slices.Reverse(players)
				for _, i := range players {
					n.Participations[gate][i] = 1
				}
			}
			cut, err := g.Cut(live)
			if err != nil {
				t.Fatal(err)
			}
			kept, followed := cut.Of(n), make([][]int, len(live))
			for gate, players := range live {
				for _, i := range players {
					if !slices.Contains(cut.Gates[gate], i) {
						followed[gate] = append(followed[gate], i)
						n.Participations[gate][i] = 1
					}
				}
			}
			live = cut.Gates
			o := backend.EngineOptions{Batch: 7, Optimiser: backend.Optimiser{Kind: backend.AdamW, WeightDecay: 0.1}, Loss: loss}
			whole := n.Clone()
			for gate, players := range gone {
				for _, i := range players {
					whole.Participations[gate][i] = 0.25 // which a player that returns does not keep
				}
			}
			in := BidAskInput{
				Engine: engineOn(t, d, n, o, true), Data: d, Loss: loss, Batch: o.Batch, Kept: kept, Whole: whole, Live: live, Removed: gone, Followed: followed,
				Seed: 1, LearningRate: 1e-3, Repeats: 2, Most: 3,
			}
			game, err := newRealGame(in)
			if err != nil {
				t.Fatal(err)
			}
			var flips []flip
			for gate, players := range g.Widths() {
				for i := range players {
					flips = append(flips, flip{{Layer: gate, Index: i}})
					if i > 0 {
						flips = append(flips, flip{{Layer: gate, Index: i}, {Layer: 0, Index: i - 1}})
					}
				}
			}
			flips = slices.DeleteFunc(flips, func(f flip) bool { return len(f) > 1 && f[1].Index >= g.Gates[0].Players })
			falls, err := game.repeat(t.Context(), 0, flips)
			if err != nil {
				t.Fatal(err)
			}
			w := newScreen(d, loss, n.MACs(), backend.InOrder(61))
			without := wholeLoss(w, n, live)
			for k, f := range flips {
				want, got := without-wholeLoss(w, n, game.flipped(f)), 0.
				for _, fall := range falls[k] {
					got += fall / 61
				}
				// Folding rounds each weight to float32, and the logits are float32.
				if math.Abs(got-want) > 1e-5*(1+math.Abs(without)+math.Abs(want)) {
					t.Errorf("%s, %d targets, %v: the loss falls by %g, want %g", name, targets, f, got, want)
				}
			}
			in.Steps = 2
			b := bidAsk(t, in)
			if len(b.Markets) != len(g.Gates) {
				t.Errorf("%s: %d markets of %d gates", name, len(b.Markets), len(g.Gates))
			}
			for gate, m := range b.Markets {
				if len(m.Asks) != min(len(live[gate]), 3) || len(m.Bids) != min(len(gone[gate]), 3) || m.Kept+m.Removed+len(followed[gate]) != g.Gates[gate].Players {
					t.Errorf("%s, gate %d: %+v", name, gate, m)
				}
				if (m.Excess == nil) != (len(gone[gate]) == 0) || m.Excess == nil && (m.Verdict == record.Holds) != (m.Ask == nil || m.Ask.Low >= 0) {
					t.Errorf("%s, gate %d: excess %v, %s", name, gate, m.Excess, m.Verdict)
				}
			}
		}
	}
}

// TestScreening: of many kept players those with the lowest asks are measured, and of many
// removed ones the nearest and others.
func TestScreening(t *testing.T) {
	var units [][2]float64
	all := []float64{}
	for k := range 12 {
		all = append(all, float64((k*5)%12+1)/5)
		units = append(units, [2]float64{float64(k), all[k]})
	}
	for range 8 {
		units = append(units, [2]float64{-1, 0})
	}
	in := inputOf(t, rectifiers(all...), planted(all, units...), 19, 18, 17, 16, 15, 14, 13, 12)
	in.Most, in.Steps = 4, 0
	m := bidAsk(t, in).Markets[0]
	var asked, bid []int
	for _, q := range m.Asks {
		asked = append(asked, q.Index)
	}
	for _, q := range m.Bids {
		bid = append(bid, q.Index)
	}
	if want := []int{0, 5, 10, 3}; m.Screened != 12 || !slices.Equal(asked, want) { // slopes 0.2, 0.4, 0.6, 0.8
		t.Errorf("%d screened, %v asked, want %v", m.Screened, asked, want)
	}
	if len(bid) != 4 || bid[0] != 19 || bid[1] != 18 || slices.Max(bid[2:]) > 17 || bid[2] == bid[3] {
		t.Errorf("%v bid", bid)
	}
}

// complements is a network on targets max(x, 0) of which unit 0 is kept with the slope 1/2
// and two removed ones have other slopes; there is no refit.
func complements(t *testing.T, a, b float64) *record.BidAsk {
	t.Helper()
	d := rectifiers(1)
	in := inputOf(t, d, planted([]float64{1}, [2]float64{0, .5}, [2]float64{0, a}, [2]float64{0, b}), 1, 2)
	in.Steps = 0
	return bidAsk(t, in)
}

// TestGamma: where f = 1/2 + the slopes that are in, the loss is (1-f)^2 m + 0.01 with
// m = mean max(x, 0)^2, so bids are m (1/4 - (1/2 - a)^2).
func TestGamma(t *testing.T) {
	for _, c := range []struct{ a, b float64 }{{.25, .25}, {.5, .1}, {1.5, -1}, {1.2, -.8}, {.1, .8}} {
		v := func(x float64) float64 { return .25 - (.5-x)*(.5-x) }
		want := (v(c.a) + v(c.b)) / v(c.a+c.b)
		b := complements(t, c.a, c.b)
		// The noise correlates with x in the 200 samples.
		if b.LeastGamma == nil || math.Abs(*b.LeastGamma-want) > 0.15*math.Abs(want) || *b.MedianGamma != *b.LeastGamma {
			t.Errorf("%v: gamma %v, want %g", c, b.LeastGamma, want)
			continue
		}
		if (b.Bound == nil) != (want <= 0) {
			t.Errorf("%v: gamma %g, bound %v", c, *b.LeastGamma, b.Bound)
		}
		if b.Bound != nil {
			if m, want := b.Markets[0], max(b.Markets[0].Bid.High, 0)/min(1, *b.LeastGamma); math.Abs(*b.Bound-want) > 1e-12*want || m.Size != 1 {
				t.Errorf("%v: bound %g, want %g", c, *b.Bound, want)
			}
		}
	}
	if b := complements(t, 0, 0); b.LeastGamma != nil || b.Bound != nil || b.Markets[0].Bid.Mean != 0 {
		t.Errorf("players that do nothing: %+v", b)
	}
}

// TestOnePrice: where gates share a price, bids and asks by cost are compared over all.
func TestOnePrice(t *testing.T) {
	d := rectifiers(slopes...)
	n := networktest.Random(networktest.Perceptron(4, 4, 3, 1).Graph)
	in := inputOf(t, d, n, 1)
	in.Steps = 0
	free := bidAsk(t, in)
	in.Costs = []float64{2, 0.125}
	b := bidAsk(t, in)
	if len(free.Markets) != 2 || len(b.Markets) != 1 {
		t.Fatalf("%d markets and %d", len(free.Markets), len(b.Markets))
	}
	m := b.Markets[0]
	if !slices.Equal(m.Layers, []int{0, 1}) || m.Size != 3*2+3*0.125 || m.Kept != 6 || len(m.Asks) != 6 {
		t.Errorf("%+v", m)
	}
	in.PlayerCosts = game.Costs{{4, 0.5, 1, 2}, {2, 2, 2}}
	for k, q := range bidAsk(t, in).Markets[0].Asks {
		cost := in.PlayerCosts[q.Layer][q.Index]
		if want := m.Asks[k].Value / cost; math.Abs(q.Value-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s costs %g times as much as others and asks %g, want %g", q.PlayerName, cost, q.Value, want)
		}
	}
	lowest := math.Inf(1)
	for k, q := range slices.Concat(free.Markets[0].Asks, free.Markets[1].Asks) {
		want := q.Value / in.Costs[q.Layer]
		if got := m.Asks[k]; math.Abs(got.Value-want) > 1e-12*math.Abs(want) || got.PlayerName != q.PlayerName {
			t.Errorf("%s asks %g, want %g", got.PlayerName, got.Value, want)
		}
		lowest = min(lowest, want)
	}
	if k := slices.IndexFunc(m.Asks, func(q record.Quote) bool { return q.PlayerName == m.Ask.PlayerName }); math.Abs(m.Asks[k].Value-lowest) > 1e-12*math.Abs(lowest) {
		t.Errorf("%s has the lowest ask, of %g", m.Ask.PlayerName, m.Asks[k].Value)
	}
	if got, want := m.Excess.Mean, m.Bid.Mean-m.Ask.Mean; math.Abs(got-want) > 1e-12*(math.Abs(m.Bid.Mean)+math.Abs(m.Ask.Mean)) {
		t.Errorf("excess %g, want %g", got, want)
	}
	// Intervals of two markets hold together, so each is wider.
	if two := free.Markets[0].Bid; (two.High-two.Low)/2 <= (m.Bid.High - m.Bid.Low) {
		t.Errorf("the bid has %+v in one of two markets and half of %+v in one", *two, *m.Bid)
	}
}

// TestHalves: the halves are all samples, each once; one selects and the other confirms.
func TestHalves(t *testing.T) {
	in := inputOf(t, rectifiers(slopes...), planted(slopes, [2]float64{0, .5}, [2]float64{1, -.8}, [2]float64{2, 1}), 2)
	in.Steps = 0
	m := bidAsk(t, in).Markets[0]
	g, err := newRealGame(in)
	if err != nil {
		t.Fatal(err)
	}
	if all := slices.Sorted(slices.Values(slices.Concat(g.selects, g.confirms))); !slices.Equal(all, network.Indices(200)) || len(g.selects) != 100 {
		t.Errorf("%d samples select, %d confirm", len(g.selects), len(g.confirms))
	}
	falls, err := g.repeat(t.Context(), 0, []flip{{{Layer: 0, Index: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	for half, got := range map[*[]int]float64{&g.selects: m.Bids[0].Value, &g.confirms: m.Bid.Mean} {
		want := 0.
		for _, i := range *half {
			want += falls[0][i] / 100
		}
		if math.Abs(got-want) > 1e-13 { // sums of 100 losses in another order
			t.Errorf("bid %g on a half, want %g", got, want)
		}
	}
}

// listening is an engine that keeps what it is asked for.
type listening struct {
	backend.Engine
	states    []*backend.State
	stretches []backend.Stretch
}

func (e *listening) Push(s *backend.State) error {
	e.states = append(e.states, s)
	return e.Engine.Push(s)
}

func (e *listening) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	e.stretches = append(e.stretches, s)
	return e.Engine.Train(ctx, s)
}

// TestRefitsAreAlike: all refits start from the numbers of the same networks, with nothing
// of the one before, and those of a repeat have the same batches and rates.
func TestRefitsAreAlike(t *testing.T) {
	in := inputOf(t, rectifiers(slopes...), planted(slopes, [2]float64{0, .5}, [2]float64{1, -.8}, [2]float64{2, 1}), 2)
	in.Steps = 45 // more than two epochs of 20
	e := &listening{Engine: in.Engine}
	in.Engine = e
	b := bidAsk(t, in)
	if len(e.stretches) != b.Refits || len(e.states) != b.Refits+1 || b.Refits != 4+3*3 {
		t.Fatalf("%d stretches and %d states of %d refits", len(e.stretches), len(e.states), b.Refits)
	}
	first := func(refit int) []int32 { // of its repeat
		if refit < 4 {
			return e.stretches[0].Order
		}
		return e.stretches[4+(refit-4)/3*3].Order
	}
	for k, s := range e.stretches {
		if !slices.Equal(s.Order, first(k)) || !s.NoDecay || s.Steps() != 45 || len(s.Order) != 45*20 {
			t.Errorf("refit %d: %d steps on %d samples, the order of its repeat: %v", k, s.Steps(), len(s.Order), slices.Equal(s.Order, first(k)))
		}
		if s.LearningRates[0] != in.LearningRate || s.LearningRates[44] > 0.012*in.LearningRate || !slices.IsSortedFunc(s.LearningRates, func(a, b float64) int { return cmp.Compare(b, a) }) {
			t.Errorf("refit %d: rates %v", k, s.LearningRates)
		}
	}
	if slices.Equal(first(0), first(4)) || slices.Equal(first(4), first(7)) {
		t.Error("two repeats have the same order")
	}
	epoch := slices.Clone(first(0)[:400])
	if slices.Sort(epoch); !slices.Equal(epoch, backend.InOrder(400)) {
		t.Error("an epoch does not have every training sample once")
	}
	for k, s := range e.states {
		if s.First != nil || s.Steps != 0 || k == 1 && !reflect.DeepEqual(s.Network.Parameters, in.Kept.Parameters) {
			t.Errorf("state %d: %+v", k, s)
		}
	}
}

// TestBidAskErrors: what cannot be measured has an error that says why.
func TestBidAskErrors(t *testing.T) {
	d := rectifiers(slopes...)
	whole := planted(slopes, [2]float64{0, .5}, [2]float64{1, -.8}, [2]float64{2, 1})
	for says, spoil := range map[string]func(in *BidAskInput){
		"must be 2 or more, to have a variance": func(in *BidAskInput) { in.Repeats = 1 },
		"bids of a gate":                        func(in *BidAskInput) { in.Most = 1 },
		"above 0":                               func(in *BidAskInput) { in.LearningRate = math.NaN() },
		"at least 0":                            func(in *BidAskInput) { in.Steps = -1 },
		"4 or more":                             func(in *BidAskInput) { few := *d; few.Validation = testSamples(3, 1); in.Data = &few },
		"each once":                             func(in *BidAskInput) { in.Removed = [][]int{{0}} },
		"0 removed":                             func(in *BidAskInput) { in.Removed = [][]int{nil} },
		"of 0 gates":                            func(in *BidAskInput) { in.Removed = nil },
		"costs":                                 func(in *BidAskInput) { in.Costs = []float64{0} },
		"kept network":                          func(in *BidAskInput) { in.Kept = whole },
		"survivors":                             func(in *BidAskInput) { in.Live = nil },
		"lower --learning-rate":                 func(in *BidAskInput) { in.LearningRate, in.Steps = 1e30, 3 },
	} {
		in := inputOf(t, d, whole, 2)
		spoil(&in)
		if _, err := BidAsk(t.Context(), in); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BidAsk(ctx, inputOf(t, d, whole, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after the end of ctx", err)
	}
}
