package cpufallback

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// allKernels returns the kernels in T that this processor has, the fastest first.
func allKernels[T real]() []kernels[T] {
	var all []kernels[T]
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return nil
	}
	if k, ok := any(kernels512{}).(kernels[T]); ok && cpu.X86.HasAVX512F {
		all = append(all, k)
	}
	if k, ok := any(kernels256{}).(kernels[T]); ok {
		all = append(all, k)
	}
	return all
}

// kernels256 compute in AVX2 with FMA, kernels512 in AVX-512. Both bring samples to lanes
// with AVX2, eight at a time.
type (
	kernels256 struct{}
	kernels512 struct{}
)

func (kernels256) lanes() int { return 8 }
func (kernels512) lanes() int { return 16 }

func (kernels256) places() int { return 3 }
func (kernels512) places() int { return 6 }

func (k kernels256) toLanes(to, from []float32, samples, stride, lines, width, toLine, fromLine int) {
	toLanes(to, from, samples, stride, lines, width, toLine, fromLine, k.lanes())
}

func (k kernels512) toLanes(to, from []float32, samples, stride, lines, width, toLine, fromLine int) {
	toLanes(to, from, samples, stride, lines, width, toLine, fromLine, k.lanes())
}

func toLanes(to, from []float32, samples, stride, lines, width, toLine, fromLine, lanes int) {
	lane := 0
	for ; lane+8 <= samples; lane += 8 {
		toLanesEight(&to[lane], &from[lane*stride], stride, lines, width, toLine, fromLine, lanes)
	}
	for ; lane < samples; lane++ {
		for y := range lines {
			for x, v := range from[lane*stride+y*fromLine:][:width] {
				to[y*toLine+x*lanes+lane] = v
			}
		}
	}
}

func (k kernels256) fromLanes(to, from []float32, samples, stride, width int, add bool) {
	fromLanes(to, from, samples, stride, width, add, k.lanes())
}

func (k kernels512) fromLanes(to, from []float32, samples, stride, width int, add bool) {
	fromLanes(to, from, samples, stride, width, add, k.lanes())
}

func fromLanes(to, from []float32, samples, stride, width int, add bool, lanes int) {
	lane := 0
	for ; lane+8 <= samples; lane += 8 {
		fromLanesEight(&to[lane*stride], &from[lane], stride, width, lanes, add)
	}
	for ; lane < samples; lane++ {
		to := to[lane*stride:][:width]
		for i := range to {
			v := from[i*lanes+lane]
			if add {
				v += to[i]
			}
			to[i] = v
		}
	}
}

func (kernels256) convolve(out, x []float32, from, to, terms []int, start, weights []float32, tiles, channel int) {
	convolve256(&out[0], &x[0], &from[0], &to[0], terms, &start[0], unsafe.SliceData(weights), tiles, channel)
}

func (kernels512) convolve(out, x []float32, from, to, terms []int, start, weights []float32, tiles, channel int) {
	convolve512(&out[0], &x[0], &from[0], &to[0], terms, &start[0], unsafe.SliceData(weights), tiles, channel)
}

func (kernels256) correlate(gradient, d, x []float32, terms []int, channel, dRow int, over grid) {
	correlate256(&gradient[0], &d[0], &x[0], &terms[0], channel, over.rows, over.columns, dRow, over.row, over.column)
}

func (kernels512) correlate(gradient, d, x []float32, terms []int, channel, dRow int, over grid) {
	correlate512(&gradient[0], &d[0], &x[0], &terms[0], channel, over.rows, over.columns, dRow, over.row, over.column)
}

//go:noescape
func toLanesEight(to, from *float32, stride, lines, width, toLine, fromLine, lanes int)

//go:noescape
func fromLanesEight(to, from *float32, stride, width, lanes int, add bool)

//go:noescape
func convolve256(out, x *float32, from, to *int, terms []int, start, weights *float32, tiles, channel int)

//go:noescape
func convolve512(out, x *float32, from, to *int, terms []int, start, weights *float32, tiles, channel int)

//go:noescape
func correlate256(gradient, d, x *float32, terms *int, channel, rows, columns, dRow, xRow, xColumn int)

//go:noescape
func correlate512(gradient, d, x *float32, terms *int, channel, rows, columns, dRow, xRow, xColumn int)
