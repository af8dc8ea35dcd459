package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A file may hold weights as compressed sparse rows. Of a parameter P, a row an output, the
// tensors are "P.values", the numbers that are not zero, row by row; "P.columns", the place of
// each in its row, and "P.offsets", where rows begin among them and the last ends, both I32.
// The metadata names the shapes of these parameters as JSON under [csrKey].
const csrKey = "csr"

var csrParts = []string{"values", "columns", "offsets"}

// mostZeros is how many entries a parameter may have for each number that the file holds of it,
// so that a short file cannot ask for much memory.
const mostZeros = 256

// compressed returns a tensor as compressed sparse rows, and false where that takes as much
// memory as the tensor itself, or more than readers take.
func compressed(t Tensor) ([]Tensor, bool) {
	if len(t.Shape) < 2 || t.Shape[0] == 0 {
		return nil, false
	}
	width := len(t.Float32) / t.Shape[0]
	values, columns, offsets := []float32{}, []byte{}, binary.LittleEndian.AppendUint32(nil, 0)
	for i, x := range t.Float32 {
		if x != 0 {
			values, columns = append(values, x), binary.LittleEndian.AppendUint32(columns, uint32(i%width))
		}
		if (i+1)%width == 0 {
			offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(values)))
		}
	}
	kind, dense := t.typed()
	if width == 0 || sizes[kind]*len(values)+len(columns)+len(offsets) >= dense || len(t.Float32) > mostZeros*(len(values)+t.Shape[0]) {
		return nil, false
	}
	return []Tensor{
		{Name: t.Name + ".values", Shape: []int{len(values)}, Type: t.Type, Float32: values},
		{Name: t.Name + ".columns", Shape: []int{len(values)}, Type: int32Type, Raw: columns},
		{Name: t.Name + ".offsets", Shape: []int{t.Shape[0] + 1}, Type: int32Type, Raw: offsets},
	}, true
}

// compress puts tensors of [WriteModel] into compressed sparse rows, where these take less, and
// returns the entry of the metadata.
func compress(tensors []Tensor) (all []Tensor, shapes string) {
	of := map[string][]int{}
	for _, t := range tensors {
		if parts, smaller := compressed(t); smaller {
			all, of[t.Name] = append(all, parts...), t.Shape
		} else {
			all = append(all, t)
		}
	}
	text, err := json.Marshal(of)
	if err != nil {
		panic(err) // no shape
	}
	return all, string(text)
}

// expanded returns the tensors of a file with those dense that it holds as compressed sparse
// rows. The error says what is wrong with them.
func (f *File) expanded() ([]Tensor, error) {
	text, found := f.Metadata[csrKey]
	if !found {
		return f.Tensors, nil
	}
	var shapes map[string][]int
	if err := json.Unmarshal([]byte(text), &shapes); err != nil {
		return nil, fmt.Errorf("metadata: %q is %.40q, want shapes in JSON", csrKey, text)
	}
	var all []Tensor
	done := 0
	for _, t := range f.Tensors {
		name, part := t.Name, ""
		if dot := strings.LastIndex(t.Name, "."); dot >= 0 {
			name, part = t.Name[:dot], t.Name[dot+1:]
		}
		shape, sparse := shapes[name]
		switch {
		case !sparse || !slices.Contains(csrParts, part):
			all = append(all, t)
		case part == csrParts[0]:
			dense, err := expand(t, named(f.Tensors, name+".columns"), named(f.Tensors, name+".offsets"), shape)
			if err != nil {
				return nil, fmt.Errorf("tensor %.40q: %w", name, err)
			}
			dense.Name = name
			all, done = append(all, dense), done+1
		}
	}
	if done != len(shapes) {
		return nil, fmt.Errorf("metadata: %q names %d tensors, and the file holds the values of %d", csrKey, len(shapes), done)
	}
	return all, nil
}

// expand returns the dense tensor of compressed sparse rows.
func expand(values, columns, offsets Tensor, shape []int) (Tensor, error) {
	size, err := byteSize(shape, 1)
	if err != nil {
		return Tensor{}, err
	}
	count := len(values.Float32)
	switch {
	case len(shape) < 2 || shape[0] < 1 || size == 0:
		return Tensor{}, fmt.Errorf("its shape is %v; rows take two dimensions and a number", shape)
	case columns.Type != int32Type || offsets.Type != int32Type || len(columns.Raw) != 4*count || len(offsets.Raw) != 4*(shape[0]+1) || values.Raw != nil:
		return Tensor{}, fmt.Errorf("its columns and offsets are not %d and %d numbers of I32", count, shape[0]+1)
	case size/mostZeros > count+shape[0]:
		return Tensor{}, fmt.Errorf("its shape %v has more than %d entries for each number in the file", shape, mostZeros)
	}
	number := func(t Tensor, i int) int { return int(int32(binary.LittleEndian.Uint32(t.Raw[4*i:]))) }
	dense, width := make([]float32, size), size/shape[0]
	if first, last := number(offsets, 0), number(offsets, shape[0]); first != 0 || last != count {
		return Tensor{}, fmt.Errorf("its rows begin at %d and end at %d of %d numbers", first, last, count)
	}
	for row := range shape[0] {
		from, to := number(offsets, row), number(offsets, row+1)
		if from > to || to > count {
			return Tensor{}, fmt.Errorf("row %d begins at %d and ends at %d", row, from, to)
		}
		for i, before := from, -1; i < to; i++ {
			column := number(columns, i)
			if column <= before || column >= width {
				return Tensor{}, fmt.Errorf("row %d has column %d after %d; columns must rise and be below %d", row, column, before, width)
			}
			dense[row*width+column], before = values.Float32[i], column
		}
	}
	return Tensor{Shape: shape, Type: values.Type, Float32: dense}, nil
}
