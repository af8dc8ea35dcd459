package cpufallback

import (
	"context"

	"gonum.org/v1/gonum/blas"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

func (e *engine[T]) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	var progress backend.Progress
	for step, rate := range s.LearningRates {
		if err := ctx.Err(); err != nil {
			return progress, err
		}
		low := step * e.options.Batch
		order := s.Order[low:min(low+e.options.Batch, len(s.Order))]
		shrink := 1.
		if !s.NoDecay {
			shrink = e.options.Optimiser.Shrink(rate)
		}
		progress.Add(e.trainStep(order, rate, shrink, s.Track, s.Paper))
	}
	return progress, nil
}

// trainStep does one step with the given training samples.
func (e *engine[T]) trainStep(order []int32, rate, shrink float64, track bool, paper *backend.PaperMove) backend.Progress {
	e.gather(e.data.Train, order)
	e.forward(len(order))
	progress := e.loss(len(order))
	e.backward(len(order), true, track || paper != nil)
	if track {
		e.remember()
	}
	if paper != nil {
		for _, l := range e.hidden() {
			l.playPaper(paper, e.steps+1)
		}
	}
	e.update(rate, shrink)
	return progress
}

// gather copies the given samples into the batch, as the network's inputs.
func (e *engine[T]) gather(from dataset.Samples, order []int32) {
	width := from.Features
	inChunks(len(order), rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			i := int(order[b])
			row := e.batch.row(b)
			if from.Values != nil {
				for j := range row {
					row[j] = T((from.At(i*width+j) - e.data.Mean) / e.data.Deviation)
				}
			} else {
				for j, pixel := range from.Pixels[i*width : (i+1)*width] {
					row[j] = e.inputs[pixel]
				}
			}
			if from.Outputs > 0 {
				targets := e.targets.row(b)
				for k, t := range from.Targets[i*from.Outputs : (i+1)*from.Outputs] {
					targets[k] = T(t)
				}
			} else {
				e.labels[b] = from.Labels[i]
			}
		}
	})
}

// forward computes every layer for the first rows samples of the batch.
func (e *engine[T]) forward(rows int) {
	input := e.batch.top(rows)
	for _, l := range e.layers {
		output := l.output.top(rows)
		affine := output
		if l.gated {
			affine = l.affine.top(rows)
		}
		e.multiply(blas.NoTrans, blas.Trans, input, l.weight(), affine)
		bias := l.bias()
		inChunks(rows, rowsPerChunk, func(_, low, high int) {
			for b := low; b < high; b++ {
				u := affine.row(b)
				e.vectors.add(u, bias)
				if l.gated {
					e.activate(output.row(b), l.participation, u)
				}
			}
		})
		input = output
	}
}

// backward computes, of each as it is asked, the gradient of the mean loss over the
// first rows samples with respect to all weights, and mean c and mean c^2 of all
// players for this batch, where c_b = rows * dz_b * u_b and dz is the derivative
// of the mean loss with respect to z = s u.
func (e *engine[T]) backward(rows int, weights, contributions bool) {
	for i := len(e.layers) - 1; i >= 0; i-- {
		l := e.layers[i]
		if l.gated {
			e.throughGate(l, rows, contributions)
		} else {
			l.biasGradient(rows)
		}
		input := e.batch.top(rows)
		if i > 0 {
			input = e.layers[i-1].output.top(rows)
		}
		derivative := l.derivative.top(rows)
		if weights {
			e.multiply(blas.Trans, blas.NoTrans, derivative, input, l.weightOf(l.gradient))
		}
		if i > 0 {
			e.multiply(blas.NoTrans, blas.NoTrans, derivative, l.weight(), e.layers[i-1].derivative.top(rows))
		}
	}
}

// biasGradient sums the derivatives of an ungated layer over the batch.
func (l *layer[T]) biasGradient(rows int) {
	bias := l.biasOf(l.gradient)
	clear(bias)
	for b := range rows {
		for i, d := range l.derivative.row(b) {
			bias[i] += d
		}
	}
}

// playersAtATime is how many players' sums over a chunk of samples are taken at a
// time: few enough that they stay in a core's nearest cache with what they are sums
// of. No sum depends on it.
const playersAtATime = 1024

// throughGate turns the derivative with respect to the outputs into the one with
// respect to u, and sums over the batch what the players and the bias need:
// first within chunks of samples, then over the chunks in their order.
func (e *engine[T]) throughGate(l *layer[T], rows int, contributions bool) {
	inChunks(rows, rowsPerChunk, func(chunk, low, high int) {
		for from := 0; from < l.out; from += playersAtATime {
			to := min(from+playersAtATime, l.out)
			s, biasSum := l.participation[from:to], l.biasPartial.row(chunk)[from:to]
			means, squares := l.meanPartial.row(chunk)[from:to], l.squarePartial.row(chunk)[from:to]
			clear(biasSum)
			clear(means)
			clear(squares)
			derivatives, u := l.derivative.part(low, high, from, to), l.affine.part(low, high, from, to)
			switch {
			case e.activation == network.ReLU && contributions:
				e.vectors.contribute(T(rows), derivatives, u, l.out, s, biasSum, means, squares)
			case e.activation == network.ReLU:
				e.vectors.throughRectifier(derivatives, u, l.out, s, biasSum)
			default:
				for b := low; b < high; b++ {
					derivative, u := l.derivative.row(b)[from:to], l.affine.row(b)[from:to]
					throughActivation(e.activation, derivative, s, u)
					if contributions {
						contribute(T(rows), derivative, u, means, squares)
					}
					throughParticipation(derivative, s, biasSum)
				}
			}
		}
	})
	chunks := (rows + rowsPerChunk - 1) / rowsPerChunk
	e.addRows(l.biasOf(l.gradient), l.biasPartial.top(chunks))
	if contributions {
		e.addRows(l.batchMean, l.meanPartial.top(chunks))
		e.addRows(l.batchSquare, l.squarePartial.top(chunks))
		for i := range l.batchMean {
			l.batchMean[i] /= T(rows)
			l.batchSquare[i] /= T(rows)
		}
	}
}

// remember takes the contributions of the last batch into the moving averages.
func (e *engine[T]) remember() {
	e.tracked++
	weight := T(backend.ContributionWeight(e.tracked))
	for _, l := range e.hidden() {
		for i := range l.mean {
			l.mean[i] += weight * (l.batchMean[i] - l.mean[i])
			l.square[i] += weight * (l.batchSquare[i] - l.square[i])
		}
	}
}

// playPaper moves the participations of a layer once in the paper's game, with
// the gradient of the last batch, in the given step of the optimiser.
func (l *layer[T]) playPaper(move *backend.PaperMove, step int) {
	statistics := backend.Statistics{
		Participation:    convert[float64](l.participation),
		MeanContribution: convert[float64](l.batchMean),
	}
	l.measureTheta(&statistics, move.Game.Eta != 0)
	field, s := statistics.Field(move.Game), statistics.Participation
	switch move.Update {
	case backend.BestResponse:
		move.Game.Respond(field, s, move.Rate)
	case backend.AdamAscent:
		moments := game.Moments{First: convert[float64](l.firstSlope), Second: convert[float64](l.secondSlope)}
		move.Game.AscendAdam(field, s, moments, step, move.Rate)
		l.firstSlope, l.secondSlope = convert[T](moments.First), convert[T](moments.Second)
	default:
		move.Game.Ascend(field, s, move.Rate)
	}
	for i := range s {
		l.participation[i] = T(s[i])
	}
}

// measureTheta fills in what the statistics say of theta: the squared norms and,
// if asked for, the competition.
func (l *layer[T]) measureTheta(s *backend.Statistics, competition bool) {
	weight, bias := l.weight(), l.bias()
	s.SquaredNorm = make([]float64, l.out)
	inChunks(l.out, rowsPerChunk, func(_, low, high int) {
		for i := low; i < high; i++ {
			sum := float64(bias[i]) * float64(bias[i])
			for _, w := range weight.row(i) {
				sum += float64(w) * float64(w)
			}
			s.SquaredNorm[i] = sum
		}
	})
	if competition {
		s.Competition = game.Competition(weight.data, l.participation)
		for i, r := range game.Competition(bias, l.participation) {
			s.Competition[i] += r
		}
	}
}
