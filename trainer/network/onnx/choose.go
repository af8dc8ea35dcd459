package onnx

import (
	"slices"

	"nashprune/trainer/network"
)

func readGather(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	axis, indices := c.integer("axis", 0), c.wholes(1)
	if c.err != nil {
		return nil
	}
	rank, length, d := 0, 0, 0
	if c.in[0].isSamples() {
		v := c.samples(0)
		if v == nil {
			return nil
		}
		if c.axis(axis, len(v.view)+1) != 1 || len(indices.dims) != 1 {
			return c.fail("axis is %d and indices have shape %v; it may choose channels or features alone, by one list", axis, indices.dims)
		}
		length = v.view[0]
	} else {
		rank = len(c.in[0].dims())
		if d = c.axis(axis, rank); c.err != nil {
			return nil
		}
		length = c.in[0].dims()[d]
	}
	places := make([]int, len(indices.v))
	for i, e := range indices.v {
		if e.n < 0 {
			e.n += int64(length)
		}
		if e.batch || e.n < 0 || e.n >= int64(length) {
			return c.fail("index %d is %s; it must be one of %d", i, e, length)
		}
		places[i] = int(e.n)
	}
	if c.in[0].isSamples() {
		return c.keep(c.in[0], places)
	}
	outer, inner := around(c.in[0].dims(), d)
	if float64(outer)*float64(inner)*float64(len(places)) > maxLength || !c.spendNumbers(outer*inner*len(places)) {
		return c.fail("it makes a constant that is too large")
	}
	if a := c.in[0].reals; a != nil {
		return realValue(gather(a, d, places, indices.dims))
	}
	return wholeValue(gather(c.in[0].wholes, d, places, indices.dims))
}

// gather is pick with the dimensions of the places.
func gather[T any](a *array[T], d int, places, dims []int) *array[T] {
	out := pick(a, d, places)
	out.dims = slices.Concat(a.dims[:d], dims, a.dims[d+1:])
	return out
}

// keep leaves only some features or channels of the input or of a flatten.
func (c *call) keep(v *value, places []int) *value {
	node := &c.nodes[v.node]
	for i := 1; i < len(places); i++ {
		if places[i] <= places[i-1] {
			return c.fail("its indices must increase")
		}
	}
	if !v.view.Equal(node.Shape) || c.uses[v.name] != 1 {
		return c.fail("it chooses from what other nodes read whole, or reshaped; it must be the only one that reads it")
	}
	var op network.Op
	var in []network.Shape
	switch old := node.Op.(type) {
	case *network.Input:
		if old.Keep == nil {
			op = &network.Input{Sample: old.Sample, Keep: places}
		}
	case *network.Flatten:
		if in = []network.Shape{c.nodes[node.In[0]].Shape}; old.Keep == nil {
			op = &network.Flatten{Keep: places}
		}
	}
	if op == nil {
		return c.fail("it chooses from the output of node %.80q; it may choose from the network's input, or from a flatten, once", node.Name)
	}
	shape, _, err := op.Infer(in)
	if err != nil {
		return c.fail("%w", err)
	}
	node.Op, node.Shape = op, shape
	if v.node > 0 {
		c.origins[v.node].output = c.node.out[0]
	}
	return &value{node: v.node, view: shape}
}

func readSlice(c *call) *value {
	if !c.inputs(1, 5) {
		return nil
	}
	starts, ends, axes := c.known(1, "starts", 10), c.known(2, "ends", 10), c.known(3, "axes", 10)
	var steps []int64
	if c.opset >= 10 {
		steps = c.known(4, "", 10)
	}
	switch {
	case c.err != nil:
		return nil
	case c.in[0].isSamples():
		return c.fail("it cuts samples; it may cut constants alone")
	case len(ends) != len(starts) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts):
		return c.fail("starts %v, ends %v, axes %v and steps %v must be as many", starts, ends, axes, steps)
	}
	out := c.in[0]
	for i := range starts {
		axis, step := int64(i), int64(1)
		if axes != nil {
			axis = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		d := c.axis(axis, len(out.dims()))
		if c.err != nil || step == 0 {
			return c.fail("steps are %v; they must not be 0", steps)
		}
		places := sliced(int64(out.dims()[d]), starts[i], ends[i], step)
		if !c.spend(out) {
			return nil
		}
		if out.reals != nil {
			out = realValue(pick(out.reals, d, places))
		} else {
			out = wholeValue(pick(out.wholes, d, places))
		}
	}
	return out
}

// sliced lists the places from start to end, without it, of n. Negative ones count from
// the end, and those beyond are the last or first.
func sliced(n, start, end, step int64) []int {
	low, high := int64(0), n // what start and end may be
	if step < 0 {
		low, high = -1, n-1
	}
	bound := func(at int64) int64 {
		if at < 0 {
			at += n
		}
		return min(max(at, low), high)
	}
	step = min(max(step, -n-1), n+1)
	var places []int
	for at, end := bound(start), bound(end); step > 0 && at < end || step < 0 && at > end; at += step {
		places = append(places, int(at))
	}
	return places
}
