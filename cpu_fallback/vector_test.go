package cpufallback

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/random"
)

// drawNumbers returns n numbers of which a third is special: zeros of both signs,
// numbers too small to be normal, the largest, infinities and NaN.
func drawNumbers(draw *random.Stream, n int) []float32 {
	special := []float32{
		0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -0x1p-130, 0x1p-126, math.MaxFloat32, -math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	}
	v := make([]float32, n)
	for i := range v {
		if draw.Below(3) == 0 {
			v[i] = special[draw.Below(uint32(len(special)))]
		} else {
			v[i] = float32(draw.Normal() * math.Pow(2, 40*draw.Normal()))
		}
	}
	return v
}

// sameBits reports whether two slices are equal to the bit, apart from which NaN
// they hold: Go does not say which one an operation gives.
func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
	})
}

// TestVectorsGiveTheBitsOfLoops calls every method of the fastest implementation
// with slices of all lengths around those of several vectors, at all distances from
// where vectors are aligned, and compares all that it may have written with what
// plain loops write.
func TestVectorsGiveTheBitsOfLoops(t *testing.T) {
	const longest, around = 67, 9
	if vectorsOf[float32]() == vectors[float32](loops[float32]{}) {
		t.Skip("this processor has only the loops")
	}
	// Two rows in three lengths out of four, with a gap between them, else one.
	cut := func(length int) (stride, n int) {
		if gap := length % 4; gap > 0 && length > gap {
			n = (length - gap) / 2
			return length - n, n
		}
		return max(1, length), length
	}
	// keep leaves a number of float64 where there is room for the two of its halves.
	keep := func(v []float32, x float64) {
		if len(v) >= 2 {
			v[0] = float32(x)
			v[1] = float32(x - float64(v[0]))
		}
	}
	draw := random.New(1, random.Testing, 0, 0)
	for name, call := range map[string]func(v vectors[float32], a [6][]float32, x, y float32){
		"add":     func(v vectors[float32], a [6][]float32, _, _ float32) { v.add(a[0], a[1]) },
		"rectify": func(v vectors[float32], a [6][]float32, _, _ float32) { v.rectify(a[0], a[1], a[2]) },
		"throughRectifier": func(v vectors[float32], a [6][]float32, _, _ float32) {
			stride, n := cut(len(a[0]))
			v.throughRectifier(a[0], a[1], stride, a[2][:n], a[3][:n])
		},
		"contribute": func(v vectors[float32], a [6][]float32, x, _ float32) {
			stride, n := cut(len(a[0]))
			v.contribute(x, a[0], a[1], stride, a[2][:n], a[3][:n], a[4][:n], a[5][:n])
		},
		"passRectifier": func(v vectors[float32], a [6][]float32, _, _ float32) { v.passRectifier(a[0], a[1], a[2], a[3]) },
		"multiply":      func(v vectors[float32], a [6][]float32, _, _ float32) { v.multiply(a[0], a[1], a[2]) },
		"affine":        func(v vectors[float32], a [6][]float32, x, y float32) { v.affine(a[0], a[1], x, y) },
		"sum":           func(v vectors[float32], a [6][]float32, _, _ float32) { keep(a[0], v.sum(a[1])) },
		"spread":        func(v vectors[float32], a [6][]float32, x, _ float32) { keep(a[0], v.spread(a[1], float64(x))) },
		"joint": func(v vectors[float32], a [6][]float32, x, y float32) {
			sum, products := v.joint(a[1], a[2], x, y)
			keep(a[0], sum)
			keep(a[3], products)
		},
		"throughNorm": func(v vectors[float32], a [6][]float32, x, y float32) {
			v.throughNorm(a[0], a[1], a[2], x, y, 2*x, 3*y, x+y, false)
		},
		"throughNorm, added": func(v vectors[float32], a [6][]float32, x, y float32) {
			v.throughNorm(a[0], a[1], a[2], x, y, 2*x, 3*y, x+y, true)
		},
		"momentum": func(v vectors[float32], a [6][]float32, x, y float32) { v.momentum(a[0], a[1], a[2], x, y) },
		"adam":     func(v vectors[float32], a [6][]float32, x, y float32) { v.adam(a[0], a[1], a[2], a[3], x, y) },
	} {
		t.Run(name, func(t *testing.T) {
			for n := range longest + 1 {
				for start := range around {
					var whole, part, want [6][]float32
					for i := range whole {
						whole[i] = drawNumbers(draw, n+2*around)
						at := (start + 3*i) % around
						want[i] = slices.Clone(whole[i])
						part[i] = want[i][at : at+n]
					}
					scalars := drawNumbers(draw, 2)
					call(loops[float32]{}, part, scalars[0], scalars[1])
					for i := range whole {
						at := (start + 3*i) % around
						part[i] = whole[i][at : at+n]
					}
					call(vectorsOf[float32](), part, scalars[0], scalars[1])
					for i := range whole {
						if !sameBits(whole[i], want[i]) {
							t.Fatalf("%d numbers, argument %d:\n%v, the loops give\n%v", n, i, whole[i], want[i])
						}
					}
				}
			}
		})
	}
}

// TestRectifiersAtTheirKink checks every implementation on the cases that a
// maximum may get wrong.
func TestRectifiersAtTheirKink(t *testing.T) {
	negativeZero, infinity, nan := float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.NaN())
	u := []float32{1, 0, negativeZero, -1, infinity, -infinity, nan, math.SmallestNonzeroFloat32}
	want := []float32{1, 0, 0, 0, infinity, 0, nan, math.SmallestNonzeroFloat32}
	ones := slices.Repeat([]float32{1}, len(u))
	for _, v := range []vectors[float32]{loops[float32]{}, vectorsOf[float32]()} {
		output := make([]float32, len(u))
		v.rectify(output, ones, u)
		if !sameBits(output, want) {
			t.Errorf("%T: rectified %v to %v, want %v", v, u, output, want)
		}
		derivative, sum := slices.Clone(ones), slices.Repeat([]float32{negativeZero}, len(u))
		v.throughRectifier(derivative, u, len(u), ones, sum)
		passed := []float32{1, 0, 0, 0, 1, 0, 0, 1}
		if !sameBits(derivative, passed) {
			t.Errorf("%T: derivatives are %v, want %v", v, derivative, passed)
		}
		for i := range sum {
			if passed[i] == 0 && !math.Signbit(float64(sum[i])) {
				t.Errorf("%T: sum %d was touched", v, i)
			}
		}
	}
}

// TestTrainingWithLoopsGivesTheSameBits trains with the fastest implementation and
// with the loops that other processors have.
func TestTrainingWithLoopsGivesTheSameBits(t *testing.T) {
	for _, optimiser := range []backend.Optimiser{{Kind: backend.Adam}, {Kind: backend.SGD, Momentum: 0.9}} {
		train := func(v vectors[float32]) *backend.State {
			const batch = 37
			n := benchmarkNetwork(784, 30, 21, 10)
			for _, s := range n.Participations {
				for i := range s {
					s[i] = float32(i%5) / 4
				}
			}
			e, err := open[float32](gonum32{}, benchmarkData(2*batch), backend.EngineOptions{Batch: batch, Optimiser: optimiser}, &backend.State{Network: n})
			if err != nil {
				t.Fatal(err)
			}
			if v != nil {
				e.vectors = v
			}
			stretch := backend.Stretch{LearningRates: []float64{1e-2, 1e-2, 1e-2, 1e-2}}
			for i := range 4 * batch {
				stretch.Order = append(stretch.Order, int32(i%(2*batch)))
			}
			if _, err := e.Train(context.Background(), stretch); err != nil {
				t.Fatal(err)
			}
			state, err := e.Pull()
			if err != nil {
				t.Fatal(err)
			}
			return state
		}
		if !reflect.DeepEqual(train(nil), train(loops[float32]{})) {
			t.Errorf("%v: loops give other bits", optimiser.Kind)
		}
	}
}
