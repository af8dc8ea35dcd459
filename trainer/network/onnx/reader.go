package onnx

import (
	"fmt"
	"hash"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/network"
)

// reader makes a network of the nodes of a file, in their order.
type reader struct {
	proto     modelProto
	opset     int
	files     *files
	digest    hash.Hash
	input     string
	inputKind int64
	output    string
	batch     int64 // the number of samples that the file is made for; 0: any
	batchName string
	sample    network.Shape

	initializers map[string]*tensorProto // by name; they are read where a node reads them

	values map[string]*value // tensors by name
	uses   map[string]int    // how many nodes read a tensor, but for its shape
	feeds  map[string][]int  // nodes that read a tensor
	made   map[string]int    // the node that makes a tensor

	// The nodes of the network so far, with shapes, names in the file and parameters.
	nodes   []network.Node
	params  [][][]float32
	origins []origin
	names   map[string]int   // those that are taken, with the number that the next like it gets
	kinds   map[string]int64 // of the numbers of constants, by name
	// transposed names the constant that another is made of by a Transpose.
	transposed map[string]string

	before, after []Step

	budget  int // bytes that constants and parameters may still take
	entries int // that axes may still have
}

// value is a tensor of the file: a constant of floating or whole numbers, or what a node of
// the network makes of samples.
type value struct {
	name   string // of the tensor
	reals  *array[float32]
	wholes *array[extent]

	node int
	// view is the shape of a sample. It is the node's, or that with ones behind it.
	view network.Shape
	raw  bool // nothing but steps has been done to the input
	part part
	pads []int64 // of part padded: rows and columns before, rows and columns after
}

// part says how much of an operator of ours a value is, where the file has several for it.
type part string

const (
	whole   part = ""
	padded  part = "the input of a convolution with its padding"
	scaled  part = "the beginning of a GELU, x / sqrt(2)"
	erf     part = "a part of a GELU, erf(x / sqrt(2))"
	erfPlus part = "a part of a GELU, 1 + erf(x / sqrt(2))"
	halved  part = "a part of a GELU, x / 2"
	normal  part = "a part of a GELU, (1 + erf(x / sqrt(2))) / 2"
	doubled part = "a GELU without its factor of a half"
	after   part = "what comes after the network"
)

func (v *value) isSamples() bool { return v.reals == nil && v.wholes == nil }

func (v *value) dims() []int {
	if v.reals != nil {
		return v.reals.dims
	}
	return v.wholes.dims
}

func realValue(a *array[float32]) *value { return &value{reals: a} }
func wholeValue(a *array[extent]) *value { return &value{wholes: a} }

// take accounts for so many bytes.
func (r *reader) take(bytes int) error {
	if bytes > r.budget {
		return fmt.Errorf("its constants take far more memory than the file; each must be used once or twice")
	}
	r.budget -= bytes
	return nil
}

// constant reads a tensor of the file.
func (r *reader) constant(t *tensorProto) (*value, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	dims, size, err := t.shape()
	if err != nil {
		return nil, err
	}
	if t.indices != nil {
		return r.expand(t, dims, size)
	}
	raw, err := t.bytes(size, r.files)
	if err != nil {
		return nil, err
	}
	if kinds[t.kind].real != nil {
		if err := r.take(4 * size); err != nil {
			return nil, err
		}
		v, err := t.real(size, raw)
		return realValue(&array[float32]{dims, v}), err
	}
	if err := r.take(16 * size); err != nil {
		return nil, err
	}
	v, err := t.whole(size, raw)
	return wholeValue(&array[extent]{dims, v}), err
}

// add appends a node of the network.
func (r *reader) add(name string, from origin, op network.Op, in []int, params ...[]float32) (int, error) {
	if len(r.nodes) == maxOurs {
		return 0, fmt.Errorf("the network has over %d nodes; it must have fewer", maxOurs)
	}
	var shapes []network.Shape
	for _, n := range in {
		shapes = append(shapes, r.nodes[n].Shape)
	}
	shape, specs, err := op.Infer(shapes)
	if err != nil {
		return 0, err
	}
	size := 1.
	for _, n := range shape {
		size *= float64(n)
		r.entries -= n
	}
	if size > maxLength || r.entries < 0 {
		return 0, fmt.Errorf("its output has shape %s; it must have fewer entries, for a file of so few bytes", shape)
	}
	for k, spec := range specs {
		if k >= len(params) || len(params[k]) != network.Shape(spec.Shape).Size() {
			return 0, fmt.Errorf("its %s must have shape %s", spec.Name, network.Shape(spec.Shape))
		}
		for i, x := range params[k] {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return 0, fmt.Errorf("number %d of its %s is %g; it must be finite", i, spec.Name, x)
			}
		}
	}
	r.nodes = append(r.nodes, network.Node{Name: r.unique(name), Op: op, In: in, Shape: shape})
	r.params = append(r.params, params)
	r.origins = append(r.origins, from)
	return len(r.nodes) - 1, nil
}

// unique returns a name that no node has yet.
func (r *reader) unique(name string) string {
	free := name
	for r.names[free] > 0 {
		r.names[name]++
		free = name + "_" + strconv.Itoa(r.names[name])
	}
	r.names[free] = 1
	return free
}

// foreign is what names of nodes do not have: a colon stands between a node and a player.
var foreign = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// nameOf returns the name of a node: what comes before ".weight" in the name of its
// weights, as PyTorch has it, or the name of the file's node, or of its output.
func nameOf(n *nodeProto, weights *value) string {
	name := title(n)
	if weights != nil {
		if module, is := strings.CutSuffix(weights.name, ".weight"); is && module != "" {
			name = module
		}
	}
	name = strings.Trim(foreign.ReplaceAllString(name, "."), ".")
	if name == "" {
		return strings.ToLower(n.op)
	}
	return name[:min(len(name), 100)]
}

// call is a node of the file while it is read. Its first error is that of finish.
type call struct {
	*reader
	node *nodeProto
	in   []*value // nil: not given
	seen []string // attributes
	err  error
}

func (c *call) fail(format string, args ...any) *value {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
	return nil
}

// finish refuses attributes that nothing has read.
func (c *call) finish() error {
	for i := range c.node.attributes {
		if name := c.node.attributes[i].name; c.err == nil && !slices.Contains(c.seen, name) {
			c.fail("it has an attribute %.40q; without it, it could be read", name)
		}
	}
	return c.err
}

// attribute returns the attribute of a name and a kind, or nil.
func (c *call) attribute(name string, kind int64) *attributeProto {
	c.seen = append(c.seen, name)
	a := c.node.find(name)
	// Files from before there were kinds have none.
	if a != nil && a.kind != kind && a.kind != 0 {
		c.fail("its attribute %q is of kind %d; it must be of kind %d", name, a.kind, kind)
		return nil
	}
	return a
}

func (c *call) integer(name string, missing int64) int64 {
	if a := c.attribute(name, integerAttribute); a != nil {
		return a.integer
	}
	return missing
}

func (c *call) float(name string, missing float32) float32 {
	if a := c.attribute(name, floatAttribute); a != nil {
		return a.float
	}
	return missing
}

func (c *call) text(name, missing string) string {
	if a := c.attribute(name, textAttribute); a != nil {
		return a.text
	}
	return missing
}

// integers reads a list; nil where there is none.
func (c *call) integers(name string) []int64 {
	if a := c.attribute(name, intsAttribute); a != nil {
		return a.ints
	}
	return nil
}

// must refuses an integer attribute with another value.
func (c *call) must(name string, value int64) {
	if v := c.integer(name, value); v != value {
		c.fail("%s is %d; it must be %d", name, v, value)
	}
}

// given reports whether there is an input k.
func (c *call) given(k int) bool { return k < len(c.in) && c.in[k] != nil }

// inputs holds the number of inputs to a range.
func (c *call) inputs(least, most int) bool {
	for k := range least {
		if !c.given(k) {
			c.fail("it has no input %d; it must have %d", k, least)
			return false
		}
	}
	if len(c.in) > most {
		c.fail("it has %d inputs; it must have %d at most", len(c.in), most)
		return false
	}
	return true
}

// constants reports whether all inputs that are given are constants.
func (c *call) constants() bool {
	for _, v := range c.in {
		if v != nil && v.isSamples() {
			return false
		}
	}
	return len(c.in) > 0
}

// samples returns input k, which a node of the network makes; nil: it does not.
func (c *call) samples(k int) *value {
	switch {
	case !c.given(k):
		c.fail("it has no input %d", k)
		return nil
	case !c.in[k].isSamples():
		c.fail("input %d is a constant; it must depend on the network's input", k)
		return nil
	case c.in[k].part == after:
		c.fail("it reads what %s of %.80q changes; that can be read at the network's output alone", c.after[len(c.after)-1].Op, c.in[k].name)
		return nil
	case c.in[k].part != whole:
		c.fail("it reads what is %s; that can be read as such alone", c.in[k].part)
		return nil
	}
	return c.in[k]
}

// plain returns input k whose shape is that of its node.
func (c *call) plain(k int) *value {
	v := c.samples(k)
	if v != nil && !v.view.Equal(c.nodes[v.node].Shape) {
		c.fail("input %d has shape %s a sample, which was %s; a reshape before it must not be there", k, v.view, c.nodes[v.node].Shape)
		return nil
	}
	return v
}

// reals returns the floating constant that is input k.
func (c *call) reals(k int) *array[float32] {
	if !c.given(k) || c.in[k].reals == nil {
		c.fail("input %d must be a constant of floating numbers: export the model with its weights, in evaluation mode", k)
		return nil
	}
	return c.in[k].reals
}

// vector returns the constant that is input k, which has one dimension of so many numbers.
func (c *call) vector(k, length int) []float32 {
	a := c.reals(k)
	if a != nil && (len(a.dims) != 1 || a.dims[0] != length) {
		c.fail("input %d has shape %v; it must be [%d]", k, a.dims, length)
		return nil
	}
	if a == nil {
		return nil
	}
	return c.copied(a.v)
}

// copied accounts for parameters that are made of a constant, which others may use, too.
func (c *call) copied(v []float32) []float32 {
	if err := c.take(4 * len(v)); err != nil {
		c.fail("%w", err)
		return nil
	}
	return slices.Clone(v)
}

// wholes returns input k, whole numbers that are known but for the number of samples.
func (c *call) wholes(k int) *array[extent] {
	if !c.given(k) || c.in[k].wholes == nil {
		c.fail("input %d must be whole numbers that are known: export the model with constant shapes", k)
		return nil
	}
	return c.in[k].wholes
}

// known returns the whole numbers of input k, or of an attribute, none of which may be a
// number of samples; nil: they are not there.
func (c *call) known(k int, attribute string, since int) []int64 {
	if c.opset < since {
		return c.integers(attribute)
	}
	if !c.given(k) {
		return nil
	}
	a := c.wholes(k)
	if a == nil {
		return nil
	}
	list := make([]int64, 0, len(a.v))
	for _, e := range a.v {
		if e.batch {
			c.fail("input %d depends on the number of samples; it must be constant", k)
			return nil
		}
		list = append(list, e.n)
	}
	return list
}

// axis brings an axis to 0 to rank-1.
func (c *call) axis(axis int64, rank int) int {
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis >= int64(rank) {
		c.fail("axis %d of %d dimensions; it must be one of them", axis, rank)
		return 0
	}
	return int(axis)
}

// join appends a node that reads several values of one view. Initializers have the names
// of its parameters.
func (c *call) join(op network.Op, values []*value, initializers []string, params ...[]float32) *value {
	if c.err != nil {
		return nil
	}
	var in []int
	for _, v := range values {
		in = append(in, v.node)
	}
	var weights *value
	if len(initializers) > 0 {
		weights = &value{name: initializers[0]}
	}
	n, err := c.add(nameOf(c.node, weights), origin{c.node.name, c.node.out[0], initializers}, op, in, params...)
	if err != nil {
		return c.fail("%w", err)
	}
	made := &value{node: n, view: c.nodes[n].Shape}
	if old := c.nodes[values[0].node].Shape; len(c.nodes[n].Shape) == len(old) && len(values[0].view) > len(old) {
		made.view = append(slices.Clone(made.view), values[0].view[len(old):]...)
	}
	return made
}

// alone reports whether c alone reads input k.
func (c *call) alone(k int) bool { return c.uses[c.node.in[k]] == 1 }

// step keeps an operator apart, as one that comes before the network or after it.
func (c *call) step(constant *value, shape []int) Step {
	s := Step{Op: c.node.op, Node: c.node.name, Output: c.node.out[0], Shape: shape}
	if constant != nil {
		s.Constant, s.Values = constant.name, constant.reals.v
	}
	return s
}

// kind returns the kind of number of a constant that c makes of others: theirs, or that of its
// own value.
func (c *call) kind() int64 {
	for _, v := range c.in {
		if v != nil && v.reals != nil {
			return c.kinds[v.name]
		}
	}
	if a := c.node.find("value"); a != nil && a.tensor != nil {
		return a.tensor.kind
	}
	return float32Kind
}

// decimal returns the shortest decimal that rounds to a float32.
func decimal(x float32) float64 {
	d, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	return d
}
