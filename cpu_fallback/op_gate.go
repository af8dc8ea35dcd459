package cpufallback

import "nashprune/trainer/network"

// gateStage is the gate of a node other than a dense layer or the inputs, with the
// activation that follows it, if one does: activation(s u), where each s multiplies the
// numbers of one channel.
type gateStage[T real] struct {
	engine   *engine[T]
	in, out  *tensor[T] // u and what is left of it
	gate     *gate[T]
	function network.Activation
	inner    int // numbers of a channel

	participations []T // one for each number of a sample
}

func newGate[T real](e *engine[T], at place[T], take taker[T]) stage[T] {
	s := &gateStage[T]{engine: e, in: at.in[0], out: at.out, gate: at.gate, function: identity, inner: at.to[1:].Size()}
	if at.Activation >= 0 {
		s.function = e.graph.Nodes[at.Activation].Op.(*network.Activate).Function
	}
	s.participations = take(at.to.Size())
	return s
}

func (s *gateStage[T]) output() *tensor[T] { return s.out }

func (s *gateStage[T]) forward(rows int) {
	for i := range s.participations {
		s.participations[i] = s.gate.participation[i/s.inner]
	}
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			activate(s.engine.vectors, s.function, s.out.values.row(b), s.participations, s.in.values.row(b))
		}
	})
}

// backward leaves the derivative with respect to u, and mean c and mean c^2 of the players,
// where c_b is rows times the sum of dz u over the numbers of a channel.
func (s *gateStage[T]) backward(rows int, ask ask) {
	e, g := s.engine, s.gate
	s.in.written = true
	if !ask.contributions && (s.function == network.ReLU || s.function == identity) {
		inChunks(rows, rowsPerChunk, func(_, low, high int) {
			for b := low; b < high; b++ {
				to, d := s.in.derivative.row(b), s.out.derivative.row(b)
				if s.function == identity {
					e.vectors.multiply(to, s.participations, d)
				} else {
					e.vectors.passRectifier(to, d, s.participations, s.in.values.row(b))
				}
			}
		})
		return
	}
	inChunks(rows, rowsPerChunk, func(chunk, low, high int) {
		means, squares := g.meanPartial.row(chunk), g.squarePartial.row(chunk)
		if ask.contributions && g.points == 1 {
			clear(means)
			clear(squares)
		}
		for b := low; b < high; b++ {
			d, u := s.in.derivative.row(b), s.in.values.row(b)
			copy(d, s.out.derivative.row(b))
			throughActivation(s.function, d, s.participations, u)
			for player, participation := range g.participation {
				d, u := d[player*s.inner:][:s.inner], u[player*s.inner:][:s.inner]
				var c T
				for i, dz := range d {
					if dz != 0 { // u may be infinite where the rectifier is closed
						c += T(dz * u[i])
						d[i] = participation * dz
					}
				}
				switch c *= T(rows); {
				case !ask.contributions:
				case g.points == 1:
					means[player] += c
					squares[player] += T(c * c)
				case g.added == 0:
					g.contributions.row(b)[player] = c
				default:
					g.contributions.row(b)[player] += c
				}
			}
		}
	})
	switch {
	case !ask.contributions:
	case g.points == 1:
		e.average(g, rows)
	default:
		e.endPoint(g, rows)
	}
}

func (s *gateStage[T]) gated() *gate[T] { return s.gate }

func (s *gateStage[T]) act(rows int, effects matrix[T]) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			into, u := effects.row(b), s.in.values.row(b)
			for i, du := range s.in.derivative.row(b) {
				if du != 0 {
					into[i/s.inner] += T(rows) * du * u[i]
				}
			}
		}
	})
}
