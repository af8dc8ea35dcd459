package onnx

import (
	"math"
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

func readCast(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	to := c.integer("to", 0)
	c.integer("saturate", 1)
	v := c.in[0]
	switch kind, known := kinds[to]; {
	case !known:
		return c.fail("it casts to %s; it must be to floating or whole numbers", kindName(to))
	case v.isSamples() && (kind.real == nil || kind.bytes < 4):
		return c.fail("it casts to %s; numbers must stay as precise: export the model in float32, or with an input of float16", kind.name)
	case v.isSamples() || v.reals != nil && kind.real != nil && kind.bytes >= 4 || v.wholes != nil && kind.real == nil:
		return readIdentity(c)
	case !c.spend(v):
		return nil
	case v.reals != nil && kind.real != nil:
		out := &array[float32]{v.reals.dims, make([]float32, len(v.reals.v))}
		for i, x := range v.reals.v {
			out.v[i] = kind.real.round(x)
		}
		return &value{reals: out, name: v.name}
	case kind.real != nil:
		out := &array[float32]{v.wholes.dims, make([]float32, len(v.wholes.v))}
		for i, e := range v.wholes.v {
			if e.batch {
				return readIdentity(c) // which arithmetic on whole numbers stays
			}
			out.v[i] = float32(e.n)
		}
		return realValue(out)
	}
	out := &array[extent]{v.reals.dims, make([]extent, len(v.reals.v))}
	for i, x := range v.reals.v {
		if !(math.Abs(float64(x)) < 1<<62) {
			return c.fail("it casts %g to a whole number; it must be in range", x)
		}
		out.v[i].n = int64(x)
	}
	return wholeValue(out)
}

// concatConstants joins constants of one kind.
func (c *call) concatConstants(axis int64) *value {
	d := c.axis(axis, len(c.in[0].dims()))
	var reals []*array[float32]
	var wholes []*array[extent]
	for _, v := range c.in {
		if v == nil || c.err != nil || !c.spend(v) {
			return c.fail("an input is missing")
		}
		if v.reals != nil {
			reals = append(reals, v.reals)
		} else {
			wholes = append(wholes, v.wholes)
		}
	}
	switch {
	case reals != nil && wholes != nil:
		return c.fail("it joins floating and whole numbers; they must be of one kind")
	case reals != nil:
		out, err := concat(reals, d)
		if err != nil {
			return c.fail("%w", err)
		}
		return realValue(out)
	}
	out, err := concat(wholes, d)
	if err != nil {
		return c.fail("%w", err)
	}
	return wholeValue(out)
}

// small reports whether a product of two such numbers does not overflow.
func small(n int64) bool { return n > -maxLength && n < maxLength }

// fold computes an operator of two constants.
func (c *call) fold(real func(x, y float32) float32, integer func(x, y extent) (extent, bool)) *value {
	a, b := c.in[0], c.in[1]
	if !c.spendNumbers(max(product(a.dims()), product(b.dims()))) {
		return nil
	}
	if a.reals != nil && b.reals != nil {
		out, err := combine(a.reals, b.reals, func(x, y float32) (float32, error) { return real(x, y), nil })
		if err != nil {
			return c.fail("%w", err)
		}
		return realValue(out)
	}
	if a.wholes == nil || b.wholes == nil {
		return c.fail("its constants are of floating and of whole numbers; they must be of one kind")
	}
	out, err := combine(a.wholes, b.wholes, func(x, y extent) (extent, error) {
		z, known := integer(x, y)
		if !known {
			return z, errUnknown
		}
		return z, nil
	})
	if err != nil {
		return c.fail("%w", err)
	}
	return wholeValue(out)
}

func readConstant(c *call) *value {
	if !c.inputs(0, 0) {
		return nil
	}
	if len(c.node.attributes) != 1 {
		return c.fail("it has %d attributes; it must have one", len(c.node.attributes))
	}
	switch a := c.node.attributes[0]; a.name {
	case "value":
		if t := c.attribute(a.name, tensorAttribute); t != nil && t.tensor != nil {
			v, err := c.constant(t.tensor)
			if err != nil {
				return c.fail("its value: %w", err)
			}
			return v
		}
	case "value_float":
		return realValue(&array[float32]{nil, []float32{c.float(a.name, 0)}})
	case "value_int":
		return wholeValue(&array[extent]{nil, []extent{{n: c.integer(a.name, 0)}}})
	case "value_floats":
		if list := c.attribute(a.name, floatsAttribute); list != nil {
			return realValue(&array[float32]{[]int{len(list.floats)}, list.floats})
		}
	case "value_ints":
		list := c.integers(a.name)
		if !c.spendNumbers(len(list)) {
			return nil
		}
		out := &array[extent]{dims: []int{len(list)}}
		for _, n := range list {
			out.v = append(out.v, extent{n: n})
		}
		return wholeValue(out)
	}
	return c.fail("its value is %.40q; it must be a tensor of numbers", c.node.attributes[0].name)
}

func readConstantOfShape(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	size, dims := 1, []int{}
	for _, n := range c.known(0, "", 0) {
		if n < 0 || n > maxLength || int64(size)*n > maxLength || len(dims) == maxRank {
			return c.fail("its shape is out of range")
		}
		size *= int(n)
		dims = append(dims, int(n))
	}
	if c.err != nil || !c.spendNumbers(size) {
		return nil
	}
	number := realValue(&array[float32]{nil, []float32{0}})
	if t := c.attribute("value", tensorAttribute); t != nil && t.tensor != nil {
		var err error
		if number, err = c.constant(t.tensor); err != nil {
			return c.fail("its value: %w", err)
		}
	}
	if product(number.dims()) != 1 {
		return c.fail("its value has shape %v; it must be one number", number.dims())
	}
	if number.reals != nil {
		return realValue(&array[float32]{dims, slices.Repeat(number.reals.v, size)})
	}
	return wholeValue(&array[extent]{dims, slices.Repeat(number.wholes.v, size)})
}
