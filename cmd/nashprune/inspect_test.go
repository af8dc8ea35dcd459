package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer/record"
	"nashprune/trainer/report"
)

const inspectedLeNet = `node     operator      reads  shape     parameters  multiplications
input    input                1x28x28            -                -
conv1    conv2d 5x5           20x24x24         520          288,000
act1     relu                 20x24x24           -                -
pool1    max-pool 2x2         20x12x12           -                -
conv2    conv2d 5x5           50x8x8        25,050        1,600,000
act2     relu                 50x8x8             -                -
pool2    max-pool 2x2         50x4x4             -                -
flatten  flatten              800                -                -
fc1      dense                500          400,500          400,000
act3     relu                 500                -                -
head     dense                10             5,010            5,000
total                                      431,080        2,293,000

570 players of units that are removed together:
class    units  players  where, or why not
input    1      -        the units of input can be inputs, which --players leaves out
conv1    20     filters  at conv1
conv2    50     filters  at conv2
flatten  800    -        the units of flatten can be features, which --players leaves out; they leave with those of conv2
fc1      500    neurons  at fc1
head     10     -        the units of head reach the output
`

const groupedFile = `
[[node]]
name = "conv"
op = "conv2d"
out = 8
kernel = [3, 1]
stride = 2
groups = 2

[[node]]
name = "deep"
op = "conv2d"
out = 8
kernel = 3
padding = 1
depthwise = true

[[node]]
name = "wide"
op = "conv2d"
out = 5
kernel = 1
in = "conv"

[[node]]
name = "both"
op = "concat"
in = ["deep", "wide"]

[[node]]
name = "mean"
op = "average-pool"
global = true

[[node]]
name = "flat"
op = "flatten"

[[node]]
name = "head"
op = "dense"
out = "classes"
`

const inspectedGroups = `node   operator                        reads        shape   parameters  multiplications
input  input                                        4x8x8            -                -
conv   conv2d 3x1 stride 2 groups 2                 8x3x4           56              576
deep   conv2d 3x3 padding 1 depthwise               8x3x4           80              864
wide   conv2d 1x1                      conv         5x3x4           45              480
both   concat                          deep, above  13x3x4           -                -
mean   average-pool global                          13x1x1           -                -
flat   flatten                                      13               -                -
head   dense                                        3               42               39
total                                                              223            1,959

5 players of units that are removed together:
class  units  players  where, or why not
input  2      -        the groups of node conv, of kind conv2d, stay equal, so several channels of input are one unit
conv   4      -        the groups of node conv, of kind conv2d, stay equal, so several channels of conv are one unit
wide   5      filters  at wide
head   3      -        the units of head reach the output
`

const inspectedWeights = `
60 players, each a weight:
tensor    shape  players
0.weight  5x10   50
2.weight  2x5    10
`

// TestInspectAStateDict: a state dict of PyTorch has the graph that is named, or that follows from it.
// Commands that take model files of nashprune say which others read it.
func TestInspectAStateDict(t *testing.T) {
	small := filepath.Join("..", "..", "testdata", "prune", "small.safetensors") // 784-32-16-10
	for args, words := range map[string]string{
		"":                   "\nNote: the graph is derived: dense layers 784-32-16-10;",
		" --model mlp:32-16": "\nNote: the graph is that of --model mlp:32-16, matched by shapes and order",
		" --activation gelu": "gelu",
	} {
		if said := succeed(t, append([]string{"inspect", small}, strings.Fields(args)...)...); !strings.Contains(said, words) || !strings.Contains(said, "25,818") || !strings.Contains(said, "48 players") {
			t.Errorf("%s: %s", args, said)
		}
	}
	shared := filepath.Join("..", "..", "trainer", "modelfile", "testdata", "shared.onnx")
	for args, words := range map[string]string{
		"inspect " + small + " --model lenet5":              "the file has 3 modules with parameters and --model lenet5 has 4",
		"inspect " + small + " --model mlp:32-16 --input 5": "no module is left for node",
		"inspect " + shared + " --model lenet5":             "has a graph of its own, and --model is lenet5; leave out --model",
		"inspect lenet5 --model lenet5":                     "lenet5 is no model file, and --model is lenet5",
	} {
		code, stdout, stderr := execute(t, strings.Fields(args)...)
		refused(t, exitUsage, words, code, stdout, stderr)
	}
	for _, args := range []string{"eval " + small, "predict " + small + " --data digits", "export " + small} {
		_, _, stderr := execute(t, strings.Fields(args)...)
		if !strings.Contains(stderr, "; prune and inspect read state dicts of PyTorch") {
			t.Errorf("%s: %s", args, stderr)
		}
	}
}

// TestInspectSharedParameters: a note says which nodes of a file share a parameter.
func TestInspectSharedParameters(t *testing.T) {
	said := succeed(t, "inspect", filepath.Join("..", "..", "trainer", "modelfile", "testdata", "shared.onnx"))
	if !strings.Contains(said, "\nNote: 2 parameters are shared by several nodes, such as \"tied.weight\" by tied, tied_2;") {
		t.Errorf("%s", said)
	}
}

func TestInspect(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "net.toml", []byte(groupedFile))
	if got := succeed(t, strings.Fields("inspect mlp:5 --players weights --input 10 --classes 2")...); !strings.HasSuffix(got, inspectedWeights) {
		t.Errorf("%s", got)
	}
	for args, want := range map[string]string{
		"lenet5":                                inspectedLeNet,
		"net.toml --input 4x8x8 --classes 3":    inspectedGroups,
		"lenet5 --input 1x28x28":                inspectedLeNet,
		"lenet5 --data digits:train=20,test=10": inspectedLeNet,
	} {
		if got := succeed(t, append([]string{"inspect"}, strings.Fields(args)...)...); got != want {
			t.Errorf("inspect %s:\n%s\nwant\n%s", args, got, want)
		}
	}
}

// TestNormAfterConcat: filters before a concat are players with a batch norm in each branch, and none with one
// behind the concat.
func TestNormAfterConcat(t *testing.T) {
	t.Chdir(t.TempDir())
	node := func(name, op, more string) string {
		return fmt.Sprintf("[[node]]\nname = %q\nop = %q\n%s\n\n", name, op, more)
	}
	a, b, kernel := node("a", "conv2d", "out = 6\nkernel = 3"), node("b", "conv2d", "out = 4\nkernel = 3\nin = \"input\""), "kernel = 3"
	end := node("next", "conv2d", "out = 5\n"+kernel) + node("flat", "flatten", "") + node("head", "dense", "out = \"classes\"")
	writeFile(t, "behind.toml", []byte(a+b+node("both", "concat", `in = ["a", "b"]`)+node("norm", "batch-norm", "")+end))
	writeFile(t, "before.toml", []byte(a+node("an", "batch-norm", "")+b+node("bn", "batch-norm", "")+node("both", "concat", `in = ["an", "bn"]`)+end))
	for file, words := range map[string]string{
		"behind.toml": "\n5 players of units",
		"before.toml": "\n15 players of units",
	} {
		if got := succeed(t, "inspect", file, "--input", "1x12x12"); !strings.Contains(got, words) {
			t.Errorf("%s: %s", file, got)
		}
	}
}

// TestInspectAModelFile: a pruned network is shown as it is left.
func TestInspectAModelFile(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "run")...)
	var inspection record.Inspection
	text := succeed(t, "inspect", filepath.Join("run", record.PrunedFile), "--json")
	if folder := succeed(t, "inspect", "run", "--json"); folder != text {
		t.Errorf("of the folder inspect prints %s", folder)
	}
	if err := json.Unmarshal([]byte(text), &inspection); err != nil {
		t.Fatal(err)
	}
	result, err := os.ReadFile(filepath.Join("run", record.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	var ran record.Result
	if err := json.Unmarshal(result, &ran); err != nil {
		t.Fatal(err)
	}
	if inspection.Parameters != ran.Pruned.Parameters || inspection.Players != 8 || len(inspection.Nodes) == 0 {
		t.Errorf("inspect says %+v, and the run %+v", inspection, ran.Pruned)
	}
}

func TestInspectRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "bad.toml", []byte("[[node]]\nname = \"a\"\nop = \"softmax\"\n"))
	writeFile(t, "net.pt", []byte("PK"))
	writeFile(t, "net.h5", []byte("HDF"))
	for args, want := range map[string]string{
		"":                          "takes one model",
		"lenet6":                    `there is no model "lenet6"; it must be mlp:512-256`,
		"bad.toml":                  `bad.toml: node 1, "a": op is "softmax"`,
		"net.pt":                    `of a PyTorch network write one by safetensors.torch.save_file`,
		"net.h5":                    `net.h5 is no model file by its name; it must be an .onnx file, or`,
		"vgg16 --input 1x28x28":     `"stage5.pool"`,
		"lenet5 --input 30":         "takes images of channels, height and width",
		"lenet5 --input 3x0x3":      "--input is \"3x0x3\"",
		"lenet5 --input 3x3":        "--input is \"3x3\"",
		"lenet5 --players kernels":  `--players is "kernels"; it must be some of neurons`,
		"lenet5 --classes 0":        "--classes is 0",
		"lenet5 --data d --input 3": "give one of them",
	} {
		code, stdout, stderr := execute(t, append([]string{"inspect"}, strings.Fields(args)...)...)
		refused(t, exitUsage, want, code, stdout, stderr)
	}
}

// TestTheGuideHasTheSizes: those of its table are what inspect says.
func TestTheGuideHasTheSizes(t *testing.T) {
	found := 0
	for _, line := range strings.Split(readText(t, filepath.Join(guideFolder, "networks.md")), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 5 || !strings.HasPrefix(cells[0], "`") {
			continue
		}
		found++
		var i record.Inspection
		name := strings.Trim(cells[0], "`")
		if err := json.Unmarshal([]byte(succeed(t, "inspect", name, "--input", cells[2], "--json")), &i); err != nil {
			t.Fatal(err)
		}
		if report.Thousands(i.Parameters) != cells[3] || report.Thousands(i.MACs) != cells[4] {
			t.Errorf("%s has %s parameters and %s multiplications, the guide says %s and %s", name, report.Thousands(i.Parameters), report.Thousands(i.MACs), cells[3], cells[4])
		}
	}
	if found < 8 {
		t.Errorf("%d networks in the guide: the test looks at nothing", found)
	}
}
