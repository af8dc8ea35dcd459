// Package pytorch makes networks of the state dicts that PyTorch saves, whose tensors are
// called after modules: "features.0.weight" is the weight of the module features.0. Shapes
// and layouts are those of package network: weights of dense layers are [out, in], those of
// convolutions [out, in/groups, height, width].
//
// A state dict has no graph. Either the user names one, whose nodes are matched with the
// modules ([State.Match]), or it follows from names and shapes ([State.Derive]). In the
// network nodes are called as the modules are, so what is written has the same names.
package pytorch

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
)

// State is a state dict.
type State struct {
	Layout  safetensors.Layout // how the file holds it
	modules []module           // in the order of the file
	sorted  bool               // tensors stand in the order of their names, which says nothing of modules
}

// module has the tensors whose names begin alike, by what is left of the names.
type module struct {
	name    string
	tensors map[string]safetensors.Tensor
}

// prefixes stand before all names where a network was wrapped.
var prefixes = []string{"module.", "model.", "_orig_mod."}

// The limits of a state dict: past them it is none of a network that a graph holds.
const (
	maxModules  = 10000
	maxPrefixes = 8
)

// Read takes the parameters of a file apart into modules. Prefixes of wrapped networks are
// left out, and noted in the layout.
func Read(f *safetensors.File) (*State, error) {
	prefix := ""
	for range maxPrefixes {
		for _, p := range prefixes {
			if all(f.Tensors, prefix+p) {
				prefix += p
				break
			}
		}
	}
	tensors, layout, err := f.Parameters(prefix)
	if err != nil {
		return nil, err
	}
	s := &State{Layout: layout, sorted: slices.IsSortedFunc(tensors, func(a, b safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) })}
	places := map[string]int{}
	for _, t := range tensors {
		dot := strings.LastIndexByte(t.Name, '.')
		if dot < 1 {
			return nil, fmt.Errorf("tensor %.40q is of no module; its name must be such as \"fc1.weight\"", t.Name)
		}
		if len(t.Float32) == 0 { // and axes of any length
			return nil, fmt.Errorf("tensor %.40q has shape %v and so no numbers; a network has some in each", t.Name, t.Shape)
		}
		name := t.Name[:dot]
		place, known := places[name]
		if !known {
			place = len(s.modules)
			places[name] = place
			s.modules = append(s.modules, module{name, map[string]safetensors.Tensor{}})
		}
		s.modules[place].tensors[t.Name[dot+1:]] = t
	}
	if len(s.modules) == 0 || len(s.modules) > maxModules {
		return nil, fmt.Errorf("the file holds %d modules with parameters; a network must have 1 to %d", len(s.modules), maxModules)
	}
	return s, nil
}

func all(tensors []safetensors.Tensor, prefix string) bool {
	for _, t := range tensors {
		if !strings.HasPrefix(t.Name, prefix) {
			return false
		}
	}
	return len(tensors) > 0
}

// get returns the module of the first of some names that there is.
func (s *State) get(names ...string) (module, bool) {
	for _, name := range names {
		if i := slices.IndexFunc(s.modules, func(m module) bool { return m.name == name }); i >= 0 {
			return s.modules[i], true
		}
	}
	return module{}, false
}

// words lists the tensors of a module with their shapes, in the order of their names.
func (m module) words() string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(m.tensors)) {
		words = append(words, fmt.Sprintf("%s %v", key, m.tensors[key].Shape))
	}
	return strings.Join(words, ", ")
}

// wordsOf is what words is of a module that fits a node.
func wordsOf(g *network.Graph, n int) string {
	m := module{tensors: map[string]safetensors.Tensor{}}
	for _, p := range g.Nodes[n].Params {
		param := g.Params[p]
		m.tensors[param.ParamSpec.Name] = safetensors.Tensor{Shape: param.Shape}
	}
	return m.words()
}

// network returns the network of a graph whose nodes are called as the modules are.
func (s *State) network(g *network.Graph) *network.Network {
	var parameters [][]float32
	for _, param := range g.Params {
		m, _ := s.get(g.Nodes[param.Node].Name)
		parameters = append(parameters, m.tensors[param.ParamSpec.Name].Float32)
	}
	return network.With(g, parameters)
}

var digits = regexp.MustCompile(`[0-9]+`)

// alike reports whether names differ in their numbers alone.
func alike(modules []module) bool {
	for _, m := range modules {
		if digits.ReplaceAllString(m.name, "#") != digits.ReplaceAllString(modules[0].name, "#") {
			return false
		}
	}
	return true
}

// byNumbers compares names that are alike by their numbers.
func byNumbers(a, b module) int {
	numbers := func(m module) (list []int) {
		for _, word := range digits.FindAllString(m.name, -1) {
			n, _ := strconv.Atoi(word) // the largest one where it overflows
			list = append(list, n)
		}
		return list
	}
	return cmp.Or(slices.Compare(numbers(a), numbers(b)), strings.Compare(a.name, b.name))
}

// ordered returns modules in the order in which they compute, as far as that is clear: by
// the numbers in names that are else alike, or else as the file has them, unless that is
// the order of the alphabet.
func (s *State) ordered(modules []module) ([]module, error) {
	switch {
	case alike(modules):
		return slices.SortedFunc(slices.Values(modules), byNumbers), nil
	case !s.sorted:
		return modules, nil
	}
	var names []string
	for _, m := range modules {
		names = append(names, m.name)
	}
	return nil, fmt.Errorf("the order of the modules %.200s is not clear: they differ in more than numbers, and the file has them in the order of the alphabet; try --model FILE.toml with nodes of these names", strings.Join(names, ", "))
}
