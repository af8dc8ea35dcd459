package cpufallback

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// convCase is a convolution of odd shape.
type convCase struct {
	from   network.Shape
	op     network.Conv2D
	rows   int
	others bool // another stage added to the derivative of the inputs before
}

func convCases() []convCase {
	square, biased := network.Square, true
	return []convCase{
		{network.Shape{1, 28, 28}, network.Conv2D{Out: 4, Window: square(5, 1, 0), Bias: biased}, 33, false},
		{network.Shape{3, 9, 7}, network.Conv2D{Out: 5, Window: square(3, 1, 1)}, 16, true},
		{network.Shape{2, 5, 17}, network.Conv2D{Out: 1, Window: square(4, 3, 2), Bias: biased}, 25, false},
		{network.Shape{7, 4, 4}, network.Conv2D{Out: 11, Window: square(3, 2, 1)}, 20, true},
		{network.Shape{5, 8, 8}, network.Conv2D{Out: 6, Window: square(1, 2, 0)}, 130, true},
		{network.Shape{5, 3, 1}, network.Conv2D{Out: 3, Window: square(1, 1, 0), Bias: biased}, 31, false},
		{network.Shape{6, 6, 5}, network.Conv2D{Out: 9, Window: square(3, 1, 1), Groups: 3, Bias: biased}, 19, true},
		{network.Shape{7, 6, 6}, network.Conv2D{Out: 14, Window: square(3, 2, 1), Depthwise: true}, 17, false},
		{network.Shape{2, 6, 11}, network.Conv2D{Out: 3, Window: network.Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 4}, Padding: [2]int{0, 1}}}, 24, true},
		{network.Shape{2, 11, 6}, network.Conv2D{Out: 3, Window: network.Window{Kernel: [2]int{1, 5}, Stride: [2]int{5, 1}, Padding: [2]int{0, 4}}}, 24, false},
		{network.Shape{3, 2, 2}, network.Conv2D{Out: 2, Window: square(2, 1, 0)}, 16, false},
		{network.Shape{3, 6, 6}, network.Conv2D{Out: 2, Window: square(3, 1, 1), Bias: biased}, 3, true}, // so few have columns
		{network.Shape{0, 6, 6}, network.Conv2D{Out: 2, Window: square(3, 1, 1), Bias: biased}, 16, false},
	}
}

// newConvStage returns a convolution with numbers drawn for its tensors. All memory that it
// shares with others holds NaN, which is seen where it is read before it is written.
func newConvStage(t testing.TB, c convCase, k kernels[float32]) *conv2DStage[float32] {
	t.Helper()
	to, params, err := c.op.Infer([]network.Shape{c.from})
	if err != nil {
		t.Fatal(err)
	}
	draw := random.New(1, random.Testing, 0, 0)
	drawn := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(draw.Normal())
		}
		return v
	}
	g := &group[float32]{}
	for _, p := range params {
		g.params = append(g.params, network.Param{ParamSpec: p})
	}
	g.trained = g.size()
	g.parameters, g.gradient = drawn(g.size()), drawn(g.size())
	tensorOf := func(shape network.Shape) *tensor[float32] {
		n := shape.Size()
		return &tensor[float32]{values: matrix[float32]{c.rows, n, drawn(c.rows * n)}, derivative: matrix[float32]{c.rows, n, drawn(c.rows * n)}}
	}
	e := &engine[float32]{vectors: vectorsOf[float32](), products: gonum32{}, kernels: k, groups: []*group[float32]{g}}
	at := place[float32]{op: &c.op, from: []network.Shape{c.from}, to: to, in: []*tensor[float32]{tensorOf(c.from)}, out: tensorOf(to)}
	at.in[0].written = c.others
	s := newConv2D(e, at, nil).(*conv2DStage[float32])
	take := func(n int) []float32 { return slices.Repeat([]float32{float32(math.NaN())}, n) }
	e.images.lay(take, take)
	return s
}

// sum is a sum of products with the sum of their magnitudes.
type sum struct{ value, size float64 }

func (s *sum) add(x float64) {
	s.value += x
	s.size += math.Abs(x)
}

// TestConvolutions compares outputs and gradients with plain sums in float64, with all
// kernels and with columns.
func TestConvolutions(t *testing.T) {
	for _, k := range append(allKernels[float32](), nil) {
		for _, c := range convCases() {
			t.Run(fmt.Sprintf("%T/%v to %d, %d rows", k, c.from, c.op.Out, c.rows), func(t *testing.T) { checkConvolution(t, newConvStage(t, c, k), c) })
		}
	}
}

func checkConvolution(t *testing.T, s *conv2DStage[float32], c convCase) {
	before := slices.Clone(s.in.derivative.data)
	s.forward(c.rows)
	s.backward(c.rows, ask{weights: true})

	x, dx, d := s.in.values.data, make([]sum, len(s.in.derivative.data)), s.out.derivative.data
	output, gradient := make([]sum, len(s.out.values.data)), make([]sum, s.group.trained)
	if c.others {
		for i, v := range before {
			dx[i].add(float64(v))
		}
	}
	w, channels, filters := c.op.Window, c.from[0]/s.groups, s.to[0]/s.groups
	for b := range c.rows {
		for f := range s.to[0] {
			for y := range s.to[1] {
				for x0 := range s.to[2] {
					o := ((b*s.to[0]+f)*s.to[1]+y)*s.to[2] + x0
					if c.op.Bias {
						output[o].add(float64(s.group.bias(s.group.parameters)[f]))
						gradient[s.to[0]*s.terms+f].add(float64(d[o]))
					}
					for t := range s.terms {
						channel, p, q := f/filters*channels+t/(w.Kernel[0]*w.Kernel[1]), t/w.Kernel[1]%w.Kernel[0], t%w.Kernel[1]
						line, column := y*w.Stride[0]-w.Padding[0]+p, x0*w.Stride[1]-w.Padding[1]+q
						if line < 0 || line >= c.from[1] || column < 0 || column >= c.from[2] {
							continue
						}
						i := ((b*c.from[0]+channel)*c.from[1]+line)*c.from[2] + column
						weight := float64(s.group.parameters[f*s.terms+t])
						output[o].add(weight * float64(x[i]))
						dx[i].add(weight * float64(d[o]))
						gradient[f*s.terms+t].add(float64(d[o]) * float64(x[i]))
					}
				}
			}
		}
	}
	area := w.Kernel[0] * w.Kernel[1]
	for _, check := range []struct {
		name  string
		terms int
		want  []sum
		have  []float32
	}{
		{"output", s.terms + 1, output, s.out.values.data},
		{"derivative of inputs", filters*area + 1, dx, s.in.derivative.data},
		{"gradient", c.rows * s.positions(), gradient, s.group.gradient},
	} {
		for i, want := range check.want {
			bound := float64(check.terms+1) * 0x1p-24 * want.size
			if difference := math.Abs(float64(check.have[i]) - want.value); !(difference <= bound) {
				t.Fatalf("%s %d is %g, want %g within %g", check.name, i, check.have[i], want.value, bound)
			}
		}
	}
}

// TestConvolutionsGiveTheSameBitsWithAnyNumberOfProcessors takes batches of more than one
// chunk.
func TestConvolutionsGiveTheSameBitsWithAnyNumberOfProcessors(t *testing.T) {
	c := convCase{network.Shape{3, 9, 7}, network.Conv2D{Out: 5, Window: network.Square(3, 2, 1), Bias: true}, 150, false}
	run := func(processors int) [][]float32 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		s := newConvStage(t, c, kernelsOf[float32]())
		s.forward(c.rows)
		s.backward(c.rows, ask{weights: true})
		return [][]float32{s.out.values.data, s.in.derivative.data, s.group.gradient}
	}
	want := run(1)
	for _, processors := range []int{2, 5} {
		for i, have := range run(processors) {
			if !slices.Equal(have, want[i]) {
				t.Errorf("%d processors give other bits than one", processors)
			}
		}
	}
}

// TestKernelsGiveTheSameBits: sums of outputs and of derivatives have one order with any number
// of lanes.
func TestKernelsGiveTheSameBits(t *testing.T) {
	for _, c := range convCases() {
		var want *conv2DStage[float32]
		for _, k := range allKernels[float32]() {
			s := newConvStage(t, c, k)
			if !s.isDirect(c.rows) {
				continue
			}
			s.forward(c.rows)
			s.backward(c.rows, ask{weights: true})
			if want == nil {
				want = s
			}
			if !slices.Equal(s.out.values.data, want.out.values.data) || !slices.Equal(s.in.derivative.data, want.in.derivative.data) {
				t.Errorf("%v to %d: %T gives other bits than %T", c.from, c.op.Out, k, want.direct.kernels)
			}
		}
	}
}

// BenchmarkConvolutions times a step of convolutions of a batch of 128, with each set of
// kernels and with columns.
func BenchmarkConvolutions(b *testing.B) {
	square := network.Square
	for name, c := range map[string]convCase{
		"16x32x32 to 16":        {from: network.Shape{16, 32, 32}, op: network.Conv2D{Out: 16, Window: square(3, 1, 1)}},
		"64x8x8 to 64":          {from: network.Shape{64, 8, 8}, op: network.Conv2D{Out: 64, Window: square(3, 1, 1)}},
		"32x16x16 to 64 by 1x1": {from: network.Shape{32, 16, 16}, op: network.Conv2D{Out: 64, Window: square(1, 1, 0)}},
		"1x28x28 to 4":          {from: network.Shape{1, 28, 28}, op: network.Conv2D{Out: 4, Window: square(5, 1, 0)}},
		"4x12x12 to 11":         {from: network.Shape{4, 12, 12}, op: network.Conv2D{Out: 11, Window: square(5, 1, 0)}},
		"32x16x16 depthwise":    {from: network.Shape{32, 16, 16}, op: network.Conv2D{Out: 32, Window: square(3, 1, 1), Depthwise: true}},
	} {
		for _, k := range append(allKernels[float32](), nil) {
			b.Run(fmt.Sprintf("%s/%T", name, k), func(b *testing.B) {
				c.rows = 128
				s := newConvStage(b, c, k)
				if found, err := findOpenBLAS(); err == nil {
					s.engine.products = found
				}
				for b.Loop() {
					s.in.written = false
					s.forward(c.rows)
					s.backward(c.rows, ask{weights: true})
				}
			})
		}
	}
}
