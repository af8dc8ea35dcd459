package trainer_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the path that all packages of the program begin with.
const module = "nashprune"

// mayImport says for every package which others of the program it may import: those
// below it. A path that ends with /... stands for all packages below the folder.
// Tests may import more. A new package needs a line here.
var mayImport = map[string]string{
	"game":                   "",
	"shaders":                "shaders/internal/spirv",
	"shaders/internal/build": "",
	"shaders/internal/spirv": "",

	"trainer/random":     "",
	"trainer/disktest":   "",
	"trainer/memorytest": "",
	"trainer/atomicfile": "",
	"trainer/float16":    "",
	"trainer/eventfile":  "",
	"trainer/filelock":   "trainer/atomicfile",
	"trainer/download":   "trainer/atomicfile",
	"trainer/dataset":    "trainer/atomicfile trainer/download trainer/filelock trainer/float16 trainer/random",
	"trainer/network":    "trainer/random",

	"trainer/network/safetensors": "trainer/atomicfile trainer/dataset trainer/float16 trainer/network",
	"trainer/network/models":      "trainer/network",
	"trainer/network/pytorch":     "trainer/network trainer/network/safetensors",
	"trainer/network/networktest": "trainer/network trainer/random",
	"trainer/network/npz":         "trainer/network",
	"trainer/network/onnx":        "trainer/atomicfile trainer/float16 trainer/network",

	"trainer/onnxruntime":  "",
	"trainer/modelfile":    "trainer/dataset trainer/network trainer/network/onnx trainer/network/pytorch trainer/network/safetensors",
	"trainer/backend":      "game trainer/dataset trainer/network",
	"trainer/cost":         "game trainer/backend trainer/network trainer/random",
	"trainer/compensation": "trainer/backend trainer/network",
	"trainer/settings":     "game trainer/backend trainer/compensation trainer/cost trainer/dataset trainer/network trainer/network/models",
	"trainer/record":       "game trainer/backend trainer/cost trainer/dataset trainer/network trainer/network/safetensors",
	"trainer/evidence":     "game trainer/backend trainer/dataset trainer/network trainer/random trainer/record",
	"trainer/session":      "game trainer/backend trainer/compensation trainer/cost trainer/dataset trainer/evidence trainer/network trainer/random trainer/record trainer/settings",
	"trainer/checkpoint":   "game trainer/atomicfile trainer/backend trainer/network trainer/network/safetensors trainer/record trainer/session trainer/settings",
	"trainer":              "game trainer/atomicfile trainer/backend trainer/checkpoint trainer/cost trainer/dataset trainer/evidence trainer/filelock trainer/modelfile trainer/network trainer/network/models trainer/network/npz trainer/network/onnx trainer/network/pytorch trainer/network/safetensors trainer/onnxruntime trainer/record trainer/session trainer/settings",
	"trainer/backendtest":  "game trainer/backend trainer/dataset trainer/network trainer/network/networktest trainer/random",

	// What is built on the facade. Reports read records and know no training.
	"trainer/sweep":     "trainer trainer/atomicfile trainer/backend trainer/dataset trainer/filelock trainer/network trainer/record trainer/session trainer/settings",
	"trainer/compare":   "game trainer trainer/atomicfile trainer/backend trainer/compensation trainer/cost trainer/dataset trainer/network trainer/record trainer/settings trainer/sweep",
	"trainer/reproduce": "game trainer/backend trainer/record trainer/settings trainer/sweep",
	"trainer/bench":     "game trainer/backend trainer/compensation trainer/cost trainer/dataset trainer/network trainer/network/models trainer/random trainer/session trainer/settings",
	"trainer/report":    "game trainer/atomicfile trainer/backend trainer/bench trainer/compare trainer/cost trainer/dataset trainer/network trainer/network/safetensors trainer/record trainer/reproduce trainer/settings trainer/sweep",

	// Devices know the contract, and nothing of runs.
	"cpu_fallback":         "game trainer/backend trainer/dataset trainer/network trainer/random",
	"gpu":                  "game gpu/internal/... shaders trainer/backend trainer/dataset trainer/network",
	"gpu/internal/compute": "gpu/internal/vkshim shaders",
	"gpu/doctor":           "gpu gpu/internal/compute trainer/backend",
	"gpu/window":           "game gpu gpu/internal/compute shaders trainer/backend trainer/network",
	"gpu/internal/vkshim":  "",
	"gpu/internal/vktest":  "gpu/internal/compute shaders",

	"cmd/nashprune": "cpu_fallback game gpu gpu/doctor gpu/window trainer trainer/...",
}

// TestPackagesImportDownwards holds the packages to mayImport.
func TestPackagesImportDownwards(t *testing.T) {
	list := exec.Command("go", "list", "-tags=glfw", "-json=ImportPath,Imports", module+"/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	found := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found++
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("package %s has no rule: say in mayImport which packages it may import", name)
		}
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module+"/")
			if ours && !slices.ContainsFunc(strings.Fields(allowed), func(rule string) bool {
				folder, all := strings.CutSuffix(rule, "...")
				return imported == rule || all && strings.HasPrefix(imported, folder)
			}) {
				t.Errorf("%s imports %s; it may import: %s", name, imported, allowed)
			}
		}
	}
	if found != len(mayImport) {
		t.Errorf("there are %d packages and %d rules: remove the rules of packages that are gone", found, len(mayImport))
	}
}
