package onnx

import (
	"slices"

	"nashprune/trainer/network"
)

// view gives samples another shape. It may be that of their node, or that with ones
// behind it. One dimension in place of several is a flatten.
func (c *call) view(v *value, shape network.Shape) *value {
	own := c.nodes[v.node].Shape
	switch {
	case shape.Equal(v.view):
		return &value{node: v.node, view: shape, raw: v.raw && c.uses[v.name] == 1}
	case shape.Size() != own.Size():
		return c.fail("it makes samples of %s out of such of %s; they must have as many numbers", shape, v.view)
	case len(shape) >= len(own) && shape[:len(own)].Equal(own):
		return &value{node: v.node, view: shape}
	case v.raw && c.uses[v.name] == 1 && len(shape) > 1:
		if _, _, err := (&network.Input{Sample: shape}).Infer(nil); err != nil {
			return c.fail("%w", err)
		}
		s := c.step(nil, shape)
		s.Op = "Reshape"
		c.before = append(c.before, s)
		c.nodes[v.node].Op, c.nodes[v.node].Shape = &network.Input{Sample: shape}, shape
		return &value{node: v.node, view: shape, raw: true}
	case len(shape) == 1:
		return c.join(&network.Flatten{}, []*value{{node: v.node, view: own}}, nil)
	}
	return c.fail("it makes samples of %s out of such of %s; it may put them in one dimension alone", shape, v.view)
}

func readFlatten(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	axis := c.integer("axis", 1)
	v := c.samples(0)
	if v == nil {
		return nil
	}
	rank := int64(len(v.view) + 1)
	if axis != 1 && axis != 1-rank {
		return c.fail("axis is %d; it must be 1, so that samples stay apart", axis)
	}
	return c.view(v, network.Shape{v.view.Size()})
}

func readReshape(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	zero := c.integer("allowzero", 0) != 0 // does not stand for the length that was there
	target := c.wholes(1)
	if target == nil {
		return nil
	}
	if zero && slices.Contains(target.v, extent{}) {
		return c.fail("allowzero is 1 and its shape is %v; it must have no zeros", target.v)
	}
	if c.in[0].isSamples() {
		v := c.samples(0)
		if v == nil {
			return nil
		}
		shape := c.reshaped(v, target.v)
		if c.err != nil {
			return nil
		}
		return c.view(v, shape)
	}
	dims, free, size := make([]int, len(target.v)), -1, 1
	have := c.in[0].dims()
	for d, e := range target.v {
		switch {
		case e.n == 0 && d < len(have):
			e.n = int64(have[d])
		case e.n == -1 && free < 0:
			free, e.n = d, 1
		}
		if e.batch || e.n < 0 || e.n > maxLength || int64(size)*e.n > maxLength || len(dims) > maxRank {
			return c.fail("its shape is %v; it must have the numbers of a constant", target.v)
		}
		dims[d] = int(e.n)
		size *= int(e.n)
	}
	if free >= 0 && size > 0 {
		dims[free] = product(have) / size
	}
	if product(dims) != product(have) {
		return c.fail("its shape is %v for a constant of %v; it must have as many numbers", target.v, have)
	}
	return c.reshape(0, dims)
}

// reshape gives the constant that is input k other dimensions.
func (c *call) reshape(k int, dims []int) *value {
	if a := c.in[k].reals; a != nil {
		return realValue(&array[float32]{dims, a.v})
	}
	return wholeValue(&array[extent]{dims, c.in[k].wholes.v})
}

// reshaped works out the shape of a sample from that of a Reshape, whose first dimension must
// be the number of samples.
func (c *call) reshaped(v *value, target []extent) network.Shape {
	bad := func() network.Shape {
		c.fail("its shape is %v for N samples of %s; its first dimension must be the number of samples: export the model with a free one", target, v.view)
		return nil
	}
	if len(target) < 2 || len(target) > maxRank {
		return bad()
	}
	shape, free, size := network.Shape{}, -1, 1
	for d, e := range target[1:] {
		switch {
		case e.n == 0 && d < len(v.view):
			e.n = int64(v.view[d])
		case e.n == -1 && free < 0:
			free, e.n = d, 1
		}
		if e.batch || e.n < 1 || int64(size)*e.n > maxLength {
			return bad()
		}
		shape = append(shape, int(e.n))
		size *= int(e.n)
	}
	if free >= 0 {
		shape[free] = v.view.Size() / size
	}
	first := target[0]
	switch {
	case first == extent{1, true}, first.n == 0 && !first.batch, first.n == c.batch && c.batch > 0 && !first.batch:
	case first.n == -1 && !first.batch && free < 0 && size == v.view.Size(): // what is left over
	default:
		return bad()
	}
	return shape
}

// lengths returns the dimensions of input 0, with the number of samples.
func (c *call) lengths() []extent {
	var list []extent
	if !c.in[0].isSamples() {
		for _, n := range c.in[0].dims() {
			list = append(list, extent{n: int64(n)})
		}
		return list
	}
	v := c.samples(0)
	if v == nil {
		return nil
	}
	list = append(list, extent{1, true})
	for _, n := range v.view {
		list = append(list, extent{n: int64(n)})
	}
	return list
}

func readShape(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	list := c.lengths()
	rank := int64(len(list))
	bound := func(at int64) int64 {
		if at < 0 {
			at += rank
		}
		return min(max(at, 0), rank)
	}
	start, end := bound(c.integer("start", 0)), bound(c.integer("end", rank))
	if c.err != nil {
		return nil
	}
	list = list[start:max(start, end)]
	return wholeValue(&array[extent]{[]int{len(list)}, list})
}

func readSqueeze(c *call) *value {
	if !c.inputs(1, 2) {
		return nil
	}
	axes, list := c.known(1, "axes", 13), c.lengths()
	if axes == nil && c.in[0].isSamples() && c.batch == 1 {
		return c.fail("it has no axes, and the file is for one sample, which it would leave out; it must have axes")
	}
	drop := map[int]bool{}
	for _, a := range axes {
		drop[c.axis(a, len(list))] = true
	}
	if c.err != nil {
		return nil
	}
	var left []extent
	for d, e := range list {
		one := e == extent{n: 1}
		if drop[d] && !one {
			return c.fail("axes are %v of shape %v; their dimensions must be 1", axes, list)
		}
		if !drop[d] && (axes != nil || !one) {
			left = append(left, e)
		}
	}
	return c.resized(left)
}

func readUnsqueeze(c *call) *value {
	if !c.inputs(1, 2) {
		return nil
	}
	axes, list := c.known(1, "axes", 13), c.lengths()
	rank := len(list) + len(axes)
	if rank > maxRank {
		return c.fail("it makes %d dimensions; it must make %d at most", rank, maxRank)
	}
	fresh := map[int]bool{}
	for _, a := range axes {
		fresh[c.axis(a, rank)] = true
	}
	if c.err != nil {
		return nil
	}
	if len(fresh) != len(axes) {
		return c.fail("axes are %v; they must differ", axes)
	}
	var all []extent
	for d := range rank {
		if fresh[d] {
			all = append(all, extent{n: 1})
		} else {
			all, list = append(all, list[0]), list[1:]
		}
	}
	return c.resized(all)
}

// resized gives input 0 other dimensions of as many numbers.
func (c *call) resized(list []extent) *value {
	var dims []int
	for _, e := range list {
		dims = append(dims, int(e.n))
	}
	if !c.in[0].isSamples() {
		return c.reshape(0, dims)
	}
	if len(list) < 2 || !list[0].batch {
		return c.fail("it makes shape %v of samples; the first dimension must be the number of samples, and another follow", list)
	}
	return c.view(c.samples(0), dims[1:])
}

func readIdentity(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	same := *c.in[0]
	same.raw = same.raw && c.alone(0)
	return &same
}

func readTranspose(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	perm := c.integers("perm")
	if c.in[0].isSamples() {
		for d, from := range perm {
			if int64(d) != from {
				return c.fail("perm is %v; the dimensions of samples must keep their order: export the model with channels first", perm)
			}
		}
		if v := c.samples(0); perm != nil && v != nil {
			return &value{node: v.node, view: v.view}
		}
		return c.fail("it reverses the dimensions of samples; they must keep their order")
	}
	rank := len(c.in[0].dims())
	order := make([]int, rank)
	for d := range order {
		order[d] = rank - 1 - d
	}
	if perm != nil {
		order = nil
		for _, from := range perm {
			order = append(order, c.axis(from, rank))
		}
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, network.Indices(rank)) {
			return c.fail("perm is %v for %d dimensions; it must name each once", perm, rank)
		}
	}
	if c.err != nil || !c.spend(c.in[0]) {
		return nil
	}
	if a := c.in[0].reals; a != nil {
		return realValue(transpose(a, order))
	}
	return wholeValue(transpose(c.in[0].wholes, order))
}

// spend accounts for a constant of the size of v.
func (c *call) spend(v *value) bool { return c.spendNumbers(product(v.dims())) }

func (c *call) spendNumbers(n int) bool {
	if err := c.take(16 * n); err != nil {
		c.fail("%w", err)
		return false
	}
	return true
}
