package cpufallback

import (
	"math"

	"nashprune/trainer/backend"
)

// loss computes the loss of each of the first rows samples, sums it up, and leaves
// the derivative of its mean with respect to the outputs.
func (e *engine[T]) loss(rows int) backend.Progress {
	progress := backend.Progress{Steps: 1, Samples: rows}
	for b := range rows {
		loss, correct := e.sampleLoss(b, e.options.Loss, 1/T(rows))
		progress.Loss += float64(loss)
		if correct {
			progress.Correct++
		}
	}
	return progress
}

// outputSample leaves the derivative of the mean output sample of the first rows samples
// of the batch, the first of which has the given place in the pass, in the output.
func (e *engine[T]) outputSample(first, rows int) {
	sample := backend.NewOutputSample(e.graph.Outputs(), e.data.Regression())
	share := 1 / float64(rows)
	for b := range rows {
		derivative := e.output.derivative.row(b)
		for k := range derivative {
			derivative[k] = T(share * sample.Others)
		}
		derivative[sample.At(first+b)] = T(share * sample.Own)
	}
}

// lossOf returns the loss of sample b of the batch, and whether its class has the
// largest logit. It leaves the derivative of the loss times scale.
func (e *engine[T]) sampleLoss(b int, l backend.Loss, scale T) (loss T, correct bool) {
	outputs, derivative := e.output.values.row(b), e.output.derivative.row(b)
	if e.data.Regression() {
		return squaredError(outputs, e.targets.row(b), derivative, scale), false
	}
	label := int(e.labels[b])
	weight := T(l.Weight(label))
	loss, correct = crossEntropy(outputs, label, T(l.Smoothing), derivative, scale*weight)
	return weight * loss, correct
}

// crossEntropy returns the cross-entropy of softmax(logits) with a label of which
// the fraction smoothing is spread over all classes, and whether the label has the
// largest logit (the first of equals counts). It writes the derivative with respect
// to the logits, times scale.
func crossEntropy[T real](logits []T, label int, smoothing T, derivative []T, scale T) (loss T, correct bool) {
	top := 0
	for k, z := range logits {
		if z > logits[top] {
			top = k
		}
	}
	var sum, below T // below: how far the logits are under the largest, summed
	for k, z := range logits {
		p := T(math.Exp(float64(z - logits[top])))
		derivative[k] = p
		sum += p
		below += logits[top] - z
	}
	share := smoothing / T(len(logits))
	for k := range derivative {
		derivative[k] *= scale / sum
		if smoothing > 0 {
			derivative[k] -= scale * share
		}
	}
	derivative[label] -= scale * (1 - smoothing)
	loss = logits[top] - logits[label]
	if smoothing > 0 {
		loss = (1-smoothing)*loss + share*below
	}
	return loss + T(math.Log(float64(sum))), top == label
}

// squaredError returns the mean of the squared differences between outputs and
// targets. It writes the derivative with respect to the outputs, times scale.
func squaredError[T real](outputs, targets, derivative []T, scale T) T {
	var sum T
	n := T(len(outputs))
	for k, z := range outputs {
		d := z - targets[k]
		sum += d * d
		derivative[k] = 2 * scale / n * d
	}
	return sum / n
}
