package trainer_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/onnxruntime"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// stateDict rewrites a model file as PyTorch would have saved it: under other names, in the
// types of the list in turn, with an entry of its metadata. It returns the new path.
func stateDict(t *testing.T, path, prefix string, types ...safetensors.Type) string {
	t.Helper()
	f, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Tensors {
		f.Tensors[i].Name, f.Tensors[i].Type = prefix+f.Tensors[i].Name, types[i%len(types)]
	}
	slices.SortFunc(f.Tensors, func(a, b safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return writeTensors(t, filepath.Join(t.TempDir(), "theirs.safetensors"), f.Tensors)
}

func writeTensors(t *testing.T, path string, tensors []safetensors.Tensor) string {
	t.Helper()
	var file bytes.Buffer
	if err := safetensors.Write(&file, map[string]string{"format": "pt", "epoch": "8"}, tensors); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPruneStateDicts: a state dict in any types, in one file or several, under a prefix, gives
// a file with the same names, types and metadata, whose figures are those of the result.
func TestPruneStateDicts(t *testing.T) {
	c, before := trained(t)
	ours := c.Source
	c.Normalise = scaled(t, ours)
	for name, change := range map[string]func() (path string){
		"F32":  func() string { return stateDict(t, ours, "", safetensors.F32) },
		"F16":  func() string { return stateDict(t, ours, "module.", safetensors.F16) },
		"BF16": func() string { return stateDict(t, ours, "model.", safetensors.BF16) },
		"several types": func() string {
			return stateDict(t, ours, "module.layers.", safetensors.F64, safetensors.F32, safetensors.F16, safetensors.BF16)
		},
		"several files": func() string {
			f, err := safetensors.ReadFile(stateDict(t, ours, "", safetensors.F16))
			if err != nil {
				t.Fatal(err)
			}
			folder, places := t.TempDir(), map[string]string{}
			for i := range 2 {
				shard := fmt.Sprintf("model-%d-of-2.safetensors", i+1)
				part := f.Tensors[i*3:][:3]
				writeTensors(t, filepath.Join(folder, shard), part)
				for _, tensor := range part {
					places[tensor.Name] = shard
				}
			}
			text, err := json.Marshal(map[string]any{"weight_map": places})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "model"+safetensors.IndexSuffix), text, 0o600); err != nil {
				t.Fatal(err)
			}
			return folder
		},
		"named": func() string { return stateDict(t, ours, "encoder.", safetensors.F32) },
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "several types" && name != "several files" {
				t.Skip("two will do")
			}
			c := c
			c.Source = change()
			if name == "named" {
				c.Model = "mlp:20-10"
			}
			result, dir := mustRun(t, c)
			if accuracy := *result.Dense.Accuracy; max(accuracy-*before.Dense.Accuracy, *before.Dense.Accuracy-accuracy) > 1 || name == "F32" && accuracy != *before.Dense.Accuracy {
				t.Errorf("before pruning it has %g %%, and was trained to %g", accuracy, *before.Dense.Accuracy)
			}
			if words := result.Source.Derived; !strings.Contains(words, "36-20-10-4") && !strings.Contains(words, "--model mlp:20-10, matched by shapes and order") {
				t.Errorf("derived: %s", words)
			}
			was, err := safetensors.ReadFile(c.Source)
			if err != nil {
				t.Fatal(err)
			}
			is := evaluated(t, c, result, dir)
			types := map[string]safetensors.Type{}
			for _, tensor := range was.Tensors {
				types[tensor.Name] = tensor.Type
			}
			for _, tensor := range is.Tensors {
				if kind, found := types[tensor.Name]; !found || kind != tensor.Type {
					t.Errorf("tensor %s of %s; the source has %q", tensor.Name, tensor.Type, kind)
				}
			}
			if len(is.Tensors) != len(was.Tensors) || is.Metadata["epoch"] != "8" || is.Metadata["mean"] == "" {
				t.Errorf("%d tensors, metadata %v", len(is.Tensors), is.Metadata)
			}
		})
	}
}

// TestPruneToBytes: a state dict of which single weights stay within a size keeps its names, its types and
// what is beside the network, and PyTorch loads it.
func TestPruneToBytes(t *testing.T) {
	c, _ := trained(t)
	c.Normalise = scaled(t, c.Source)
	c.Source, c.Players, c.Keep, c.MaxBytes = stateDict(t, c.Source, "module.", safetensors.F16), "weights", 0, -60
	result, dir := mustRun(t, c)
	is := evaluated(t, c, result, dir)
	dense, err := os.Stat(c.Source)
	if err != nil {
		t.Fatal(err)
	}
	// Of what nashprune writes of the whole network, whose metadata is longer than that of the source.
	if n, whole := len(read(t, dir, record.PrunedFile)), int(result.Market.Dense); n > whole*6/10 || whole > int(dense.Size())+2000 {
		t.Errorf("%d bytes of %d; the source has %d", n, whole, dense.Size())
	}
	for _, tensor := range is.Tensors {
		if !strings.HasPrefix(tensor.Name, "module.") || tensor.Type != safetensors.F16 && tensor.Type != "I32" {
			t.Errorf("tensor %s of %s", tensor.Name, tensor.Type)
		}
	}
	if is.Metadata["epoch"] != "8" || is.Metadata["csr"] == "" || string(read(t, dir, pytorch.ScriptFile)) != pytorch.Script {
		t.Errorf("metadata %v, or no script", is.Metadata)
	}
}

// TestPruneConvolutions: a state dict of a residual network keeps its counters.
func TestPruneConvolutions(t *testing.T) {
	c := modelConfig(t, modelFile(t, smallConvolutions))
	c.Game = game.NoGame
	_, dir := mustRun(t, c)
	f, err := safetensors.ReadFile(filepath.Join(dir, record.DenseFile))
	if err != nil {
		t.Fatal(err)
	}
	counter := safetensors.Tensor{Name: "bn1.num_batches_tracked", Shape: []int{}, Type: "I64", Raw: []byte{7, 0, 0, 0, 0, 0, 0, 0}}
	prune := settings.Trained()
	prune.Source = writeTensors(t, filepath.Join(t.TempDir(), "theirs.safetensors"), append(f.Tensors, counter))
	prune.Data, prune.Device, prune.Batch, prune.Epochs, prune.Rounds, prune.Sparsity, prune.Model = c.Data, c.Device, c.Batch, 2, 4, 0.5, c.Model
	prune.Normalise = scaled(t, filepath.Join(dir, record.DenseFile))
	result, out := mustRun(t, prune)
	if !strings.Contains(result.Source.Derived, "matched by names") || result.Pruned.Kept*2 > result.Pruned.Players+1 {
		t.Errorf("source %+v, pruned %+v", result.Source, result.Pruned)
	}
	is := evaluated(t, prune, result, out)
	if last := is.Tensors[len(is.Tensors)-1]; last.Name != counter.Name || !bytes.Equal(last.Raw, counter.Raw) {
		t.Errorf("the last tensor is %+v", last)
	}
}

// TestPruneONNX: a network that was exported is pruned from its file as from our own, with the
// scaling that the file says, and comes back as ONNX, with names and all.
func TestPruneONNX(t *testing.T) {
	c, trainedAs := trained(t)
	path := filepath.Join(t.TempDir(), "net.onnx")
	if _, err := trainer.Export(c.Source, path, trainer.ExportONNX, false); err != nil {
		t.Fatal(err)
	}
	ours, _ := mustRun(t, c)
	c.Source = path
	result, dir := mustRun(t, c)
	if s := result.Source; s.Format != "ONNX" || len(s.Digest) != 64 || s.Warning != "" || !slices.Equal(s.Types, []string{"F32"}) {
		t.Errorf("%+v", s)
	}
	if got, want := *result.Dense.Accuracy, *trainedAs.Dense.Accuracy; got != want {
		t.Errorf("the original has %v %%, and had %v when it was trained", got, want)
	}
	if got, want := result.Pruned.Kept, ours.Pruned.Kept; got != want {
		t.Errorf("%d players are kept, of our own file %d", got, want)
	}
	m, err := onnx.ReadFile(filepath.Join(dir, "pruned.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Before) != 2 || m.Output != "logits" || m.Network.ParameterCount() != result.Pruned.Parameters {
		t.Errorf("%d steps before, output %q, %d parameters", len(m.Before), m.Output, m.Network.ParameterCount())
	}
	for p, v := range n.Parameters {
		if !slices.Equal(v, m.Network.Parameters[p]) {
			t.Errorf("parameter %s differs between the two files of one network", n.Params[p].Name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, pytorch.ScriptFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a script for PyTorch is there: %v", err)
	}

	c.Normalise = "0.5/0.5"
	if _, err := trainer.Run(t.Context(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "twice")}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "says how its inputs are scaled") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Normalise = ""
	if _, err := trainer.Run(t.Context(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "broken")}); err == nil || !strings.Contains(err.Error(), "net.onnx") {
		t.Errorf("%v", err)
	}
}

// TestPruneONNXOfPyTorch: networks that PyTorch exported, by two operator sets, lose half of their
// multiplications, and the two files of what is left compute the same, also in ONNX Runtime
// where that is installed.
func TestPruneONNXOfPyTorch(t *testing.T) {
	library, err := filepath.Glob("../testdata/onnxruntime/node_modules/onnxruntime-node/bin/napi-v3/" + runtime.GOOS + "/" + map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH] + "/libonnxruntime.so.1")
	if err != nil {
		t.Fatal(err)
	}
	var ort *onnxruntime.Runtime
	if library != nil {
		ort, _ = onnxruntime.Open(library[0]) // nil in builds without cgo
	}
	for _, net := range []struct {
		name, players string
		sample        network.Shape
	}{
		{"sequential", "neurons", network.Shape{20}},
		{"lenet5", "filters,features,neurons", network.Shape{1, 28, 28}},
		{"residual", "filters,channels", network.Shape{3, 16, 16}},
	} {
		data := filepath.Join(t.TempDir(), "data.npz")
		writeSamples(t, data, net.sample, 10)
		for _, set := range []int{9, 16} {
			name := fmt.Sprintf("%s-%d.onnx", net.name, set)
			c := settings.Trained()
			c.Source, c.Data, c.Device, c.Normalise, c.Players = filepath.Join("../testdata/onnx", name), data, "gonum", "none", net.players
			c.Epochs, c.Rounds, c.Batch = 0, 2, 10
			was, err := onnx.ReadFile(c.Source)
			if err != nil {
				t.Fatal(err)
			}
			c.MaxMACs = cost.Limit(was.Network.MACs() / 2)
			result, dir := mustRun(t, c)
			if result.Pruned.MACs > int(c.MaxMACs) || result.Pruned.MACs < int(c.MaxMACs)/2 {
				t.Errorf("%s: %d of %d multiplications are left", name, result.Pruned.MACs, was.Network.MACs())
			}
			m, err := onnx.ReadFile(filepath.Join(dir, "pruned.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			ours, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
			if err != nil {
				t.Fatal(err)
			}
			if m.Input != was.Input || m.Output != was.Output {
				t.Errorf("%s: input %q and output %q, were %q and %q", name, m.Input, m.Output, was.Input, was.Output)
			}
			for p, v := range ours.Parameters {
				if !slices.Equal(v, m.Network.Parameters[p]) {
					t.Errorf("%s: %s differs between the two files", name, ours.Params[p].Name)
				}
			}
			if ort == nil {
				continue
			}
			file := read(t, dir, "pruned.onnx")
			s, err := ort.NewSession(onnxruntime.Model{File: file, Input: m.Input, Output: m.Output, Sample: m.Sample, Outputs: []int{m.Network.Outputs()}}, 3)
			if err != nil {
				t.Fatal(err)
			}
			input := make([]float64, len(s.Input()))
			for i, x := range s.Input() {
				input[i] = float64(x)
			}
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			pass := ours.Values().Forward(input, 3)
			for row := range 3 {
				want := pass.Output(row)
				for k, z := range want {
					// A hundred times the unit of float32, for sums of a few hundred terms.
					if got := float64(s.Output()[row*len(want)+k]); math.Abs(got-z) > 100*network.Float32Unit*(1+math.Abs(z)) {
						t.Errorf("%s: output %d of sample %d is %g in ONNX Runtime; it must be %g", name, k, row, got, z)
					}
				}
			}
			s.Close()
		}
	}
}

// writeSamples writes an NPZ file of drawn samples of a shape, 40 to train on and 20 to test.
func writeSamples(t *testing.T, path string, sample network.Shape, classes int) {
	t.Helper()
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	array := func(name, descr string, shape []int, data []byte) {
		lengths := ""
		for _, n := range shape {
			lengths += fmt.Sprintf("%d, ", n)
		}
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, lengths)
		header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
		w, err := archive.Create(name + ".npy")
		if err == nil {
			_, err = fmt.Fprintf(w, "\x93NUMPY\x01\x00%s%s%s", binary.LittleEndian.AppendUint16(nil, uint16(len(header))), header, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for part, count := range map[string]int{"train": 40, "test": 20} {
		var x, y []byte
		for i := range count * sample.Size() {
			x = binary.LittleEndian.AppendUint32(x, math.Float32bits(float32(math.Sin(float64(i*i)))))
		}
		for i := range count {
			y = append(y, byte(i%classes))
		}
		array("x_"+part, "<f4", append([]int{count}, sample...), x)
		array("y_"+part, "|u1", []int{count}, y)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
