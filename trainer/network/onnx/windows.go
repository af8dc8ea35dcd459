package onnx

import (
	"slices"

	"nashprune/trainer/network"
)

func readConv(c *call) *value {
	if !c.inputs(2, 3) {
		return nil
	}
	weight := c.reals(1)
	v, padding := c.images(true)
	if c.err != nil {
		return nil
	}
	if len(weight.dims) != 4 {
		return c.fail("input 1 has shape %v; it must have four dimensions", weight.dims)
	}
	kernel := c.integers("kernel_shape")
	if kernel != nil && !slices.Equal(kernel, wide(weight.dims[2:])) {
		return c.fail("kernel_shape is %v and the weights have shape %v; they must be the same", kernel, weight.dims)
	}
	op := &network.Conv2D{Out: weight.dims[0], Window: c.window(v, wide(weight.dims[2:]), padding, nil), Bias: c.given(2)}
	channels := v.view[0]
	groups := c.integer("group", 1)
	switch {
	case c.err != nil:
		return nil
	case groups < 1 || groups > int64(channels) || int64(weight.dims[1])*groups != int64(channels):
		return c.fail("group is %d and the weights have shape %v for %d channels; they must fit", groups, weight.dims, channels)
	case groups > 1 && groups == int64(channels):
		op.Depthwise = true
	case groups > 1:
		op.Groups = int(groups)
	}
	names, params := []string{c.in[1].name}, [][]float32{c.copied(weight.v)}
	if op.Bias {
		names, params = append(names, c.in[2].name), append(params, c.vector(2, op.Out))
	}
	return c.join(op, []*value{v}, names, params...)
}

// images returns input 0, channels of height and width, and what a Pad puts around them:
// rows and columns before, and after. Without pad, there must be no Pad.
func (c *call) images(pad bool) (v *value, padding []int64) {
	v = c.in[0]
	if pad && v.isSamples() && v.part == padded {
		v, padding = v.as(whole), v.pads
	} else {
		v, padding = c.plain(0), make([]int64, 4)
	}
	if v != nil && len(v.view) != 3 {
		c.fail("input 0 has shape %s a sample; it must be channels, height and width", v.view)
	}
	return v, padding
}

// window reads the attributes of a window, around which there is some padding already.
// Padding of unlike sides is that of the side before, on both sides, if that gives as many
// positions: their windows are the same then. Bare, if it is not nil, says whether windows
// see any padding of their own.
func (c *call) window(v *value, kernel, outer []int64, bare *bool) network.Window {
	var w network.Window
	strides, dilations, pads := c.integers("strides"), c.integers("dilations"), c.integers("pads")
	auto, ceil := c.text("auto_pad", "NOTSET"), c.integer("ceil_mode", 0) != 0
	if len(kernel) != 2 || strides != nil && len(strides) != 2 || pads != nil && len(pads) != 4 {
		c.fail("kernel %v, strides %v, pads %v; they must be of height and width", kernel, strides, pads)
	}
	for _, d := range dilations {
		if d != 1 {
			c.fail("dilations are %v; they must be 1", dilations)
		}
	}
	if bare != nil {
		*bare = true
	}
	for d := range 2 {
		if c.err != nil {
			return w
		}
		n, k, s := int64(v.view[d+1])+outer[d]+outer[d+2], kernel[d], int64(1)
		if strides != nil {
			s = strides[d]
		}
		if k < 1 || s < 1 || k > maxLength || s > maxLength {
			c.fail("kernel is %v and strides are %v; they must be 1 or more", kernel, strides)
			return w
		}
		var before, behind int64
		switch auto {
		case "NOTSET":
			if pads != nil {
				before, behind = pads[d], pads[d+2]
			}
		case "SAME_UPPER", "SAME_LOWER":
			total := max(0, ((n+s-1)/s-1)*s+k-n)
			before, behind = total/2, total-total/2
			if auto == "SAME_LOWER" {
				before, behind = behind, before
			}
		case "VALID":
		default:
			c.fail("auto_pad is %.40q; it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto)
		}
		if before < 0 || behind < 0 || before > maxLength || behind > maxLength || n+before+behind < k {
			c.fail("pads are %v around %d numbers for a kernel of %d; they must be 0 or more, and the kernel must fit in", pads, n, k)
			return w
		}
		positions := (n+before+behind-k)/s + 1
		if ceil && (n+before+behind-k)%s != 0 && positions*s < n+before {
			positions++
		}
		if bare != nil && (positions-1)*s+k > n+before+behind {
			c.fail("the mean of its last window along dimension %d is of fewer numbers than the others', since ceil_mode is 1; it must be 0", d+2)
			return w
		}
		if bare != nil && (before > 0 || (positions-1)*s+k > n) {
			*bare = false
		}
		all := before + outer[d] // padding of ours
		if inside := int64(v.view[d+1]); inside+2*all < k || (inside+2*all-k)/s+1 != positions || all >= k {
			c.fail("it has %d positions along dimension %d, with padding of %d before and %d after, kernel %d and stride %d; it must have the same with one padding, below the kernel, on both sides: export the model for other sizes, or with symmetric padding and without ceil_mode",
				positions, d+2, all, behind+outer[d+2], k, s)
			return w
		}
		w.Kernel[d], w.Stride[d], w.Padding[d] = int(k), int(s), int(all)
	}
	return w
}

func readMaxPool(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	c.must("storage_order", 0)
	v, outer := c.images(false)
	if c.err != nil {
		return nil
	}
	op := &network.MaxPool{Window: c.window(v, c.integers("kernel_shape"), outer, nil)}
	return c.join(op, []*value{v}, nil)
}

func readAveragePool(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	v, outer := c.images(true)
	if c.err != nil {
		return nil
	}
	bare, include := false, c.integer("count_include_pad", 0) != 0
	op := &network.AveragePool{Window: c.window(v, c.integers("kernel_shape"), outer, &bare)}
	if !include && !bare {
		return c.fail("its padding is left out of means; count_include_pad must be 1, or there must be no padding")
	}
	return c.join(op, []*value{v}, nil)
}

func readGlobalAveragePool(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	v, _ := c.images(false)
	if c.err != nil {
		return nil
	}
	return c.join(&network.AveragePool{Global: true}, []*value{v}, nil)
}

// readReduceMean reads the mean over height and width.
func readReduceMean(c *call) *value {
	if !c.inputs(1, 2) {
		return nil
	}
	axes, keep := c.known(1, "axes", 18), c.integer("keepdims", 1) != 0
	c.must("noop_with_empty_axes", 0)
	v, _ := c.images(false)
	if c.err != nil {
		return nil
	}
	var over []int
	for _, a := range axes {
		over = append(over, c.axis(a, 4))
	}
	if slices.Sort(over); !slices.Equal(over, []int{2, 3}) {
		return c.fail("axes are %v; they must be those of height and width, 2 and 3", axes)
	}
	out := c.join(&network.AveragePool{Global: true}, []*value{v}, nil)
	if c.err != nil || keep {
		return out
	}
	c.origins[out.node].output = "" // which is that of the flatten
	return c.view(out, v.view[:1])
}

// readPad keeps zeros around images for the convolution or average pool that reads them.
func readPad(c *call) *value {
	if !c.inputs(1, 4) {
		return nil
	}
	mode, pads := c.text("mode", "constant"), c.known(1, "pads", 11)
	if c.given(3) {
		return c.fail("it has axes; it must have pads for all dimensions")
	}
	number := float32(0)
	if c.opset < 11 {
		number = c.float("value", 0)
	} else if c.given(2) {
		if numbers := c.row(2, 1); numbers != nil {
			number = numbers[0]
		}
	}
	v, _ := c.images(false)
	if c.err != nil {
		return nil
	}
	if mode != "constant" || number != 0 || len(pads) != 8 || pads[0]|pads[1]|pads[4]|pads[5] != 0 {
		return c.fail("mode is %.40q, pads are %v and the number is %g; it must put zeros around height and width alone", mode, pads, number)
	}
	out := v.as(padded)
	out.pads = []int64{pads[2], pads[3], pads[6], pads[7]}
	for _, p := range out.pads {
		if p < 0 || p > maxLength {
			return c.fail("pads are %v; they must be 0 or more", pads)
		}
	}
	if slices.Equal(out.pads, make([]int64, 4)) {
		return v
	}
	return out
}
