package trainer

import (
	"errors"
	"fmt"
	"slices"

	"nashprune/trainer/backend"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// modelSuffix is that of model files.
const modelSuffix = ".safetensors"

// Inspect describes the network that a configuration's Model names, or that is in the model file that
// its Source names, before anything is trained. The graph of a state dict is that of the Model; without
// one it follows from names and shapes, or is an error. Of a file of ONNX that cannot be read as a
// network it describes the nodes, and says what stands in the way. Samples have the shape that is given,
// and there are so many outputs; without a shape they are those of the Data or, without Data,
// those that the literature counts the model for.
func Inspect(c settings.Config, sample network.Shape, outputs int) (*record.Inspection, error) {
	if c.Source != "" {
		return inspectFile(c, sample, outputs)
	}
	sample, outputs, err := samplesOf(c, sample, outputs)
	if err != nil {
		return nil, err
	}
	g, err := c.Graph(sample, outputs)
	if err != nil {
		return nil, err
	}
	return inspect(c.Model, g), nil
}

// samplesOf returns the shape of samples and the number of outputs that a network is described for.
func samplesOf(c settings.Config, sample network.Shape, outputs int) (network.Shape, int, error) {
	switch {
	case sample != nil:
		return sample, outputs, nil
	case c.Data != "":
		data, err := openData(c.Data, c.DataOptions())
		if err != nil {
			return nil, 0, err
		}
		return data.Shape(), data.Outputs(), nil
	case c.Model == "":
		return nil, outputs, nil
	}
	m, err := models.Parse(c.Model)
	if err != nil {
		return nil, 0, backend.Usagef("%v", err)
	}
	return m.Usual, outputs, nil
}

// inspectFile describes the network of a model file.
func inspectFile(c settings.Config, sample network.Shape, outputs int) (*record.Inspection, error) {
	isONNX := modelfile.IsONNX(c.Source)
	if isONNX && c.Model == "" {
		return inspectONNX(c)
	}
	m, err := modelfile.Read(c.Source)
	switch {
	case errors.Is(err, modelfile.ErrUnknown):
		return nil, backend.Usagef("%v", err)
	case err != nil:
		return nil, err
	case c.Model != "" && (isONNX || m.Metadata() != nil):
		return nil, backend.Usagef("%s has a graph of its own, and --model is %s; leave out --model", c.Source, c.Model)
	case m.Metadata() != nil:
		n, _, err := modelfile.Load(c.Source) // with the players that it names
		if err != nil {
			return nil, err
		}
		return inspectWith(c, n.Graph)
	}
	if sample, outputs, err = samplesOf(c, sample, outputs); err != nil {
		return nil, err
	}
	asked := modelfile.Asked{Players: c.PlayerKinds(), Activation: c.Activation, Sample: sample, Model: c.Model}
	if c.Model != "" {
		asked.Graph = func() (*network.Graph, error) { return c.Graph(sample, outputs) }
	}
	n, derived, err := m.Network(asked)
	switch {
	case err != nil && sample == nil:
		return nil, backend.Usagef("%s: %v; --input says what samples are, such as 3x32x32", c.Source, err)
	case err != nil:
		return nil, backend.Usagef("%s: %v", c.Source, err)
	}
	i := inspect(c.Source, n.Graph)
	if derived != "" {
		i.Notes = []string{derived}
	}
	return i, nil
}

// inspectWith describes the graph of a file with the kinds of player that a configuration names.
func inspectWith(c settings.Config, g *network.Graph) (*record.Inspection, error) {
	if c.Players == "" {
		return inspect(c.Source, g), nil
	}
	g, err := network.NewGraph(g.Nodes, c.PlayerKinds())
	if err != nil {
		return nil, err
	}
	return inspect(c.Source, g), nil
}

func inspectONNX(c settings.Config) (*record.Inspection, error) {
	d, err := onnx.DescribeFile(c.Source)
	if err != nil {
		return nil, err
	}
	if d.Obstacle != nil {
		i := &record.Inspection{Model: c.Source, Obstacle: d.Obstacle.Error()}
		for _, n := range d.Nodes {
			i.Nodes = append(i.Nodes, record.InspectedNode{Name: n.Name, Operator: n.Op, In: n.In, Shape: n.Shape, Parameters: n.Parameters})
			i.Parameters += n.Parameters
		}
		return i, nil
	}
	i, err := inspectWith(c, d.Model.Network.Graph)
	if err != nil {
		return nil, err
	}
	i.Before, i.After, i.Notes = operators(d.Model.Before), operators(d.Model.After), modelfile.SharedWords(d.Model)
	return i, nil
}

// operators names those of steps.
func operators(steps []onnx.Step) []string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Op)
	}
	return names
}

// Widths returns the number of players of each gate of the network that a configuration
// names. Data is read only where they depend on it.
func Widths(c settings.Config) ([]int, error) {
	widths, err := c.KnownWidths()
	if widths != nil || err != nil {
		return widths, err
	}
	data, err := openData(c.Data, c.DataOptions())
	if err != nil {
		return nil, err
	}
	g, err := c.Graph(data.Shape(), data.Outputs())
	if err != nil {
		return nil, err
	}
	return g.Widths(), nil
}

func inspect(model string, g *network.Graph) *record.Inspection {
	names := func(nodes []int) []string {
		var names []string
		for _, n := range nodes {
			names = append(names, g.Nodes[n].Name)
		}
		return names
	}
	i := &record.Inspection{
		Model: model, Input: g.Nodes[0].Shape, Outputs: g.Outputs(),
		Parameters: g.ParameterCount(), MACs: g.MACs(), Players: network.Sum(g.MarketWidths()), Weights: record.TensorNames(g),
	}
	for _, node := range g.Nodes {
		i.Nodes = append(i.Nodes, record.InspectedNode{Name: node.Name, Operator: network.Words(node.Op), In: names(node.In), Shape: node.Shape})
	}
	for _, p := range g.Params {
		if !p.Statistic {
			i.Nodes[p.Node].Parameters += p.Size()
		}
	}
	for _, load := range g.Loads(g.Sizes()) {
		i.Nodes[load.Node].MACs = load.MACs
	}
	for c, class := range g.Classes {
		if class.Producers == nil && class.Parent < 0 { // heights and widths
			continue
		}
		described := record.InspectedClass{Name: class.Name, Units: class.Units, Producers: names(class.Producers)}
		if kind, err := g.KindOf(class); err != nil {
			described.Reason = err.Error()
		} else if gate := slices.IndexFunc(g.Gates, func(gate network.Gate) bool { return gate.Class == c }); gate < 0 {
			described.Reason = fmt.Sprintf("the units of %s can be %s, which --players leaves out", class.Name, kind)
			if class.Parent >= 0 {
				described.Reason += fmt.Sprintf("; they leave with those of %s", g.Classes[class.Parent].Name)
			}
		} else {
			described.Kind, described.Points = string(kind), names(g.Gates[gate].Points)
		}
		i.Classes = append(i.Classes, described)
	}
	return i
}
