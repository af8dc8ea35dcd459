package backendtest

import (
	"math"

	"nashprune/trainer/backend"
)

// Moments and parameters after an update, as textbooks have it and with the
// textbooks' constants, from gradients that are known to within their bounds.

// updated is what a step makes of one number, each with a bound.
type updated struct{ w, first, second, wBound, firstBound, secondBound float64 }

// clip scales all gradients together to the length that the optimiser allows.
func (s *session) clip(all []bounded) {
	longest := s.Optimiser.ClipNorm
	if longest == 0 {
		return
	}
	length, uncertain, numbers := 0., 0., 0
	for _, part := range all {
		for i, x := range part.values {
			length += x * x
			uncertain += part.entries[i] * part.entries[i]
			numbers++
		}
	}
	length, uncertain = math.Sqrt(length), math.Sqrt(uncertain)
	if length == 0 {
		return
	}
	// The square root halves the roundings of a sum of squares, and of the gradient's
	// errors no length is off by more than their own.
	relative := uncertain/length + s.gamma(numbers+8)
	scale := min(1, longest/length)
	bound := 0.
	if longest < length*(1+2*relative) {
		bound = scale * 2 * relative
	}
	for _, part := range all {
		for i, x := range part.values {
			part.values[i] = scale * x
			part.entries[i] = scale*part.entries[i] + bound*(math.Abs(x)+part.entries[i]) + s.unit*math.Abs(scale*x)
		}
	}
}

// update returns what one step makes of a number with a gradient g that is known to
// within e, and its moments m and v. Weights decay, biases do not.
func (s *session) update(decays bool, w, g, e, m, v float64) updated {
	o, u := s.Optimiser, s.unit
	rate, step := s.LearningRate, float64(s.start.Steps+1)
	abs := math.Abs
	var r updated
	drift := u * abs(w) // of the parameter, before the move is taken off
	if decays && o.Kind == backend.AdamW {
		w *= 1 - rate*o.WeightDecay
		drift += 2 * u * abs(w)
	} else if decays {
		e += 2 * u * (abs(g) + abs(o.WeightDecay*w))
		g += o.WeightDecay * w
	}
	// towards moves by a part of the way to a new value. 1 - memory is itself off by
	// u relative to one, not to itself.
	towards := func(old, new, newBound, memory float64) (value, bound float64) {
		return memory*old + (1-memory)*new, (1-memory)*newBound + 8*u*(abs(old)+abs(new))
	}
	// over divides by the root of a second moment.
	over := func(x, xBound, square, squareBound float64) (value, bound float64) {
		root := math.Sqrt(square)
		rootBound := math.Sqrt(squareBound)
		if square > 2*squareBound {
			rootBound = squareBound / root
		}
		rootBound += 4 * u * root
		return x / (root + 1e-8), 2 * ((xBound+8*u*abs(x))/root + abs(x)*rootBound/(root*root))
	}
	var move, moveBound float64
	switch o.Kind {
	case backend.SGD:
		r.first = o.Momentum*m + g
		r.firstBound = e + 2*u*(abs(o.Momentum*m)+abs(g))
		move, moveBound = r.first, r.firstBound
		move, moveBound = rate*move, rate*(moveBound+2*u*abs(move))
	case backend.RMSProp:
		r.second, r.secondBound = towards(v, g*g, 2*abs(g)*e+e*e, 0.99)
		part, partBound := over(g, e, r.second, r.secondBound)
		r.first = o.Momentum*m + part
		r.firstBound = partBound + 2*u*(abs(o.Momentum*m)+abs(part))
		move, moveBound = rate*r.first, rate*(r.firstBound+2*u*abs(r.first))
	default:
		r.first, r.firstBound = towards(m, g, e, 0.9)
		r.second, r.secondBound = towards(v, g*g, 2*abs(g)*e+e*e, 0.999)
		firstScale, secondScale := 1/(1-math.Pow(0.9, step)), 1/(1-math.Pow(0.999, step))
		part, partBound := over(firstScale*r.first, firstScale*r.firstBound, secondScale*r.second, secondScale*r.secondBound)
		move, moveBound = rate*part, rate*partBound
	}
	r.w, r.wBound = w-move, drift+moveBound+u*abs(move)
	return r
}

// updates works out the moments and the numbers of a parameter after the update.
func (s *session) updates(p int, gradient bounded, note func(name string, values, entries []float64)) {
	state, param := s.start, s.start.Network.Graph.Params[p]
	count := len(gradient.values)
	w, first, second := newBounded(count), newBounded(count), newBounded(count)
	for i, x := range gradient.values {
		if s.isGone(p, i) { // and stays exactly where it is, at zero
			continue
		}
		v := 0.
		if state.Second != nil {
			v = float64(state.Second[p][i])
		}
		r := s.update(param.Weight, float64(state.Network.Parameters[p][i]), x, gradient.entries[i], float64(state.First[p][i]), v)
		w.values[i], w.entries[i] = r.w, r.wBound
		first.values[i], first.entries[i] = r.first, r.firstBound
		second.values[i], second.entries[i] = r.second, r.secondBound
	}
	note(param.Name, w.values, w.entries)
	note("first."+param.Name, first.values, first.entries)
	if s.Optimiser.Kind.HasSecond() {
		note("second."+param.Name, second.values, second.entries)
	}
}
