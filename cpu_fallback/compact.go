package cpufallback

import "nashprune/trainer/network"

// Compact moves the survivors' numbers to the beginning of where they lie, so that
// a removal takes no memory, and no more time than one pass through what is kept.
func (e *engine[T]) Compact(keep network.Survivors) error {
	var moves []func() // of different memory each
	for i, l := range e.layers {
		was, in, out := l.in, network.Indices(l.in), network.Indices(l.out)
		if i > 0 {
			in = keep[i-1]
		}
		if l.gated {
			out = keep[i]
		}
		for _, v := range []*[]T{&l.parameters, &l.first, &l.second} {
			if *v != nil {
				moves = append(moves, func() { *v = compactParameters(*v, was, out, in) })
			}
		}
		l.in, l.out = len(in), len(out)
		l.gradient = l.gradient[:l.size()]
		for _, v := range l.ofPlayers() {
			if *v != nil {
				*v = (*v)[:moveUp(*v, 0, 0, 1, out, one)]
			}
		}
		for _, m := range []*matrix[T]{&l.affine, &l.output, &l.derivative, &l.biasPartial, &l.meanPartial, &l.squarePartial} {
			m.columns = l.out
			m.data = m.data[:m.rows*l.out]
		}
	}
	inChunks(len(moves), 1, func(move, _, _ int) { moves[move]() })
	return nil
}

// one is the only column of what has a number a row.
var one = []int{0}

// compactParameters keeps rows and columns of a slice in the shape of parameters:
// weights in rows of so many, and the biases behind them.
func compactParameters[T real](v []T, width int, rows, columns []int) []T {
	weights := len(v) / (width + 1) * width
	end := moveUp(v, 0, 0, width, rows, columns)
	return v[:moveUp(v, end, weights, 1, rows, one)]
}

// moveUp moves the chosen rows and columns, both in increasing order, of the matrix
// that begins at number from, with rows of the given width, to number to, which is
// not behind it, and returns where they end. No number is overwritten that is still to
// move.
func moveUp[T real](v []T, to, from, width int, rows, columns []int) (end int) {
	for _, r := range rows {
		row := v[from+r*width:][:width]
		if len(columns) == width {
			to += copy(v[to:], row)
			continue
		}
		for _, c := range columns {
			v[to] = row[c]
			to++
		}
	}
	return to
}
