package cpufallback

import "nashprune/trainer/network"

// Remove moves what stays to the beginning of where it lies and takes no memory for
// parameters and players, and no more time than one pass through what is kept.
func (e *engine[T]) Remove(cut *network.Cut) error {
	var moves []func() // of different memory each
	p := 0
	for _, group := range e.groups {
		kept, from := cut.Params[p:][:len(group.params)], group.params
		p += len(group.params)
		for _, v := range []*[]T{&group.parameters, &group.first, &group.second} {
			if *v != nil {
				moves = append(moves, func() { *v = compactParams(*v, from, kept) })
			}
		}
	}
	inChunks(len(moves), 1, func(move, _, _ int) { moves[move]() })
	groups, gates := e.groups, e.gates
	for i, g := range gates {
		for _, v := range g.ofPlayers() {
			*v = (*v)[:moveUp(*v, 0, 0, []int{len(*v)}, [][]int{cut.Gates[i]})]
		}
	}
	// What a step leaves behind is laid out anew where it lay; the rest is in its place.
	if n := e.count(cut.Graph).activations; n > len(e.memory.all) { // a flatten that was a view
		e.memory.all = aligned[T](n)
	}
	nothing := func(int) []T { return nil }
	e.memory.used = 0
	e.lay(cut.Graph, takers[T]{nothing, nothing, nothing, nothing, e.memory.take})
	for i, group := range e.groups {
		old := groups[i]
		group.parameters, group.first, group.second = old.parameters, old.first, old.second
		group.gradient = old.gradient[:group.size()]
	}
	for i, g := range e.gates {
		to, from := g.ofPlayers(), gates[i].ofPlayers()
		for k := range to {
			*to[k] = *from[k]
		}
	}
	return nil
}

// compactParams keeps entries of parameters that lie one after the other.
func compactParams[T real](v []T, params []network.Param, kept [][][]int) []T {
	to, from := 0, 0
	for i, p := range params {
		to = moveUp(v, to, from, p.Shape, kept[i])
		from += p.Size()
	}
	return v[:to]
}

// moveUp moves the chosen entries of each dimension, in increasing order, of the tensor
// that begins at number from to number to, which is not behind it, and returns where
// they end. No number is overwritten that is still to move.
func moveUp[T real](v []T, to, from int, shape []int, kept [][]int) (end int) {
	if len(kept[0]) == shape[0] && len(shape) == 1 {
		return to + copy(v[to:], v[from:][:shape[0]])
	}
	inner := network.Shape(shape[1:]).Size()
	for _, k := range kept[0] {
		if len(shape) == 1 {
			v[to] = v[from+k]
			to++
		} else {
			to = moveUp(v, to, from+k*inner, shape[1:], kept[1:])
		}
	}
	return to
}
