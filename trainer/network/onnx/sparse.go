package onnx

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A sparse initializer (SparseTensorProto) has the numbers that are not zero as a tensor with
// the initializer's name, their places as a tensor of int64, and a shape. A place is a number,
// row-major, or one for each dimension. Here it is the tensorProto of the shape, with the
// places as its indices.

// mostZeros is how many numbers a sparse initializer may have for each that is not zero, so that
// a short file cannot ask for much memory.
const mostZeros = 256

// sparseBudget is how many bytes each byte of a sparse initializer adds to what constants may
// take: a number of four bytes has twelve with its place.
const sparseBudget = 4 * mostZeros / 12

// decodeSparse reads a SparseTensorProto.
func (t *tensorProto) decodeSparse(data []byte) error {
	var dims []int64
	t.indices = &tensorProto{}
	err := eachField(data, func(f *field) {
		switch f.number {
		case 1:
			f.message("its values", t.decode)
		case 2:
			f.message("its indices", t.indices.decode)
		case 3:
			dims = f.integers(dims)
		}
	})
	t.stored, t.dims = t.dims, dims
	return err
}

// encodeSparse writes a SparseTensorProto.
func (t *tensorProto) encodeSparse() []byte {
	var to message
	to.data(1, (&tensorProto{name: t.name, dims: t.stored, kind: t.kind, raw: t.raw}).encode())
	to.data(2, t.indices.encode())
	to.integers(3, t.dims)
	return to
}

// sparse returns a tensor of floating numbers as a sparse initializer where that takes less, as
// few zeros as readers take, else as it is.
func (t tensorProto) sparse() tensorProto {
	bytes := kinds[t.kind].bytes
	s := tensorProto{name: t.name, dims: t.dims, kind: t.kind, indices: &tensorProto{kind: int64Kind}}
	count, numbers := 0, len(t.raw)/max(1, bytes)
	for at := range numbers {
		if number := t.raw[at*bytes:][:bytes]; kinds[t.kind].real.read(number) != 0 {
			count++
			s.raw = append(s.raw, number...)
			s.indices.raw = binary.LittleEndian.AppendUint64(s.indices.raw, uint64(at))
		}
	}
	if len(s.raw)+len(s.indices.raw) >= len(t.raw) || numbers > mostZeros*count {
		return t
	}
	s.stored, s.indices.dims = []int64{int64(count)}, []int64{int64(count)}
	return s
}

// expand reads the numbers of a sparse initializer of a shape.
func (r *reader) expand(t *tensorProto, dims []int, size int) (*value, error) {
	if kinds[t.kind].real == nil || t.indices.kind != int64Kind {
		return nil, fmt.Errorf("it is sparse, with numbers of %s and indices of %s; they must be floating numbers and int64", kindName(t.kind), kindName(t.indices.kind))
	}
	values := *t
	values.dims = t.stored
	stored, count, err := values.shape()
	if err != nil {
		return nil, err
	}
	places, length, err := t.indices.shape()
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	rank, want := 1, []int{count}
	if len(places) == 2 {
		rank = len(dims)
		want = append(want, rank)
	}
	switch {
	case len(stored) != 1 || !slices.Equal(places, want):
		return nil, fmt.Errorf("it is sparse, with numbers of shape %v and indices of shape %v; they must be [n], and [n] or [n,%d]", stored, places, len(dims))
	case size/mostZeros > count:
		return nil, fmt.Errorf("it is sparse, with %d numbers of %d; there must be one of %d", count, size, mostZeros)
	case t.indices.location != 0:
		return nil, fmt.Errorf("its indices are external data; they must be in the file")
	}
	if err := r.take(4*size + 4*count + 16*length); err != nil {
		return nil, err
	}
	raw, err := values.bytes(count, r.files)
	if err != nil {
		return nil, err
	}
	numbers, err := values.real(count, raw)
	if err != nil {
		return nil, err
	}
	rawPlaces, err := t.indices.bytes(length, nil)
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	indices, err := t.indices.whole(length, rawPlaces)
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	dense, before := make([]float32, size), -1
	for i, x := range numbers {
		at := 0
		for k, index := range indices[i*rank:][:rank] {
			most := size
			if len(places) == 2 {
				most = dims[k]
				at *= most
			}
			if index.n < 0 || index.n >= int64(most) {
				return nil, fmt.Errorf("index %d of number %d is %d; it must be from 0 to %d", k, i, index.n, most-1)
			}
			at += int(index.n)
		}
		if at <= before {
			return nil, fmt.Errorf("number %d is at place %d, and the one before it at %d; places must rise", i, at, before)
		}
		dense[at], before = x, at
	}
	return realValue(&array[float32]{dims, dense}), nil
}
