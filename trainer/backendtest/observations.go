package backendtest

import (
	"context"
	"fmt"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// observation is what Observe has to find.
type observation struct {
	interactions  []bounded // of each gate, block by block
	means, square []bounded // of each reader
}

// observation works out in float64 loops over [network.Values] what Observe has to find
// over some training samples.
func (s *session) observation(order []int32) observation {
	p := s.forward(s.data.Train, order)
	derivative := s.target(p, order)
	g, bounds := p.Backward(derivative.values, derivative.entries)
	var o observation
	for i, gate := range p.Graph.Gates {
		e, h, first := s.effects(p, g, bounds, i), bounded{}, 0
		for _, n := range game.Blocks(gate.Players) {
			block := s.secondMoments(e, p.Rows, first, n)
			h.values, h.entries = append(h.values, block.values...), append(h.entries, block.entries...)
			first += n
		}
		o.interactions = append(o.interactions, h)
	}
	for _, n := range p.Graph.Readers() {
		from := p.Nodes[n].In[0]
		x, width := bounded{p.After[from], p.Bounds[from]}, p.Nodes[from].Shape.Size()
		o.means = append(o.means, s.firstMoments(x, p.Rows, width))
		square := bounded{}
		if width <= backend.LargestMoments {
			square = s.secondMoments(x, p.Rows, 0, width)
		}
		o.square = append(o.square, square)
	}
	return o
}

// effects returns e = s c of the players of a gate, a row a sample: the sum over the gate's
// points, and over the numbers of the player's entry, of B du u, with the derivative du of
// the mean with respect to u.
func (s *session) effects(p *network.Pass, g, bounds *network.Gradients, gate int) bounded {
	points, players := p.Graph.Gates[gate].Points, p.Graph.Gates[gate].Players
	e, batch := newBounded(p.Rows*players), float64(p.Rows)
	for _, n := range points {
		size, inner := p.Nodes[n].Shape.Size(), p.Nodes[n].Shape[1:].Size()
		// The products of a term are one for B, one for u and one for s.
		gamma := s.gamma(inner*len(points) + 3)
		for i, du := range g.Before[n] {
			u, ofU, ofDU := p.Before[n][i], p.BeforeBounds[n][i], bounds.Before[n][i]
			at := i/size*players + i%size/inner
			e.values[at] += batch * du * u
			e.entries[at] += batch * productBound(du, u, ofDU, ofU, gamma)
		}
	}
	return e
}

// productBound bounds the error of a product of operands that are within bounds, given
// that of the operations relative to the product.
func productBound(x, y, ofX, ofY, operations float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	return x*ofY + y*ofX + ofX*ofY + operations*(x+ofX)*(y+ofY)
}

// momentRoundings is how many roundings a mean over samples takes besides those of a sum:
// three of the term and, of a mean that moves from batch to batch, three a batch. The terms
// of a whole batch are more than that.
const momentRoundings = 8

// secondMoments returns E[x x^T] of n columns of x from a first on, row-major.
//
//go:norace
//go:nocheckptr
func (s *session) secondMoments(x bounded, rows, first, n int) bounded {
	m, gamma, width := newBounded(n*n), s.gamma(rows+momentRoundings), len(x.values)/rows
	for b := range rows {
		v, bounds := x.values[b*width+first:][:n], x.entries[b*width+first:][:n]
		for i := range n {
			for j := range n {
				m.values[i*n+j] += v[i] * v[j] / float64(rows)
				m.entries[i*n+j] += productBound(v[i], v[j], bounds[i], bounds[j], gamma) / float64(rows)
			}
		}
	}
	return m
}

// firstMoments returns E[x] of columns of x.
func (s *session) firstMoments(x bounded, rows, width int) bounded {
	m, gamma := newBounded(width), s.gamma(rows+momentRoundings)
	for i, v := range x.values {
		m.values[i%width] += v / float64(rows)
		m.entries[i%width] += (x.entries[i] + gamma*(math.Abs(v)+x.entries[i])) / float64(rows)
	}
	return m
}

// observe compares observations, and checks that nothing else changes.
func (s *session) observe() error { return s.overSamples(s.observeOver) }

// overSamples compares what engines observe over all training samples, of which some come
// twice, and over one, by each valuation.
func (s *session) overSamples(compare func(order []int32) error) error {
	defer func() { s.valuation = game.Effective }()
	all := append(backend.InOrder(s.data.Train.Len()), s.order()...)
	slices.Reverse(all)
	for _, s.valuation = range []game.Valuation{game.Outputs, game.Effective} {
		for _, order := range [][]int32{all, all[:1]} {
			if err := compare(order); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) observeOver(order []int32) error {
	quantity := fmt.Sprintf("observe %s of %d", s.valuation, len(order))
	return s.engines(func(reference, candidate backend.Engine) error {
		want, err := reference.Observe(context.Background(), order)
		if err != nil {
			return err
		}
		var got, again *backend.Observation
		err = s.keeps(quantity+"/nothing else", candidate, func() (err error) {
			if got, err = candidate.Observe(context.Background(), order); err == nil {
				again, err = candidate.Observe(context.Background(), order)
			}
			return err
		}, nil)
		if err != nil {
			return err
		}
		expected := s.observation(order)
		for _, o := range []*backend.Observation{got, want} {
			if len(o.Interactions) != len(expected.interactions) || len(o.Inputs) != len(expected.means) {
				return fmt.Errorf("an observation of %d gates and %d readers instead of %d and %d",
					len(o.Interactions), len(o.Inputs), len(expected.interactions), len(expected.means))
			}
		}
		check := func(name string, got, want []float64, expected bounded) {
			s.compare(quantity+"/"+name, got, want, expected.entries)
			s.compare("reference "+quantity+"/"+name, want, expected.values, expected.entries)
		}
		for i, gate := range s.start.Network.Gates {
			check(gate.Name+".interactions", slices.Concat(got.Interactions[i]...), slices.Concat(want.Interactions[i]...), expected.interactions[i])
		}
		for i, node := range s.start.Network.Readers() {
			name := s.start.Network.Nodes[node].Name
			check(name+".input mean", got.Inputs[i].Mean, want.Inputs[i].Mean, expected.means[i])
			check(name+".input square", got.Inputs[i].Square, want.Inputs[i].Square, expected.square[i])
			s.compare(quantity+"/"+name+".node", []float64{float64(got.Inputs[i].Node)}, []float64{float64(node)}, []float64{0})
		}
		first, second := numbersOf(got), numbersOf(again)
		s.compare(quantity+"/again", second, first, make([]float64, len(first)))
		return nil
	})
}

// numbersOf returns all numbers of an observation.
func numbersOf(o *backend.Observation) []float64 {
	var v []float64
	for _, h := range o.Interactions {
		v = append(v, slices.Concat(h...)...)
	}
	for _, m := range o.Inputs {
		v = append(append(v, m.Mean...), m.Square...)
	}
	return v
}

// stakes returns what players play for on interactions: participations between zero and
// one, both ends included and exact in float32, and a price a player, from half to one and a half
// of what half of the gate's players are worth.
func (s *session) stakes(all []game.Interactions) (prices, from [][]float64) {
	draw := s.stream(3)
	for _, h := range all {
		row := make([]float64, h.Players())
		for i := range row {
			row[i] = float64(float32(clip(1.5*draw.Float64() - 0.25)))
		}
		paid := make([]float64, len(row))
		worths := slices.Sorted(slices.Values(h.Worths(row)))
		for i := range paid {
			paid[i] = (0.5 + draw.Float64()) * max(0, worths[len(worths)/2])
		}
		prices, from = append(prices, paid), append(from, row)
	}
	return prices, from
}

// round observes and plays, and returns all numbers that come of it.
func (s *session) round(e backend.Engine) ([]float64, error) {
	o, err := e.Observe(context.Background(), backend.InOrder(s.data.Train.Len()))
	if err != nil {
		return nil, err
	}
	prices, from := s.stakes(o.Interactions)
	moved, err := e.Play(prices, from, 3)
	return append(numbersOf(o), slices.Concat(moved...)...), err
}

// play checks every move of one sweep on the interactions that the candidate observed
// itself, from where one sweep less leads: in a sweep each player moves once, so all
// states between its moves are known. A sweep is the first, the second, or one of many.
func (s *session) play() error {
	return s.with(s.candidate, func(candidate backend.Engine) error {
		o, err := candidate.Observe(context.Background(), backend.InOrder(s.data.Train.Len()))
		if err != nil {
			return err
		}
		prices, from := s.stakes(o.Interactions)
		play := func(sweeps int) (moved [][]float64, err error) {
			err = s.keeps(fmt.Sprintf("play/%d sweeps, nothing else", sweeps), candidate, func() (err error) {
				moved, err = candidate.Play(prices, from, sweeps)
				return err
			}, nil)
			return moved, err
		}
		for _, sweeps := range []int{1, 2, 130} {
			before, err := play(sweeps - 1)
			if err != nil {
				return err
			}
			after, err := play(sweeps)
			if err != nil {
				return err
			}
			if sweeps == 1 {
				s.playExactly("play/no sweep", before, from)
			}
			s.compareSweep(sweeps, o.Interactions, prices, before, after)
			again, err := candidate.Play(prices, from, sweeps)
			if err != nil {
				return err
			}
			s.playExactly(fmt.Sprintf("play/%d sweeps again", sweeps), again, after)
		}
		return s.playEnds(candidate, o.Interactions)
	})
}

func (s *session) playExactly(quantity string, got, want [][]float64) {
	w := slices.Concat(want...)
	s.compare(quantity, slices.Concat(got...), w, make([]float64, len(w)))
}

// compareSweep compares each move of the last of some sweeps with the best response to
// what the others played then. A device keeps the sums sum_j H_ij (1 - s_j) from move to
// move. Such a sum of n terms and its n changes in each sweep, at most H_ij each, are off by
// gamma_m of sum_j |H_ij| with m = (sweeps + 1)(n + 2) operations.
//
//go:norace
//go:nocheckptr
func (s *session) compareSweep(sweeps int, all []game.Interactions, prices, before, after [][]float64) {
	var got, want, bounds []float64
	for g, h := range all {
		first := 0
		for k, n := range game.Blocks(h.Players()) {
			played := slices.Clone(before[g][first:][:n])
			gamma := s.gamma((sweeps+1)*(n+2) + 8)
			for i := range played {
				row := h[k][i*n:][:n]
				own := (1 + game.Ridge) * row[i]
				worth, size := own, own
				for j, x := range row {
					if j != i {
						worth += x * (1 - played[j])
					}
					size += math.Abs(x)
				}
				response, bound := 0., 0. // of a dead player
				if own > 0 {
					price := prices[g][first+i]
					ratio := (worth - price) / own
					e := (gamma*size+2*s.unit*price)/own + 8*s.unit*math.Abs(ratio)
					response = clip(ratio)
					bound = max(clip(ratio+e)-response, response-clip(ratio-e))
				}
				played[i] = after[g][first+i]
				got, want, bounds = append(got, played[i]), append(want, response), append(bounds, bound)
			}
			first += n
		}
	}
	s.compare(fmt.Sprintf("play/%d sweeps", sweeps), got, want, bounds)
}

// clip returns the number between zero and one that is nearest to x.
func clip(x float64) float64 { return min(max(x, 0), 1) }

// playEnds checks what has no rounding: full participation without a price, but for dead
// players, which have none, and none at all at a price far above every worth.
func (s *session) playEnds(candidate backend.Engine, all []game.Interactions) error {
	var none, high, full, alive, gone [][]float64
	for _, h := range all {
		live := h.Own()
		none = append(none, make([]float64, len(live)))
		high = append(high, slices.Repeat([]float64{2 * slices.Max(append(h.Ceilings(), 0))}, len(live)))
		for i, own := range live {
			if own > 0 {
				live[i] = 1
			}
		}
		full, alive, gone = append(full, slices.Repeat([]float64{1}, len(live))), append(alive, live), append(gone, make([]float64, len(live)))
	}
	for _, end := range []struct {
		name   string
		prices [][]float64
		want   [][]float64
	}{{"without a price", none, alive}, {"above every worth", high, gone}} {
		moved, err := candidate.Play(end.prices, full, 1)
		if err != nil {
			return err
		}
		s.playExactly("play/"+end.name, moved, end.want)
	}
	return nil
}
