package backendtest

import (
	"math"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// answers is what is to be predicted of some samples: a class each, or numbers.
type answers struct {
	labels  []uint8
	targets []float64 // a row a sample
}

// answersOf returns the answers of the samples in an order.
func answersOf(samples dataset.Samples, order []int32) answers {
	var a answers
	for _, i := range order {
		if n := samples.Outputs; n > 0 {
			a.targets = append(a.targets, widen(samples.Targets[int(i)*n:int(i+1)*n])...)
		} else {
			a.labels = append(a.labels, samples.Labels[i])
		}
	}
	return a
}

// smoothed returns the part of each class in a label.
func smoothed(l backend.Loss, label, classes int) []float64 {
	q := make([]float64, classes)
	for k := range q {
		q[k] = l.Smoothing / float64(classes)
	}
	q[label] += 1 - l.Smoothing
	return q
}

// lossOf returns the loss of sample b with the given outputs, and whether its class
// comes first.
func (a answers) lossOf(l backend.Loss, b int, outputs []float64) (loss float64, correct bool) {
	if a.labels == nil {
		for k, z := range outputs {
			d := z - a.targets[b*len(outputs)+k]
			loss += d * d / float64(len(outputs))
		}
		return loss, false
	}
	label, top := int(a.labels[b]), 0
	for k, z := range outputs {
		if z > outputs[top] {
			top = k
		}
	}
	sum := 0.
	for _, z := range outputs {
		sum += math.Exp(z - outputs[top])
	}
	for k, q := range smoothed(l, label, len(outputs)) {
		loss += q * (outputs[top] - outputs[k] + math.Log(sum))
	}
	return l.Weight(label) * loss, top == label
}

// lossRoundings bounds the operations behind one loss or probability: two a
// class for its sums, and a few units each for exponential, logarithm and
// division (GPUs may be off by several).
func (s *session) lossRoundings() float64 { return 2*float64(s.Outputs) + 32 }

// ownLossBound bounds the error of a loss that a candidate works out from outputs
// of its own, relative to one more than the loss.
func (s *session) ownLossBound(loss float64) float64 {
	return s.lossRoundings() * s.unit * (1 + math.Abs(loss))
}

// lossDerivative returns the derivative of the mean loss with respect to the
// outputs, and a bound for the mean loss.
func (s *session) lossDerivative(l backend.Loss, p *network.Pass, a answers) (derivative bounded, lossBound float64) {
	derivative = newBounded(p.Rows * s.Outputs)
	outputs := outputs(p)
	for b := range p.Rows {
		low, high := b*s.Outputs, (b+1)*s.Outputs
		values, errors := derivative.values[low:high], derivative.entries[low:high]
		if a.labels == nil {
			lossBound += s.squaredErrorDerivative(outputs.values[low:high], outputs.entries[low:high], a.targets[low:high], values, errors)
		} else {
			lossBound += s.crossEntropyDerivative(l, int(a.labels[b]), outputs.values[low:high], outputs.entries[low:high], values, errors)
		}
	}
	n := float64(p.Rows)
	for i := range derivative.values {
		derivative.values[i] /= n
		derivative.entries[i] = derivative.entries[i]/n + 2*s.unit*math.Abs(derivative.values[i])
	}
	return derivative, lossBound / n
}

// outputDerivative is the derivative of one output of each sample, drawn by its place
// in the pass, less the mean of them in classification and times the root of 2 in
// regression, over the number of samples.
func (s *session) outputDerivative(p *network.Pass) bounded {
	derivative := newBounded(p.Rows * s.Outputs)
	share := 1 / float64(p.Rows)
	for b := range p.Rows {
		const bits = 1 << 32 // of a number without a sign, whose products are taken modulo it
		x := uint64(b)
		x = (x ^ x>>16) * 0x21f0aaad % bits
		x = (x ^ x>>15) * 0xd35a2d97 % bits
		drawn := int((x ^ x>>15) % uint64(s.Outputs))
		for k := range s.Outputs {
			d := 0.
			switch {
			case s.Regression && k == drawn:
				d = math.Sqrt2
			case s.Regression:
			case k == drawn:
				d = 1 - 1/float64(s.Outputs)
			default:
				d = -1 / float64(s.Outputs)
			}
			at := b*s.Outputs + k
			derivative.values[at], derivative.entries[at] = share*d, 4*s.unit*math.Abs(share*d)
		}
	}
	return derivative
}

// crossEntropyDerivative writes the derivative of a sample's loss with respect to
// logits that are known to within entries, with its bounds, and bounds the loss.
func (s *session) crossEntropyDerivative(l backend.Loss, label int, logits, entries, values, errors []float64) (lossBound float64) {
	worst, spread := 0., 0.
	top, sum := logits[0], 0.
	for k, z := range logits {
		worst = max(worst, entries[k])
		top = max(top, z)
	}
	for _, z := range logits {
		sum += math.Exp(z - top)
		spread = max(spread, top-z)
	}
	// An exponent of size x is off by x u, and so is the exponential.
	relative := math.Expm1(2*worst) + (s.lossRoundings()+4*spread)*s.unit
	weight := l.Weight(label)
	for k, q := range smoothed(l, label, len(logits)) {
		probability := math.Exp(logits[k]-top) / sum
		values[k] = weight * (probability - q)
		errors[k] = weight * (probability*relative + 8*s.unit*(probability+q))
	}
	return weight * (2*worst + (s.lossRoundings()+spread)*s.unit*(1+spread))
}

// squaredErrorDerivative does the same for predictions.
func (s *session) squaredErrorDerivative(predictions, entries, targets, values, errors []float64) (lossBound float64) {
	n := float64(len(predictions))
	for k, z := range predictions {
		d := z - targets[k]
		e := entries[k] + s.unit*(math.Abs(z)+math.Abs(targets[k])+entries[k])
		values[k] = 2 * d / n
		errors[k] = 2*e/n + 4*s.unit*math.Abs(values[k])
		lossBound += (2*math.Abs(d)*e + e*e + s.gamma(len(predictions)+3)*(math.Abs(d)+e)*(math.Abs(d)+e)) / n
	}
	return lossBound
}
