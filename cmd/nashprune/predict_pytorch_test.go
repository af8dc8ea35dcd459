package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/random"
)

// predictInPyTorch reads the rows of a table by the metadata of a model file, as the guide to formats
// describes it, with Python's csv, and compares the outputs of PyTorch with predictions, row by row.
const predictInPyTorch = `
import csv, json, math, sys, torch
from load_pruned import load, read

net, inputs = load(sys.argv[1])
metadata, _ = read(sys.argv[1])
columns = json.loads(metadata["columns"]) if "columns" in metadata else [{"name": n} for n in json.loads(metadata["feature_names"])]
means = json.loads(metadata["feature_means"])

def features(row):
    x = []
    for c in columns:
        text = row[c["name"]].strip()
        if c.get("levels"):
            x += [float(text == level) for level in c["levels"]]
        else:
            x.append(float(text) if text else means[len(x)])
        if c.get("marked"):
            x.append(float(text == ""))
    return x

x = torch.tensor([features(row) for row in csv.DictReader(open(sys.argv[2]))], dtype=torch.float64)
with torch.no_grad():
    out = net(inputs(x).float()).double()
predicted = [json.loads(line) for line in open(sys.argv[3])]
assert len(predicted) == len(out) > 0, len(out)
worst = 0
for p, z in zip(predicted, out):
    if metadata.get("task") == "regression":
        deviations, targets = json.loads(metadata["target_deviations"]), json.loads(metadata["target_means"])
        for got, y, d, m in zip(p["values"], z.tolist(), deviations, targets):
            worst = max(worst, abs(got - (y * d + m)) / d)
    else:
        probabilities = torch.softmax(z, 0)
        names = json.loads(metadata["class_names"])
        assert p["class"] == names[int(probabilities.argmax())] or probabilities.max() - probabilities[names.index(p["class"])] < 1e-5, p
        worst = max(worst, max(abs(a - b) for a, b in zip(p["probabilities"], probabilities.tolist())))
print("compared", len(out), worst)
# float32 has 6e-8; sums of a few dozen products lose ten times that.
assert worst < 1e-5, worst
`

// flats are a table of words, gaps and numbers, with a class and a number to predict.
func flats(rows int) string {
	var b strings.Builder
	b.WriteString("town,area,floor,heated,age,price,sold\n")
	draw := random.New(2, random.Testing, 0, 0)
	for range rows {
		town, area, floor, age := draw.Below(4), 30+100*draw.Float64(), draw.Below(12), fmt.Sprint(draw.Below(90))
		heated := []string{"gas", "oil", "", "wood"}[draw.Below(4)]
		price := 1000*float64(town+1) + 40*area - 25*float64(floor) + 100*draw.Normal()
		if draw.Below(5) == 0 {
			age = ""
		}
		fmt.Fprintf(&b, "%s,%.2f,%d,%s,%s,%.1f,%s\n", []string{"Ulm", "Bonn", "Köln", "Jena"}[town], area, floor, heated, age, price, []string{"no", "yes"}[draw.Below(2)*min(1, uint32(price)/5000)])
	}
	return b.String()
}

// TestPredictAgreesWithPyTorch: sample by sample, for a table with words and gaps, and in regression.
func TestPredictAgreesWithPyTorch(t *testing.T) {
	interpreter := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import torch").Run() == nil {
			interpreter = name
			break
		}
	}
	if interpreter == "" {
		t.Skip("python3 -c 'import torch' fails: there is no PyTorch to compare with")
	}
	t.Chdir(t.TempDir())
	writeFile(t, "flats.csv", []byte(flats(300)))
	writeFile(t, pytorch.ScriptFile, []byte(pytorch.Script))
	for name, words := range map[string][]string{
		"classes":    {"--label", "sold", "--ignore", "price"},
		"regression": {"--label", "price", "--ignore", "sold", "--task", "regression"},
	} {
		succeed(t, trainOn("flats.csv", append(words, "--out", name)...)...)
		predicted := succeed(t, "predict", name, "--data", "flats.csv", "--json")
		writeFile(t, name+".jsonl", []byte(predicted))
		out, err := exec.Command(interpreter, "-c", predictInPyTorch, name+"/pruned.safetensors", "flats.csv", name+".jsonl").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "compared 300 ") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		t.Logf("%s: %s", name, out)
	}
}
