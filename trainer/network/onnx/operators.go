package onnx

import (
	"math"
	"slices"

	"nashprune/trainer/network"
)

// operators read the nodes of files.
var operators = map[string]func(*call) *value{
	"Gemm": readGemm, "MatMul": readMatMul, "Conv": readConv, "BatchNormalization": readBatchNorm,
	"Relu": activation(network.ReLU), "Tanh": activation(network.Tanh), "LeakyRelu": readLeakyRelu, "Gelu": readGelu, "Clip": readClip,
	"MaxPool": readMaxPool, "AveragePool": readAveragePool, "GlobalAveragePool": readGlobalAveragePool, "ReduceMean": readReduceMean,
	"Add": readAdd, "Sum": readSum, "Sub": readSub, "Mul": readMul, "Div": readDiv, "Erf": readErf,
	"Concat": readConcat, "Dropout": readDropout, "Pad": readPad,
	"Softmax": readSoftmax, "LogSoftmax": readSoftmax,

	"Flatten": readFlatten, "Reshape": readReshape, "Squeeze": readSqueeze, "Unsqueeze": readUnsqueeze, "Identity": readIdentity,
	"Shape": readShape, "Gather": readGather, "Slice": readSlice, "Transpose": readTranspose, "Cast": readCast,
	"Constant": readConstant, "ConstantOfShape": readConstantOfShape,
}

// readable says what networks are made of.
const readable = "dense layers, convolutions, batch norms, rectifiers, tanh, GELU, pools, sums, concatenations of channels, flattens and dropouts"

// readGemm reads alpha A B + beta C, with samples in A.
func readGemm(c *call) *value {
	if !c.inputs(2, 3) {
		return nil
	}
	c.must("transA", 0)
	alpha, beta, transposed := c.float("alpha", 1), c.float("beta", 1), c.integer("transB", 0) != 0
	v, weight := c.plain(0), c.reals(1)
	if c.err != nil {
		return nil
	}
	if len(weight.dims) != 2 {
		return c.fail("input 1 has shape %v; it must have two dimensions", weight.dims)
	}
	if !transposed {
		weight = transpose(weight, []int{1, 0})
	}
	names := []string{c.in[1].name}
	bias := make([]float32, weight.dims[0])
	if c.given(2) {
		if bias = c.row(2, len(bias)); bias == nil {
			return nil
		}
		names = append(names, c.in[2].name)
	}
	rows := c.copied(weight.v)
	scale(rows, alpha)
	scale(bias, beta)
	return c.dense(v, weight.dims, rows, bias, names)
}

func scale(v []float32, by float32) {
	if by != 1 {
		for i := range v {
			v[i] *= by
		}
	}
}

// row returns a constant that is added to a row of so many numbers.
func (c *call) row(k, length int) []float32 {
	a := c.reals(k)
	if a == nil {
		return nil
	}
	n := len(a.dims)
	if len(a.v) != 1 && len(a.v) != length || n > 0 && a.dims[n-1] != len(a.v) {
		c.fail("input %d has shape %v; it must be [%d], one number an output", k, a.dims, length)
		return nil
	}
	if len(a.v) == length {
		return c.copied(a.v)
	}
	if err := c.take(4 * length); err != nil {
		c.fail("%w", err)
		return nil
	}
	return slices.Repeat(a.v, length)
}

// dense appends a dense layer.
func (c *call) dense(v *value, dims []int, weight, bias []float32, names []string) *value {
	if c.err != nil {
		return nil
	}
	if in := c.nodes[v.node].Shape; len(in) != 1 || in[0] != dims[1] {
		return c.fail("it reads %s numbers a sample with weights of [%d, %d]; they must fit: put a Flatten before it", in, dims[0], dims[1])
	}
	return c.join(&network.Dense{Out: dims[0]}, []*value{v}, names, weight, bias)
}

func readMatMul(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	v, weight := c.plain(0), c.reals(1)
	if c.err != nil {
		return nil
	}
	if len(weight.dims) != 2 {
		return c.fail("input 1 has shape %v; it must have two dimensions", weight.dims)
	}
	weight = transpose(weight, []int{1, 0})
	return c.dense(v, weight.dims, c.copied(weight.v), make([]float32, weight.dims[0]), []string{c.in[1].name})
}

func readBatchNorm(c *call) *value {
	if !c.inputs(5, 5) {
		return nil
	}
	c.must("training_mode", 0)
	c.must("spatial", 1)
	epsilon, momentum := c.float("epsilon", 1e-5), c.float("momentum", 0.9)
	v := c.samples(0)
	if v == nil {
		return nil
	}
	var names []string
	var params [][]float32
	for k := 1; k < 5; k++ {
		params = append(params, c.vector(k, v.view[0]))
		if c.err != nil {
			return nil
		}
		names = append(names, c.in[k].name)
	}
	return c.join(&network.BatchNorm{Epsilon: decimal(epsilon), Momentum: decimal(float32(1 - decimal(momentum)))}, []*value{v}, names, params...)
}

// activation reads an operator that applies a function to each number.
func activation(function network.Activation) func(*call) *value {
	return func(c *call) *value {
		if !c.inputs(1, 1) {
			return nil
		}
		return c.activate(function, c.samples(0))
	}
}

func (c *call) activate(function network.Activation, v *value) *value {
	if c.err != nil {
		return nil
	}
	return c.join(&network.Activate{Function: function}, []*value{v}, nil)
}

func readLeakyRelu(c *call) *value {
	if slope := c.float("alpha", 0.01); slope != network.LeakySlope {
		return c.fail("alpha is %g; it must be %g", slope, network.LeakySlope)
	}
	return activation(network.LeakyReLU)(c)
}

func readGelu(c *call) *value {
	if how := c.text("approximate", "none"); how != "none" {
		return c.fail(`approximate is %.40q; it must be "none"`, how)
	}
	return activation(network.GELU)(c)
}

// readClip reads a Clip that is a rectifier, alone or after one.
func readClip(c *call) *value {
	if !c.inputs(1, 3) {
		return nil
	}
	low, high := math.Inf(-1), math.Inf(1)
	if c.opset < 11 {
		low, high = float64(c.float("min", -math.MaxFloat32)), float64(c.float("max", math.MaxFloat32))
	}
	for k, bound := range []*float64{&low, &high} {
		if c.given(k + 1) {
			a := c.reals(k + 1)
			if a == nil || len(a.v) != 1 {
				return c.fail("input %d must be one number", k+1)
			}
			*bound = float64(a.v[0])
		}
	}
	v := c.samples(0)
	switch {
	case c.err != nil:
		return nil
	case low == 0 && high >= math.MaxFloat32:
		return c.activate(network.ReLU, v)
	case low == 0 && high == 6:
		return c.activate(network.ReLU6, v)
	case low <= 0 && high == 6 && c.uses[v.name] == 1 && c.rectifies(v):
		c.nodes[v.node].Op = &network.Activate{Function: network.ReLU6}
		c.origins[v.node].output = c.node.out[0]
		return &value{node: v.node, view: v.view}
	}
	return c.fail("it clips to [%g, %g]; it must be a rectifier, to [0, +Inf] or [0, 6]", low, high)
}

// rectifies reports whether a rectifier made v.
func (c *call) rectifies(v *value) bool {
	op, is := c.nodes[v.node].Op.(*network.Activate)
	return is && op.Function == network.ReLU
}

func readAdd(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	if c.constants() {
		return c.fold(func(x, y float32) float32 { return x + y }, func(x, y extent) (extent, bool) {
			return extent{x.n + y.n, x.batch}, x.batch == y.batch
		})
	}
	v, constant := c.mixed()
	switch {
	case c.err != nil:
		return nil
	case constant == nil:
		return readSum(c)
	case v.part == erf && c.isScalar(constant, 1):
		return v.as(erfPlus)
	case v.part == whole && !v.raw:
		if out := c.addBias(v, constant); out != nil || c.err != nil {
			return out
		}
	}
	return c.arithmetic(v, constant)
}

// addBias makes a constant the bias of the dense layer or convolution without one that
// made v; nil: it cannot be.
func (c *call) addBias(v, constant *value) *value {
	node := &c.nodes[v.node]
	from := &c.origins[v.node]
	if len(from.params) != 1 || !v.view.Equal(node.Shape) || c.uses[v.name] != 1 {
		return nil
	}
	channels, a := node.Shape[0], constant.reals
	if len(a.v) != channels && len(a.v) != 1 {
		return nil
	}
	if d := len(a.dims) - len(node.Shape); len(a.v) == channels && (d < 0 || channels > 1 && a.dims[d] != channels) {
		return nil // the numbers lie along another dimension
	}
	bias := c.copied(a.v)
	if c.err != nil {
		return nil
	}
	if len(bias) < channels {
		bias = slices.Repeat(bias, channels)
	}
	switch op := node.Op.(type) {
	case *network.Dense:
		c.params[v.node][1] = bias
	case *network.Conv2D:
		biased := *op
		biased.Bias = true
		node.Op = &biased
		c.params[v.node] = append(c.params[v.node], bias)
	default:
		return nil
	}
	for i, x := range bias {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return c.fail("number %d of its constant is %g; it must be finite", i, x)
		}
	}
	from.params = append(from.params, constant.name)
	from.output = c.node.out[0]
	return &value{node: v.node, view: v.view}
}

// readSum reads a sum of samples.
func readSum(c *call) *value {
	if !c.inputs(1, len(c.in)) {
		return nil
	}
	var values []*value
	for k := range c.in {
		v := c.samples(k)
		if v == nil {
			return nil
		}
		if k > 0 && !v.view.Equal(values[0].view) {
			return c.fail("inputs 0 and %d have shapes %s and %s a sample; it adds inputs of one shape", k, values[0].view, v.view)
		}
		values = append(values, v)
	}
	if len(values) == 1 {
		return values[0]
	}
	return c.join(&network.Add{}, values, nil)
}

func readSub(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	if c.constants() {
		return c.fold(func(x, y float32) float32 { return x - y }, func(x, y extent) (extent, bool) {
			return extent{x.n - y.n, x.batch}, x.batch == y.batch
		})
	}
	return c.ordered()
}

// ordered reads arithmetic whose second input is the constant.
func (c *call) ordered() *value {
	v, constant := c.mixed()
	if c.err != nil {
		return nil
	}
	if constant == nil || constant != c.in[1] {
		return c.fail("its second input must be a constant")
	}
	return c.arithmetic(v, constant)
}

func readMul(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	if c.constants() {
		return c.fold(func(x, y float32) float32 { return x * y }, func(x, y extent) (extent, bool) {
			return extent{x.n * y.n, x.batch || y.batch}, !(x.batch && y.batch) && small(x.n) && small(y.n)
		})
	}
	if !c.in[0].isSamples() || !c.in[1].isSamples() {
		v, constant := c.mixed()
		switch {
		case c.err != nil:
			return nil
		case v.part == whole && c.isScalar(constant, math.Sqrt2/2) && c.goesTo("Erf"):
			return v.as(scaled)
		case v.part == whole && c.isScalar(constant, 0.5) && c.goesTo("Mul"):
			return v.as(halved)
		case v.part == erfPlus && c.isScalar(constant, 0.5):
			return v.as(normal)
		case v.part == doubled && c.isScalar(constant, 0.5):
			return c.activate(network.GELU, v.as(whole))
		}
		return c.arithmetic(v, constant)
	}
	for _, pair := range [][2]*value{{c.in[0], c.in[1]}, {c.in[1], c.in[0]}} {
		x, factor := pair[0], pair[1]
		switch {
		case x.node != factor.node:
		case x.part == whole && factor.part == erfPlus:
			return x.as(doubled)
		case x.part == whole && factor.part == normal, x.part == halved && factor.part == erfPlus:
			return c.activate(network.GELU, x.as(whole))
		}
	}
	return c.fail("it multiplies two tensors of samples; one must be a constant, or both parts of a GELU")
}

func readDiv(c *call) *value {
	if !c.inputs(2, 2) {
		return nil
	}
	if c.constants() {
		return c.fold(func(x, y float32) float32 { return x / y }, func(x, y extent) (extent, bool) {
			if y.n == 0 || y.batch && !x.batch || x.batch && !y.batch && x.n%y.n != 0 {
				return extent{}, false
			}
			return extent{x.n / y.n, x.batch && !y.batch}, true
		})
	}
	if v, constant := c.in[0], c.in[1]; v.isSamples() && v.part == whole && !constant.isSamples() && c.isScalar(constant, math.Sqrt2) && c.goesTo("Erf") {
		return v.as(scaled)
	}
	return c.ordered()
}

func readErf(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	if v := c.in[0]; v.isSamples() && v.part == scaled {
		return v.as(erf)
	}
	return c.fail("it must be part of a GELU, x (1 + erf(x / sqrt(2))) / 2")
}

// mixed returns the input of samples and the constant of two inputs; nil: both are samples.
func (c *call) mixed() (samples, constant *value) {
	samples, constant = c.in[0], c.in[1]
	if !samples.isSamples() {
		samples, constant = constant, samples
	}
	if constant.isSamples() {
		return samples, nil
	}
	if constant.reals == nil {
		c.fail("its constant has whole numbers; it must have floating ones")
	}
	return samples, constant
}

// as returns another part of what v is of.
func (v *value) as(p part) *value { return &value{node: v.node, view: v.view, part: p} }

// isScalar reports whether a constant is one number near x, or x rounded to its kind.
func (c *call) isScalar(v *value, x float64) bool {
	if v.reals == nil || len(v.reals.v) != 1 {
		return false
	}
	kind, known := kinds[c.kinds[v.name]]
	return math.Abs(float64(v.reals.v[0])-x) < 1e-6 || known && v.reals.v[0] == kind.real.round(float32(x))
}

// goesTo reports whether a node of an operator reads the output of c.
func (c *call) goesTo(op string) bool {
	return slices.ContainsFunc(c.feeds[c.node.out[0]], func(n int) bool { return c.proto.graph.nodes[n].op == op })
}

// arithmetic reads an operator with a constant that is no part of the network.
func (c *call) arithmetic(v, constant *value) *value {
	if v.part != whole && v.part != after {
		return c.fail("it reads what is %s; that can be read as such alone", v.part)
	}
	a := constant.reals
	dims := a.dims
	if len(dims) == len(v.view)+1 && dims[0] == 1 {
		dims = dims[1:]
	}
	if len(dims) > len(v.view) || !fits(dims, v.view) {
		return c.fail("its constant has shape %v for samples of %s; it must have one number for each number of a sample, or for all", a.dims, v.view)
	}
	for i, x := range a.v {
		if x-x != 0 || x == 0 && c.node.op == "Div" {
			return c.fail("number %d of its constant is %g; it must be finite, and divide", i, x)
		}
	}
	s := c.step(constant, dims)
	switch {
	case c.uses[v.name] != 1:
		return c.fail("its constant changes what other nodes read unchanged; that can be read at the output alone")
	case v.raw:
		c.before = append(c.before, s)
		return &value{node: v.node, view: v.view, raw: true}
	case len(v.view) != 1:
		return c.fail("it changes numbers by a constant inside the network; that can be read at its input and output, and as the bias of a layer")
	}
	c.after = append(c.after, s)
	return v.as(after)
}

// fits reports whether a constant is repeated to the shape of a sample.
func fits(dims []int, view network.Shape) bool {
	for d, n := range aligned(dims, len(view)) {
		if n != 1 && n != view[d] {
			return false
		}
	}
	return true
}

// readSoftmax keeps a Softmax or LogSoftmax at the output apart.
func readSoftmax(c *call) *value {
	if !c.inputs(1, 1) {
		return nil
	}
	missing := int64(1)
	if c.opset >= 13 {
		missing = -1
	}
	axis := c.integer("axis", missing)
	v := c.in[0]
	switch {
	case !v.isSamples() || v.part != whole && v.part != after:
		c.samples(0)
		return nil
	case len(v.view) != 1 || c.axis(axis, 2) != 1 || c.uses[v.name] != 1 || !c.isLast():
		return c.fail("it must be the last node, over the outputs of a sample")
	}
	c.after = append(c.after, c.step(nil, nil))
	return v.as(after)
}

// isLast reports whether the output of c is that of the graph, but for a change of its kind of
// number.
func (c *call) isLast() bool {
	name := c.node.out[0]
	if feeds := c.feeds[name]; len(feeds) == 1 && c.uses[name] == 1 {
		if next := c.proto.graph.nodes[feeds[0]]; next.op == "Cast" && len(next.out) == 1 {
			name = next.out[0]
		}
	}
	return name == c.output
}

func readConcat(c *call) *value {
	if !c.inputs(1, len(c.in)) {
		return nil
	}
	axis := c.integer("axis", 1)
	if c.constants() {
		return c.concatConstants(axis)
	}
	var values []*value
	for k := range c.in {
		v := c.plain(k)
		if v == nil || c.axis(axis, len(v.view)+1) != 1 {
			return c.fail("axis is %d; it must be 1, that of channels", axis)
		}
		values = append(values, v)
	}
	if len(values) == 1 {
		return values[0]
	}
	return c.join(&network.Concat{}, values, nil)
}

func readDropout(c *call) *value {
	if !c.inputs(1, 3) {
		return nil
	}
	c.integer("seed", 0)
	ratio := float32(0.5)
	if c.opset < 12 {
		ratio = c.float("ratio", 0.5)
	} else if c.given(1) {
		if ratios := c.row(1, 1); ratios != nil {
			ratio = ratios[0]
		}
	}
	if training := c.known(2, "", 0); len(training) > 0 && training[0] != 0 {
		return c.fail("training_mode is true; it must be false: export the model in evaluation mode")
	}
	if c.constants() {
		return c.in[0]
	}
	v := c.samples(0)
	if c.err != nil {
		return nil
	}
	return c.join(&network.Dropout{Probability: decimal(ratio)}, []*value{v}, nil)
}
