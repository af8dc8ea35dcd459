package pytorch

import _ "embed"

// ScriptFile is what [Script] is called beside a model file.
const ScriptFile = "load_pruned.py"

// Script builds the network of a model file that nashprune wrote as a PyTorch module, and
// loads its weights.
//
//go:embed load_pruned.py
var Script string
