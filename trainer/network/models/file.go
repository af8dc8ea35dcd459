package models

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"nashprune/trainer/network"
)

// The limits of a file: past them its numbers are a slip of the finger.
const (
	maxFile   = 1 << 20
	maxNodes  = 10000
	maxNumber = 65536
)

// line is what a line of a file that is no comment looks like. So no list goes over
// several lines, and none is nested deeply: the parser takes time and memory by the
// square of the depth.
var line = regexp.MustCompile(`^\s*(\[\[node\]\]|[a-z]+\s*=[^.\[{]*([.\[{][^.\[{]*){0,64})\s*(#.*)?$`)

// Read reads the description of a graph in TOML: tables [[node]] in the order in which
// they compute. Each has a name, an operator op, the nodes in that it reads (without it,
// the node before), and the settings of its operator. The samples are the node "input".
//
// Errors name the node, and say what it must be.
func Read(text []byte) (*Model, error) {
	for i, l := range strings.Split(string(text), "\n") {
		if l := strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") && !line.MatchString(l) {
			return nil, fmt.Errorf("line %d is %.40q; a line must be [[node]], or a setting such as kernel = [3, 5]", i+1, l)
		}
	}
	var read map[string]any
	if _, err := toml.Decode(string(text), &read); err != nil {
		return nil, err
	}
	tables, _ := read["node"].([]map[string]any)
	if len(tables) == 0 || len(tables) > maxNodes || len(read) != 1 {
		return nil, fmt.Errorf("it has %d tables [[node]] among %d keys; it must have 1 to %d of them and nothing else", len(tables), len(read), maxNodes)
	}
	nodes, names := make([]described, len(tables)), map[string]int{inputName: 0}
	m := &Model{Usual: mnist}
	for i, table := range tables {
		s := &section{values: table, unread: maps.Clone(table)}
		name := s.text("name", "")
		fail := func(err error) error { return fmt.Errorf("node %d, %.40q: %w", i+1, name, err) }
		if _, taken := names[name]; s.err == nil && (taken || !nodeName.MatchString(name)) {
			return nil, fail(fmt.Errorf("a name must be new, and of letters, digits, dots, dashes and underlines"))
		}
		nodes[i] = described{name: name, in: []int{i}}
		if _, given := table["in"]; given {
			nodes[i].in = nil
			for _, from := range s.texts("in") {
				place, known := names[from]
				if !known && s.err == nil {
					return nil, fail(fmt.Errorf("it reads %.40q; it must read %q or a node above it", from, inputName))
				}
				nodes[i].in = append(nodes[i].in, place)
			}
		}
		names[name] = i + 1
		kind := s.text("op", "")
		if s.err != nil {
			return nil, fail(s.err)
		}
		operator, known := operators[network.Kind(kind)]
		if !known {
			return nil, fail(fmt.Errorf("op is %.40q; it must be one of %s", kind, kinds()))
		}
		nodes[i].op = operator.read(s)
		m.Images = m.Images || operator.images
		if err := s.finish(kind, operator.takes); err != nil {
			return nil, fail(err)
		}
	}
	m.add = func(b *builder) {
		for _, n := range nodes {
			b.node(n.name, n.op(b), n.in...)
		}
	}
	return m, nil
}

// nodeName is what names in a file look like. A colon stands between a node and a player.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// described is a node in a file.
type described struct {
	name string
	op   func(b *builder) network.Op
	in   []int
}

// operator says what a file may set of an operator.
type operator struct {
	takes  string
	images bool // its inputs have channels, a height and a width
	read   func(s *section) func(b *builder) network.Op
}

// fixed is an operator that does not depend on the data.
func fixed(op network.Op) func(*builder) network.Op { return func(*builder) network.Op { return op } }

// operators are those of files.
var operators = map[network.Kind]operator{
	network.DenseKind: {"out", false, func(s *section) func(*builder) network.Op {
		out := s.out()
		return func(b *builder) network.Op { return &network.Dense{Out: out(b)} }
	}},
	network.Conv2DKind: {"out, kernel, stride, padding, groups, depthwise, bias", true, func(s *section) func(*builder) network.Op {
		out, window := s.out(), network.Window{Kernel: s.pair("kernel", required), Stride: s.pair("stride", 1), Padding: s.pair("padding", 0)}
		groups, depthwise, bias := s.number("groups", 0), s.flag("depthwise", false), s.flag("bias", true)
		return func(b *builder) network.Op {
			return &network.Conv2D{Out: out(b), Window: window, Groups: groups, Depthwise: depthwise, Bias: bias}
		}
	}},
	network.BatchNormKind: {"epsilon, momentum", false, func(s *section) func(*builder) network.Op {
		usual := network.PyTorchBatchNorm()
		return fixed(&network.BatchNorm{Epsilon: s.decimal("epsilon", usual.Epsilon), Momentum: s.decimal("momentum", usual.Momentum)})
	}},
	network.ActivationKind: {"function", false, func(s *section) func(*builder) network.Op {
		function := network.Activation(s.text("function", none))
		return func(b *builder) network.Op {
			if function == none {
				return &network.Activate{Function: b.activation}
			}
			return &network.Activate{Function: function}
		}
	}},
	network.DropoutKind: {"probability", false, func(s *section) func(*builder) network.Op {
		return fixed(&network.Dropout{Probability: s.decimal("probability", 0.5)})
	}},
	network.MaxPoolKind: {"kernel, stride, padding", true, func(s *section) func(*builder) network.Op {
		return fixed(&network.MaxPool{Window: s.pool()})
	}},
	network.AveragePoolKind: {"kernel, stride, padding, or global = true alone", true, func(s *section) func(*builder) network.Op {
		if s.flag("global", false) {
			return fixed(&network.AveragePool{Global: true})
		}
		return fixed(&network.AveragePool{Window: s.pool()})
	}},
	network.FlattenKind: {"", false, func(*section) func(*builder) network.Op { return fixed(&network.Flatten{}) }},
	network.AddKind:     {"", false, func(*section) func(*builder) network.Op { return fixed(&network.Add{}) }},
	network.ConcatKind:  {"", false, func(*section) func(*builder) network.Op { return fixed(&network.Concat{}) }},
}

// kinds lists the operators of files.
func kinds() string {
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(operators)) {
		words = append(words, string(kind))
	}
	return strings.Join(words, ", ")
}

// section reads the settings of a node. The first one that is not what it must be is the
// error of finish.
type section struct {
	values, unread map[string]any
	err            error
}

// required and none are defaults: there must be a value, and there is none.
const (
	required = -1
	none     = "-"
)

// classes is the number of outputs, in place of a number.
const classes = "classes"

func (s *section) fail(key, must string) {
	if s.err != nil {
		return
	}
	if value, given := s.values[key]; given {
		s.err = fmt.Errorf("%s is %.40s; it must be %s", key, fmt.Sprint(value), must)
	} else {
		s.err = fmt.Errorf("%s is missing; it must be %s", key, must)
	}
}

// take returns the value of a key.
func (s *section) take(key string) (value any, given bool) {
	value, given = s.values[key]
	delete(s.unread, key)
	return value, given
}

// finish refuses settings that the operator does not have.
func (s *section) finish(kind, takes string) error {
	if unknown := slices.Sorted(maps.Keys(s.unread)); s.err == nil && len(unknown) > 0 {
		if takes == "" {
			takes = "no settings"
		}
		return fmt.Errorf("%s has no setting %.40q; it takes %s", kind, unknown[0], takes)
	}
	return s.err
}

func (s *section) text(key, missing string) string {
	value, given := s.take(key)
	if text, ok := value.(string); ok {
		return text
	}
	if given || missing == "" {
		s.fail(key, "a text in quotes")
	}
	return missing
}

// texts reads a text, or a list of them.
func (s *section) texts(key string) []string {
	value, _ := s.take(key)
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var texts []string
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			s.fail(key, `a name in quotes, or a list of names such as ["a", "b"]`)
		}
		texts = append(texts, text)
	}
	return texts
}

func (s *section) flag(key string, missing bool) bool {
	value, given := s.take(key)
	if flag, ok := value.(bool); ok {
		return flag
	}
	if given {
		s.fail(key, "true or false")
	}
	return missing
}

func (s *section) decimal(key string, missing float64) float64 {
	value, given := s.take(key)
	switch x := value.(type) {
	case float64:
		return x
	case int64:
		return float64(x)
	}
	if given {
		s.fail(key, "a number")
	}
	return missing
}

// count returns a whole number that is in range.
func count(value any) (n int, ok bool) {
	i, ok := value.(int64)
	return int(i), ok && i >= 0 && i <= maxNumber
}

func (s *section) number(key string, missing int) int {
	value, given := s.take(key)
	n, ok := count(value)
	switch {
	case ok:
		return n
	case given || missing == required:
		s.fail(key, fmt.Sprintf("a whole number from 0 to %d", maxNumber))
	}
	return missing
}

// out reads a number of units, or that of the outputs.
func (s *section) out() func(b *builder) int {
	value, _ := s.take("out")
	if value == classes {
		return func(b *builder) int { return b.outputs }
	}
	n, ok := count(value)
	if !ok || n == 0 {
		s.fail("out", fmt.Sprintf("a whole number from 1 to %d, or %q", maxNumber, classes))
	}
	return func(*builder) int { return n }
}

// pair reads a number for height and width, or a list of both.
func (s *section) pair(key string, missing int) [2]int {
	list, ok := s.values[key].([]any)
	if !ok {
		n := s.number(key, missing)
		return [2]int{n, n}
	}
	s.take(key)
	var pair [2]int
	for d := range list {
		n, ok := count(list[d])
		if len(list) != 2 || !ok {
			s.fail(key, fmt.Sprintf("a number, or height and width such as [3, 5], from 0 to %d", maxNumber))
			return pair
		}
		pair[d] = n
	}
	if len(list) == 0 {
		s.fail(key, "a number, or height and width such as [3, 5]")
	}
	return pair
}

// pool reads a window whose stride is its kernel unless the file says more.
func (s *section) pool() network.Window {
	w := network.Window{Kernel: s.pair("kernel", required), Padding: s.pair("padding", 0)}
	w.Stride = w.Kernel
	if _, given := s.values["stride"]; given {
		w.Stride = s.pair("stride", required)
	}
	return w
}
