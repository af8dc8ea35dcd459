package onnx

import (
	"fmt"
	"slices"
)

// extent is a whole number, or with batch so many times the number of samples, which is
// not known while a file is read.
type extent struct {
	n     int64
	batch bool
}

func (e extent) String() string {
	if e.batch {
		return fmt.Sprintf("%d N", e.n)
	}
	return fmt.Sprint(e.n)
}

// array is a tensor whose numbers are known, row-major.
type array[T any] struct {
	dims []int
	v    []T
}

func product(dims []int) int {
	size := 1
	for _, n := range dims {
		size *= n
	}
	return size
}

// around returns how many blocks lie before and how many numbers after dimension d.
func around(dims []int, d int) (outer, inner int) { return product(dims[:d]), product(dims[d+1:]) }

// pick returns the entries of dimension d at some places.
func pick[T any](a *array[T], d int, places []int) *array[T] {
	outer, inner := around(a.dims, d)
	out := &array[T]{slices.Clone(a.dims), make([]T, 0, outer*len(places)*inner)}
	out.dims[d] = len(places)
	for o := range outer {
		for _, p := range places {
			at := (o*a.dims[d] + p) * inner
			out.v = append(out.v, a.v[at:at+inner]...)
		}
	}
	return out
}

// transpose puts dimension order[d] in place d.
func transpose[T any](a *array[T], order []int) *array[T] {
	out := &array[T]{make([]int, len(order)), make([]T, 0, len(a.v))}
	strides := make([]int, len(order)) // of the input, by dimension of the output
	for d, from := range order {
		out.dims[d] = a.dims[from]
		_, strides[d] = around(a.dims, from)
	}
	if len(a.v) == 0 {
		return out
	}
	place := make([]int, len(order))
	for at := 0; ; {
		out.v = append(out.v, a.v[at])
		d := len(order) - 1
		for ; d >= 0; d-- {
			place[d]++
			at += strides[d]
			if place[d] < out.dims[d] {
				break
			}
			at -= place[d] * strides[d]
			place[d] = 0
		}
		if d < 0 {
			return out
		}
	}
}

// concat puts arrays after each other along dimension d.
func concat[T any](arrays []*array[T], d int) (*array[T], error) {
	first := arrays[0]
	out := &array[T]{dims: slices.Clone(first.dims)}
	out.dims[d] = 0
	for _, a := range arrays {
		if len(a.dims) != len(first.dims) {
			return nil, fmt.Errorf("it joins shapes %v and %v; they must have as many dimensions", first.dims, a.dims)
		}
		for k := range a.dims {
			if k != d && a.dims[k] != first.dims[k] {
				return nil, fmt.Errorf("it joins shapes %v and %v; they may differ in dimension %d alone", first.dims, a.dims, d)
			}
		}
		out.dims[d] += a.dims[d]
	}
	outer, _ := around(first.dims, d)
	for o := range outer {
		for _, a := range arrays {
			block := product(a.dims[d:])
			out.v = append(out.v, a.v[o*block:(o+1)*block]...)
		}
	}
	return out, nil
}

// combine applies f to numbers of two arrays, of which the smaller is repeated along
// dimensions of one entry, as ONNX broadcasts. The result has the shape of one of them.
func combine[T any](a, b *array[T], f func(x, y T) (T, error)) (*array[T], error) {
	rank := max(len(a.dims), len(b.dims))
	dims, aDims, bDims := make([]int, rank), aligned(a.dims, rank), aligned(b.dims, rank)
	for d := range dims {
		x, y := aDims[d], bDims[d]
		if x != y && x != 1 && y != 1 {
			return nil, fmt.Errorf("constants have shapes %v and %v; one must fit the other", a.dims, b.dims)
		}
		dims[d] = x
		if x == 1 {
			dims[d] = y
		}
	}
	if !slices.Equal(dims, aDims) && !slices.Equal(dims, bDims) {
		return nil, fmt.Errorf("constants have shapes %v and %v; the result must have one of both", a.dims, b.dims)
	}
	out := &array[T]{dims, make([]T, product(dims))}
	for e := range out.v {
		var err error
		if out.v[e], err = f(a.v[source(aDims, dims, e)], b.v[source(bDims, dims, e)]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// aligned puts ones before dimensions until there are rank.
func aligned(dims []int, rank int) []int {
	return append(slices.Repeat([]int{1}, rank-len(dims)), dims...)
}

// source returns the place in an array of dimensions from, of which some are 1, that
// number e of an array of dimensions to is made of.
func source(from, to []int, e int) int {
	at, stride := 0, 1
	for d := len(to) - 1; d >= 0; d-- {
		if from[d] != 1 {
			at += e % to[d] * stride
			stride *= from[d]
		}
		e /= to[d]
	}
	return at
}
