package pytorch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/network"
)

// Match returns the network of a graph that the user names, called model, with the parameters
// and the names of the modules: by the names of nodes or those that torchvision has in
// their place, else by shapes and, among modules of the same shapes, by their order. It
// says how they were found. What does not fit, and what is not clear, is an error.
func (s *State) Match(g *network.Graph, model string, players []network.PlayerKind) (*network.Network, string, error) {
	var nodes []int // with parameters
	for n, node := range g.Nodes {
		if len(node.Params) > 0 {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) != len(s.modules) {
		return nil, "", fmt.Errorf("the file has %d modules with parameters and --model %s has %d; they must be the same network", len(s.modules), model, len(nodes))
	}
	how := "names"
	found := s.byNames(g, nodes)
	if found == nil {
		how = "shapes and order"
		var err error
		if found, err = s.byShapes(g, nodes, model); err != nil {
			return nil, "", err
		}
	}
	var pairs []string
	renamed := slices.Clone(g.Nodes)
	for i, n := range nodes {
		if name, has := s.modules[found[i]].name, s.modules[found[i]].words(); has != wordsOf(g, n) {
			return nil, "", fmt.Errorf("module %.80q has %s, and node %s of --model %s has %s; they must have the same", name, has, g.Nodes[n].Name, model, wordsOf(g, n))
		} else if name != renamed[n].Name {
			pairs = append(pairs, name+" is "+renamed[n].Name)
			renamed[n].Name = name
		}
	}
	free(renamed)
	named, err := network.NewGraph(renamed, players)
	if err != nil {
		return nil, "", err
	}
	words := fmt.Sprintf("the graph is that of --model %s, matched by %s", model, how)
	if len(pairs) > 0 {
		words += ": " + strings.Join(pairs, ", ")
	}
	return s.network(named), words, nil
}

// free gives other names to nodes without parameters whose names modules have.
func free(nodes []network.Node) {
	taken := map[string]bool{}
	for _, node := range nodes {
		if len(node.Params) > 0 {
			taken[node.Name] = true
		}
	}
	for i := range nodes {
		if len(nodes[i].Params) > 0 {
			continue
		}
		for taken[nodes[i].Name] {
			nodes[i].Name += "_"
		}
		taken[nodes[i].Name] = true
	}
}

// byNames returns the module of each node by its name, nil where one has none.
func (s *State) byNames(g *network.Graph, nodes []int) []int {
	var found []int
	for _, n := range nodes {
		m, has := s.get(alternatives(g.Nodes[n].Name)...)
		i := slices.IndexFunc(s.modules, func(other module) bool { return other.name == m.name })
		if !has || slices.Contains(found, i) {
			return nil
		}
		found = append(found, i)
	}
	return found
}

// blockNode is a node of a block of the residual networks of package models.
var blockNode = regexp.MustCompile(`^stage(\d+)\.block(\d+)\.(.+)$`)

// alternatives returns the names that a module has for a node: that of the node, and those
// of torchvision and its like for nodes of package models.
func alternatives(node string) []string {
	names := []string{node}
	if node == "head" {
		return append(names, "fc", "linear", "classifier")
	}
	m := blockNode.FindStringSubmatch(node)
	if m == nil {
		return names
	}
	block, _ := strconv.Atoi(m[2])
	at, place := fmt.Sprintf("layer%s.%d.", m[1], block-1), map[string]string{"shortcut.conv": "0", "shortcut.bn": "1"}[m[3]]
	if place == "" {
		return append(names, at+m[3])
	}
	return append(names, at+"downsample."+place, at+"shortcut."+place)
}

// byShapes returns the module of each node by the shapes of its tensors.
func (s *State) byShapes(g *network.Graph, nodes []int, model string) ([]int, error) {
	left := map[string][]module{} // by their shapes, in order
	for _, m := range s.modules {
		left[m.words()] = append(left[m.words()], m)
	}
	for words, modules := range left {
		ordered, err := s.ordered(modules)
		if err != nil {
			return nil, err
		}
		left[words] = ordered
	}
	var found []int
	for _, n := range nodes {
		words := wordsOf(g, n)
		if len(left[words]) == 0 {
			return nil, fmt.Errorf("no module is left for node %s of --model %s, which has %s; the file has %.300s", g.Nodes[n].Name, model, words, s.list())
		}
		m := left[words][0]
		left[words] = left[words][1:]
		found = append(found, slices.IndexFunc(s.modules, func(other module) bool { return other.name == m.name }))
	}
	return found, nil
}

// list writes all modules with their shapes.
func (s *State) list() string {
	var words []string
	for _, m := range s.modules {
		words = append(words, fmt.Sprintf("%s (%s)", m.name, m.words()))
	}
	return strings.Join(words, ", ")
}
