package evidence

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Closing is who was left in a layer before the last round's departures, what they
// were worth over the whole training part, what they played, and how the market
// cleared: Cost is what the price is a multiple of where all layers share one.
type Closing struct {
	Players        []int     `json:"players"`
	Worths         []float64 `json:"worths"`
	Participations []float64 `json:"participations"`
	Demand         int       `json:"demand"`
	Price          float64   `json:"price"`
	Cost           float64   `json:"cost,omitempty"`
}

// The number of witnesses: as many as share out witnessWork multiplications over
// the network, so that a round stays much cheaper than the training before it,
// within these bounds.
const (
	mostWitnesses   = 500
	fewestWitnesses = 64
	witnessWork     = 1 << 28
)

// Witnesses are the samples on which the loss is measured when players are put
// back: of the validation part where there is one, else of the training part,
// evenly spread over it.
type Witnesses struct {
	part    backend.Part
	loss    backend.Loss
	samples dataset.Samples
	chosen  []int          // of the samples
	inputs  blas64.General // a row a witness
}

// NewWitnesses chooses the witnesses for a network that takes so many multiplications a
// sample before the first removal.
func NewWitnesses(d *dataset.Dataset, loss backend.Loss, multiplications int) *Witnesses {
	w := &Witnesses{part: backend.ValidationPart, loss: loss}
	if d.Validation.Len() == 0 {
		w.part = backend.TrainPart
	}
	w.samples = w.part.Of(d)
	available := w.samples.Len()
	count := min(available, mostWitnesses, max(fewestWitnesses, witnessWork/multiplications))
	width := w.samples.Features
	w.inputs = newGeneral(count, width)
	for k := range count {
		i := k * available / count
		w.chosen = append(w.chosen, i)
		for j, row := 0, w.inputs.Data[k*width:]; j < width; j++ {
			row[j] = (w.samples.At(i*width+j) - d.Mean) / d.Deviation
		}
	}
	return w
}

// lossOf returns the training's loss of a witness, from the network's outputs.
func (w *Witnesses) lossOf(witness int, outputs []float64) float64 {
	return w.loss.Of(w.samples, w.chosen[witness], outputs)
}

// PutBack returns by how much the mean loss falls when each of the players in gone,
// listed by hidden layer, is put back alone into the network of the live players. All
// weights are those in whole, which has full width.
func (w *Witnesses) PutBack(whole *network.Network, live network.Survivors, gone [][]int) [][]float64 {
	small := whole.Keep(live)
	pass := w.forward(small)
	falls := make([][]float64, len(gone))
	below := network.Indices(whole.Layers[0].In)
	for l, players := range gone {
		falls[l] = make([]float64, len(players))
		if len(players) > 0 {
			layer, above := whole.Layers[l], whole.Layers[l+1]
			affine := product(pass.inputs[l],
				network.SelectMatrix(layer.Weight, layer.In, players, below), network.Select(layer.Bias, players))
			receivers := network.Indices(above.Out)
			if l+1 < len(live) {
				receivers = live[l+1]
			}
			inParallel(len(players), func(p int) {
				outgoing := make([]float64, len(receivers))
				for k, receiver := range receivers {
					outgoing[k] = float64(above.Weight[receiver*above.In+players[p]])
				}
				falls[l][p] = pass.fall(l+1, func(witness int) float64 {
					return small.Activation.At(affine.Data[witness*affine.Stride+p])
				}, outgoing)
			})
		}
		below = live[l]
	}
	return falls
}

// pass is a network's way from the witnesses to their losses.
type pass struct {
	*Witnesses
	network *network.Network
	inputs  []blas64.General // of each layer, a row a witness
	affine  []blas64.General // Wx+b of each layer
	weights [][]float64      // of each layer from the third, a row an input
	losses  []float64
}

func (w *Witnesses) forward(n *network.Network) *pass {
	p := &pass{Witnesses: w, network: n, losses: make([]float64, len(w.chosen))}
	input := w.inputs
	for l, layer := range n.Layers {
		affine := product(input, layer.Weight, layer.Bias)
		var weights []float64
		if l >= 2 { // what is put back into the first hidden layer feeds layer 1
			weights = make([]float64, len(layer.Weight))
			for i := range layer.Out {
				for j := range layer.In {
					weights[j*layer.Out+i] = float64(layer.Weight[i*layer.In+j])
				}
			}
		}
		p.inputs, p.affine, p.weights = append(p.inputs, input), append(p.affine, affine), append(p.weights, weights)
		if l == len(n.Layers)-1 {
			break
		}
		input = newGeneral(affine.Rows, affine.Cols)
		for b := range affine.Rows {
			p.activate(l, affine.Data[b*affine.Stride:][:affine.Cols], input.Data[b*input.Stride:])
		}
	}
	for b := range p.losses {
		p.losses[b] = p.lossOf(b, row(p.affine[len(p.affine)-1], b))
	}
	return p
}

// activate writes the outputs of a hidden layer for one witness, which may take the
// place of its affine part.
func (p *pass) activate(l int, affine, output []float64) {
	s := p.network.Layers[l].Participation
	if p.network.Activation == network.ReLU { // the common case, worth a loop of its own
		for i, s := range s {
			output[i] = max(float64(s)*affine[i], 0)
		}
		return
	}
	for i, s := range s {
		output[i] = p.network.Activation.At(float64(s) * affine[i])
	}
}

// fall returns by how much the mean loss falls when a further neuron feeds layer l
// with its output for each witness, through its outgoing weights. A witness for which
// the neuron is silent loses what it lost before.
func (p *pass) fall(l int, output func(witness int) float64, outgoing []float64) float64 {
	last := len(p.affine) - 1
	affine := make([][]float64, last+1) // of the layers from l on, for one witness
	for m := l; m <= last; m++ {
		affine[m] = make([]float64, p.affine[m].Cols)
	}
	total := 0.
	for b, before := range p.losses {
		a := output(b)
		if a == 0 {
			continue
		}
		for k, u := range row(p.affine[l], b) {
			affine[l][k] = u + a*outgoing[k]
		}
		for m := l; m < last; m++ {
			p.activate(m, affine[m], affine[m])
			p.next(m+1, affine[m], affine[m+1])
		}
		total += before - p.lossOf(b, affine[last])
	}
	return total / float64(len(p.losses))
}

// next writes Wx+b of layer l for one witness to z.
func (p *pass) next(l int, x, z []float64) {
	layer := p.network.Layers[l]
	for k, b := range layer.Bias {
		z[k] = float64(b)
	}
	for j, x := range x {
		if x == 0 {
			continue
		}
		for k, w := range p.weights[l][j*layer.Out:][:layer.Out] {
			z[k] += x * w
		}
	}
}

// product returns Wx+b for every row x of inputs.
func product(inputs blas64.General, weight, bias []float32) blas64.General {
	w := newGeneral(len(bias), inputs.Cols)
	for i, x := range weight {
		w.Data[i] = float64(x)
	}
	out := newGeneral(inputs.Rows, len(bias))
	for b := range out.Rows {
		for i, x := range bias {
			out.Data[b*out.Stride+i] = float64(x)
		}
	}
	multiplyByTransposed(inputs, w, out)
	return out
}

// multiplyByTransposed adds a b^T to out.
func multiplyByTransposed(a, b, out blas64.General) {
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, a, b, 1, out)
}

// newGeneral returns a matrix of zeros. A row has one number at least, as BLAS
// asks for.
func newGeneral(rows, columns int) blas64.General {
	stride := max(1, columns)
	return blas64.General{Rows: rows, Cols: columns, Stride: stride, Data: make([]float64, rows*stride)}
}

func row(m blas64.General, i int) []float64 { return m.Data[i*m.Stride:][:m.Cols] }

// inParallel does n pieces of work.
func inParallel(n int, do func(i int)) {
	var workers sync.WaitGroup
	count := min(n, runtime.GOMAXPROCS(0))
	for first := range count {
		workers.Go(func() {
			for i := first; i < n; i += count {
				do(i)
			}
		})
	}
	workers.Wait()
}
