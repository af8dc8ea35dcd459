package network

import (
	"fmt"
	"math"
)

// The kinds of [MaxPool] and [AveragePool].
const (
	MaxPoolKind     Kind = "max-pool"
	AveragePoolKind Kind = "average-pool"
)

// MaxPool takes the largest number of each channel in a window. What lies outside the
// input is never taken.
type MaxPool struct{ Window }

// AveragePool takes the mean of each channel in a window. Padding counts as zeros.
type AveragePool struct {
	Window
	// Global makes the whole input the one window, whatever its size.
	Global bool `json:"global,omitzero"`
}

func (*MaxPool) Kind() Kind     { return MaxPoolKind }
func (*AveragePool) Kind() Kind { return AveragePoolKind }

func (*MaxPool) Ties(in []Shape, _ Shape) []Tie     { return sameChannels(in[0]) }
func (*AveragePool) Ties(in []Shape, _ Shape) []Tie { return sameChannels(in[0]) }

// sameChannels ties the channels of the input to those of the output.
func sameChannels(in Shape) []Tie { return []Tie{same(Axis{0, 0}, Axis{Output, 0}, in[0])} }

func (*MaxPool) MACs([]Shape, Shape) int     { return 0 }
func (*AveragePool) MACs([]Shape, Shape) int { return 0 }

func (o *MaxPool) Cut([]Shape, [][]int, []int) Op     { return o }
func (o *AveragePool) Cut([]Shape, [][]int, []int) Op { return o }

func (o *MaxPool) Infer(in []Shape) (Shape, []ParamSpec, error) {
	out, err := o.slide("a max pool", in)
	return out, nil, err
}

func (o *AveragePool) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if o.Global && (len(in) != 1 || len(in[0]) != 3) {
		return nil, nil, fmt.Errorf("an average pool takes one input of channels, height and width, it has %v", in)
	}
	window := o.Window
	if o.Global {
		if window != (Window{}) {
			return nil, nil, fmt.Errorf("it is global and has a window of %dx%d; it must have one of both", window.Kernel[0], window.Kernel[1])
		}
		window = o.Over(in[0])
	}
	out, err := window.slide("an average pool", in)
	return out, nil, err
}

// Over returns the window for an input of a shape.
func (o *AveragePool) Over(in Shape) Window {
	if !o.Global {
		return o.Window
	}
	return Window{Kernel: [2]int{in[1], in[2]}, Stride: [2]int{1, 1}}
}

// Each calls visit for every output of a window with the places of its inputs.
func (w Window) Each(in, out Shape, visit func(e int, inputs []int)) {
	inputs := make([]int, 0, w.Kernel[0]*w.Kernel[1])
	e := 0
	for c := range out[0] {
		for y := range out[1] {
			for x := range out[2] {
				inputs = inputs[:0]
				for p := range w.Kernel[0] {
					row := y*w.Stride[0] - w.Padding[0] + p
					if row < 0 || row >= in[1] {
						continue
					}
					for q := range w.Kernel[1] {
						if column := x*w.Stride[1] - w.Padding[1] + q; column >= 0 && column < in[2] {
							inputs = append(inputs, (c*in[1]+row)*in[2]+column)
						}
					}
				}
				visit(e, inputs)
				e++
			}
		}
	}
}

// Largest returns which of some inputs is largest: the first of equal ones, or the first
// that is no number.
func Largest[T float32 | float64](v []T, inputs []int) int {
	best := inputs[0]
	for _, i := range inputs[1:] {
		if v[i] > v[best] || v[i] != v[i] && v[best] == v[best] {
			best = i
		}
	}
	return best
}

// Forward is exact. Where inputs are so near that their errors decide between them, the
// result is off by the largest error at most.
func (o *MaxPool) Forward(x Operands) {
	o.Each(x.InShapes[0], x.OutShape, func(e int, inputs []int) {
		x.Out[e] = x.In[0][Largest(x.In[0], inputs)]
		if x.OutBounds != nil {
			x.OutBounds[e] = 0
			for _, i := range inputs {
				x.OutBounds[e] = max(x.OutBounds[e], x.InBounds[0][i])
			}
		}
	})
}

// Backward passes a derivative to the largest input. Where another may be the largest
// within the errors, either may have all of it.
func (o *MaxPool) Backward(x Operands, g Derivatives) {
	clear(g.In[0])
	if g.OutBounds != nil {
		clear(g.InBounds[0])
	}
	windows := Roundings((o.Kernel[0]-1)/o.Stride[0]+1+(o.Kernel[1]-1)/o.Stride[1], x.Unit)
	o.Each(x.InShapes[0], x.OutShape, func(e int, inputs []int) {
		best, d := Largest(x.In[0], inputs), g.Out[e]
		g.In[0][best] += d
		if g.OutBounds == nil {
			return
		}
		for _, i := range inputs {
			within := x.In[0][best]-x.In[0][i] <= x.InBounds[0][best]+x.InBounds[0][i]
			switch {
			case i == best:
				g.InBounds[0][i] += g.OutBounds[e] + windows*(math.Abs(d)+g.OutBounds[e])
			case within:
				g.InBounds[0][i] += math.Abs(d) + g.OutBounds[e]
			}
			if i != best && within {
				g.InBounds[0][best] += math.Abs(d)
			}
		}
	})
}

func (o *AveragePool) Forward(x Operands) {
	w := o.Over(x.InShapes[0])
	size := float64(w.Kernel[0] * w.Kernel[1])
	gamma := Roundings(w.Kernel[0]*w.Kernel[1]+1, x.Unit)
	w.Each(x.InShapes[0], x.OutShape, func(e int, inputs []int) {
		sum, magnitude, inherited := 0., 0., 0.
		for _, i := range inputs {
			sum += x.In[0][i]
			if x.OutBounds != nil {
				magnitude += math.Abs(x.In[0][i])
				inherited += x.InBounds[0][i]
			}
		}
		x.Out[e] = sum / size
		if x.OutBounds != nil {
			x.OutBounds[e] = (inherited + gamma*(magnitude+inherited)) / size
		}
	})
}

func (o *AveragePool) Backward(x Operands, g Derivatives) {
	clear(g.In[0])
	if g.OutBounds != nil {
		clear(g.InBounds[0])
	}
	w := o.Over(x.InShapes[0])
	size := float64(w.Kernel[0] * w.Kernel[1])
	// An input lies in at most a window for each place of the kernel.
	gamma := Roundings(w.Kernel[0]*w.Kernel[1]+1, x.Unit)
	w.Each(x.InShapes[0], x.OutShape, func(e int, inputs []int) {
		for _, i := range inputs {
			g.In[0][i] += g.Out[e] / size
			if g.OutBounds != nil {
				g.InBounds[0][i] += (g.OutBounds[e] + gamma*(math.Abs(g.Out[e])+g.OutBounds[e])) / size
			}
		}
	})
}
