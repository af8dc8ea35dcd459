package onnx

import (
	"math"
	"slices"
)

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
