package network

// Groups calls visit for each group of so many neighbouring entries of a weight along its
// inputs, as it lies in memory. Of a dense layer these are a row, of a convolution the input
// channels that one place of the kernel meets, as in NVIDIA's ASP for PyTorch. A row that is
// no multiple ends with a smaller group. The slice is visit's until it returns.
func (p Param) Groups(of int, visit func(group []int)) {
	if of == 0 || len(p.Shape) < 2 {
		return
	}
	channels, inner := p.Shape[1], Shape(p.Shape[2:]).Size()
	group := make([]int, 0, of)
	for out := range p.Shape[0] {
		for place := range inner {
			for first := 0; first < channels; first += of {
				group = group[:0]
				for c := first; c < min(first+of, channels); c++ {
					group = append(group, (out*channels+c)*inner+place)
				}
				visit(group)
			}
		}
	}
}

// NonZero counts the entries of the weights of a network that are not zero, and all of them.
func (n *Network) NonZero() (kept, all int) {
	for p, param := range n.Params {
		if !param.Weight {
			continue
		}
		for _, w := range n.Parameters[p] {
			if w != 0 {
				kept++
			}
		}
		all += param.Size()
	}
	return kept, all
}
