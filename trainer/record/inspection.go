package record

// Inspection is what can be said of a network before it is trained.
type Inspection struct {
	Model      string           `json:"model"`
	Input      []int            `json:"input"` // the shape of a sample
	Outputs    int              `json:"outputs"`
	Nodes      []InspectedNode  `json:"nodes"` // in the order in which they compute
	Parameters int              `json:"parameters"`
	MACs       int              `json:"macs"` // multiply-accumulates a sample
	Players    int              `json:"players"`
	Classes    []InspectedClass `json:"classes"`
	Weights    []TensorName     `json:"weights,omitempty"` // whose entries are the players

	// Before and After are operators of a file of ONNX that are no part of the network: at
	// its input and at its output.
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
	// Notes say what else a file does not say, or what is not kept of it.
	Notes []string `json:"notes,omitempty"`
	// Obstacle is why a file of ONNX is no network that can be pruned. Only Nodes, with the
	// operators of ONNX and the shapes that are known, and Parameters are there then.
	Obstacle string `json:"obstacle,omitempty"`
}

// InspectedNode is a node of a network.
type InspectedNode struct {
	Name       string   `json:"name"`
	Operator   string   `json:"operator"`
	In         []string `json:"in,omitempty"` // nodes that it reads
	Shape      []int    `json:"shape"`        // of its output
	Parameters int      `json:"parameters"`
	MACs       int      `json:"macs"`
}

// InspectedClass is a class of axes with the same units, which are removed together.
type InspectedClass struct {
	Name      string   `json:"name"`
	Units     int      `json:"units"`
	Producers []string `json:"producers,omitempty"` // nodes whose operators create it
	// Kind is that of the units as players; empty where they are none, for a reason.
	Kind   string   `json:"kind,omitempty"`
	Points []string `json:"points,omitempty"` // nodes whose output the players multiply
	Reason string   `json:"reason,omitempty"`
}
