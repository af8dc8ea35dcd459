package onnx

import (
	"fmt"
	"os"
	"path/filepath"
)

// Description is the nodes of a file, of which some may be none that can be read.
type Description struct {
	Nodes []DescribedNode // in their order
	// Model is what was read, or Obstacle why the file cannot be read as a network.
	Model    *Model
	Obstacle error
}

// DescribedNode is a node of a file.
type DescribedNode struct {
	Name, Op   string
	In         []string // nodes that make its inputs, but for constants
	Shape      []int    // of a sample of its output, or of a constant; nil: unknown
	Parameters int      // numbers of the initializers that it reads first
}

// DescribeFile describes the nodes of a file up to and beyond the first that cannot be read.
// Shapes are those that were worked out or, beyond it, those that the file names. The error
// is that of a file that is none of ONNX.
func DescribeFile(path string) (*Description, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	var p modelProto
	if err := p.decode(data); err != nil {
		return nil, fmt.Errorf("read model %s: no model of ONNX: %w", path, err)
	}
	if p.graph == nil {
		return nil, fmt.Errorf("read model %s: no model of ONNX: it has no graph", path)
	}
	d := &Description{}
	r, err := Options{Folder: filepath.Dir(path)}.open(data)
	if err == nil {
		defer r.close()
		if err = r.readGraph(); err == nil {
			d.Model, err = r.finish(nil)
		}
	}
	d.Obstacle = err
	d.describe(p.graph, r)
	return d, nil
}

// describe fills in the nodes; r is nil where nothing was read.
func (d *Description) describe(g *graphProto, r *reader) {
	makers, numbers, shapes := map[string]string{}, map[string]int{}, map[string][]int{}
	for i := range g.initializers {
		if _, size, err := g.initializers[i].shape(); err == nil && kinds[g.initializers[i].kind].real != nil {
			numbers[g.initializers[i].name] = size
		}
	}
	for _, list := range [][]valueProto{g.values, g.outputs} {
		for _, v := range list {
			shapes[v.name] = sampleOf(v)
		}
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		node := DescribedNode{Name: title(n), Op: n.op}
		for _, in := range n.in {
			if maker := makers[in]; maker != "" {
				node.In = append(node.In, maker)
			}
			node.Parameters += numbers[in]
			delete(numbers, in)
		}
		for k, out := range n.out {
			if n.op != "Constant" {
				makers[out] = node.Name
			}
			if k == 0 {
				node.Shape = shapes[out]
				if v := valueOf(r, out); v != nil && v.isSamples() {
					node.Shape = v.view
				} else if v != nil {
					node.Shape = v.dims()
				}
			}
		}
		d.Nodes = append(d.Nodes, node)
	}
}

func valueOf(r *reader, name string) *value {
	if r == nil {
		return nil
	}
	return r.values[name]
}

// sampleOf returns the shape of a sample that a file names; nil: it does not.
func sampleOf(v valueProto) []int {
	if len(v.dims) < 2 {
		return nil
	}
	var shape []int
	for _, d := range v.dims[1:] {
		if d.length < 1 || d.length > maxLength {
			return nil
		}
		shape = append(shape, int(d.length))
	}
	return shape
}
