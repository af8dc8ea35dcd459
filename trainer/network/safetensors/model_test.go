package safetensors_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/random"
)

// fitting returns metadata that fits n.
func fitting(n *network.Network) safetensors.Metadata {
	return safetensors.Metadata{
		Data: "digits", Height: n.Inputs(), Width: 1, Classes: n.Outputs(),
		Mean: 0.1, Deviation: math.Nextafter(1./3, 1), Generator: "nashprune 0.0.0-test",
	}
}

// shapes are widths of perceptrons, odd on purpose.
var shapes = [][]int{{1, 1}, {3, 2}, {13, 3, 2, 1}, {2, 0, 3}, {7, 5, 3}}

// perceptron returns the graph of a perceptron of rectifiers.
func perceptron(widths ...int) *network.Graph { return withActivation(network.ReLU, widths...) }

func withActivation(a network.Activation, widths ...int) *network.Graph {
	g, err := network.MLP(widths, a, network.DefaultPlayers)
	if err != nil {
		panic(err)
	}
	return g
}

// folded returns a random network with all participations one.
func folded(widths []int, seed uint64) *network.Network { return drawn(perceptron(widths...), seed) }

// drawn returns a network of random parameters.
func drawn(g *network.Graph, seed uint64) *network.Network {
	n, stream := network.New(g), random.New(seed, random.Testing, 0, 0)
	for _, v := range n.Parameters {
		for i := range v {
			v[i] = float32(stream.Normal())
		}
	}
	return n
}

// residual returns the graph of a residual network that lacks some inputs and features.
func residual(t testing.TB) *network.Graph {
	t.Helper()
	g, err := network.NewGraph([]network.Node{
		{Name: "image", Op: &network.Input{Sample: network.Shape{5, 2}, Keep: []int{0, 3, 4}}},
		{Name: "flat", Op: &network.Flatten{Keep: []int{0, 1, 5}}, In: []int{0}},
		{Name: "stem", Op: &network.Dense{Out: 4}, In: []int{1}},
		{Name: "a", Op: &network.Activate{Function: network.Tanh}, In: []int{2}},
		{Name: "block", Op: &network.Dense{Out: 4}, In: []int{3}},
		{Name: "sum", Op: &network.Add{}, In: []int{3, 4}},
		{Name: "both", Op: &network.Concat{}, In: []int{5, 1}},
		{Name: "head", Op: &network.Dense{Out: 2}, In: []int{6}},
	}, network.PlayerKinds)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func encoded(t testing.TB, n *network.Network, m safetensors.Metadata) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := safetensors.WriteModel(&file, n, m, safetensors.Layout{}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestSaveAndLoad(t *testing.T) {
	for _, widths := range shapes {
		n := folded(widths, 1)
		m := fitting(n)
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := safetensors.SaveModel(path, n, m); err != nil {
			t.Fatal(err)
		}
		got, gotM, err := safetensors.LoadModel(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, n) {
			t.Errorf("%v: the network changed", widths)
		}
		if !reflect.DeepEqual(gotM, m) {
			t.Errorf("%v: metadata %+v, want %+v", widths, gotM, m)
		}
		if file, err := os.ReadFile(path); err != nil || !bytes.Equal(file, encoded(t, got, gotM)) {
			t.Errorf("%v: writing again gives other bytes (%v)", widths, err)
		}
	}
}

// TestGraphsInFiles writes and reads a network that is no perceptron.
func TestGraphsInFiles(t *testing.T) {
	n := drawn(residual(t), 1)
	m := fitting(n)
	m.Height, m.Width = 5, 2 // of the sample, of which the network reads a part
	file := encoded(t, n, m)
	got, gotM, err := safetensors.ReadModel(bytes.NewReader(file))
	if err != nil || !reflect.DeepEqual(got, n) || !reflect.DeepEqual(gotM, m) {
		t.Fatalf("read %+v, %+v, %v, want %+v", got, gotM, err, n)
	}
	if again := encoded(t, got, gotM); !bytes.Equal(again, file) {
		t.Error("writing again gives other bytes")
	}
	for _, c := range []struct{ from, to, want string }{
		{`\"out\":2`, `\"out\":3`, `tensor "head.weight" of shape [3 7] is missing; the file has shape [2 7]`},
		{`\"sum\"`, `\"sun\"`, `"sum" is no earlier node`},
		{`\"op\":\"add\"`, `\"op\":\"sub\"`, `unknown operator "sub"`},
		{`\"keep\":[0,1,5]`, `\"keep\":[1,0,5]`, "entries must increase"},
		{`\"sample\":[5,2]`, `\"sample\":[5,9]`, `"graph"`},
	} {
		if !bytes.Contains(file, []byte(c.from)) {
			t.Fatalf("the file has no %s", c.from)
		}
		_, _, err := safetensors.ReadModel(bytes.NewReader(bytes.Replace(file, []byte(c.from), []byte(c.to), 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) && c.want != `"graph"` {
			t.Errorf("%s for %s: %v, want %q", c.to, c.from, err, c.want)
		}
	}
}

// older returns what version 0.1 would have written of a perceptron.
func older(t testing.TB, n *network.Network, change func(map[string]string)) []byte {
	t.Helper()
	metadata, tensors, err := safetensors.Read(bytes.NewReader(encoded(t, n, fitting(n))))
	if err != nil {
		t.Fatal(err)
	}
	delete(metadata, "graph")
	change(metadata)
	var file bytes.Buffer
	if err := safetensors.Write(&file, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestFilesOfVersion01 checks that a file without a graph is a perceptron with the
// activation that it names, of rectifiers where it names none.
func TestFilesOfVersion01(t *testing.T) {
	for _, a := range network.Activations {
		n := drawn(withActivation(a, 2, 3, 2), 3)
		got, _, err := safetensors.ReadModel(bytes.NewReader(older(t, n, func(map[string]string) {})))
		if err != nil || !reflect.DeepEqual(got, n) {
			t.Errorf("%s: read %+v, %v", a, got, err)
		}
	}
	n := folded([]int{2, 3, 2}, 3)
	got, _, err := safetensors.ReadModel(bytes.NewReader(older(t, n, func(m map[string]string) { delete(m, "activation") })))
	if err != nil || !reflect.DeepEqual(got, n) {
		t.Errorf("without an activation: read %+v, %v", got, err)
	}
	_, _, err = safetensors.ReadModel(bytes.NewReader(older(t, n, func(m map[string]string) { m["activation"] = "swim" })))
	if err == nil || !strings.Contains(err.Error(), "swim") {
		t.Errorf("activation swim: %v", err)
	}
}

// TestChannelsInFiles writes and reads how images of three channels are normalised. A
// file without a word of channels, as there were before, has none.
func TestChannelsInFiles(t *testing.T) {
	n := folded([]int{3 * 2 * 5, 2, 1}, 2)
	m := fitting(n)
	m.Channels, m.Height, m.Width = 3, 2, 5
	m.ChannelMeans, m.ChannelDeviations = []float64{0.1, 1. / 3, 0}, []float64{1, math.SmallestNonzeroFloat64, 2. / 3}
	file := encoded(t, n, m)
	if _, got, err := safetensors.ReadModel(bytes.NewReader(file)); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("read %+v, %v, want %+v", got, err, m)
	}
	metadata, tensors, err := safetensors.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"channels", "channel_means", "channel_deviations"} {
		if metadata[key] == "" {
			t.Errorf("the file has no %s", key)
		}
		delete(metadata, key)
	}
	metadata["height"] = "6" // the channels below each other
	var old bytes.Buffer
	if err := safetensors.Write(&old, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	if _, got, err := safetensors.ReadModel(&old); err != nil || got.Channels != 0 || got.ChannelMeans != nil || got.Height != 6 {
		t.Errorf("an old file: %+v, %v", got, err)
	}
}

// TestFileLayout spells out what PyTorch has to find.
func TestFileLayout(t *testing.T) {
	n := network.New(perceptron(2, 1, 1))
	copy(n.Parameters[0], []float32{1, 2})
	copy(n.Parameters[3], []float32{2})
	m := safetensors.Metadata{Data: "d", Height: 1, Width: 2, Classes: 1, Mean: 0.1, Deviation: 1e-300, Generator: "g"}
	header := `{"__metadata__":{"activation":"relu","classes":"1","data":"d","deviation":"1e-300","format":"pt","generator":"g",` +
		`"graph":"{\"nodes\":[{\"name\":\"input\",\"op\":\"input\",\"set\":{\"sample\":[2]}},{\"name\":\"0\",\"op\":\"dense\",\"in\":[\"input\"],\"set\":{\"out\":1}},` +
		`{\"name\":\"1\",\"op\":\"activation\",\"in\":[\"0\"],\"set\":{\"function\":\"relu\"}},{\"name\":\"2\",\"op\":\"dense\",\"in\":[\"1\"],\"set\":{\"out\":1}}],\"players\":[\"neurons\"]}",` +
		`"height":"1",` +
		`"mean":"0.1","model":"mlp:1","width":"2"},` +
		`"0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},` +
		`"2.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[12,16]},"2.bias":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := fileOf(header, one+two+"\x00\x00\x00\x00\x00\x00\x00\x00"+two)
	if got := encoded(t, n, m); !bytes.Equal(got, want) {
		t.Errorf("wrote %q\nwant %q", got, want)
	}
}

func TestMetadataToTheBit(t *testing.T) {
	n := folded([]int{3, 2, 1}, 2)
	for _, c := range []struct{ mean, deviation float64 }{
		{0, 1},
		{math.Copysign(0, -1), math.SmallestNonzeroFloat64},
		{-math.MaxFloat64, math.MaxFloat64},
		{0.13066047740239478, 0.30810780385646264},
	} {
		m := fitting(n)
		m.Data, m.Mean, m.Deviation = "two\nlines, \"quotes\" and é", c.mean, c.deviation
		_, got, err := safetensors.ReadModel(bytes.NewReader(encoded(t, n, m)))
		if err != nil || !reflect.DeepEqual(got, m) || math.Signbit(got.Mean) != math.Signbit(m.Mean) {
			t.Errorf("metadata %+v, %v, want %+v", got, err, m)
		}
	}
}

// The means and deviations of features read back to the bit, as do the names of
// classes.
func TestFeatureMetadata(t *testing.T) {
	n := folded([]int{3, 2, 2}, 2)
	m := fitting(n)
	m.Mean, m.Deviation = 0, 1
	m.Means = []float64{math.Copysign(0, -1), -math.MaxFloat64, 0.1}
	m.Deviations = []float64{math.SmallestNonzeroFloat64, math.MaxFloat64, math.Nextafter(1./3, 1)}
	m.ClassNames = []string{"a \"quoted\" <name>,\nin two lines", "é"}
	m.FeatureNames = []string{"a \"column\"", "é", ""}
	_, got, err := safetensors.ReadModel(bytes.NewReader(encoded(t, n, m)))
	if err != nil || !reflect.DeepEqual(got, m) || !math.Signbit(got.Means[0]) {
		t.Errorf("metadata %+v, %v, want %+v", got, err, m)
	}
	for _, c := range []struct {
		want   string
		change func(*safetensors.Metadata)
	}{
		{"means of 2 and deviations of 3", func(m *safetensors.Metadata) { m.Means = m.Means[:2] }},
		{"means of 3 and deviations of 0", func(m *safetensors.Metadata) { m.Deviations = nil }},
		{"feature 2 has mean 1 and deviation 0", func(m *safetensors.Metadata) { m.Deviations = []float64{1, 0, 1} }},
		{"feature 1 has mean +Inf", func(m *safetensors.Metadata) { m.Means = []float64{math.Inf(1), 0, 0} }},
		{"feature 3 has mean 1 and deviation NaN", func(m *safetensors.Metadata) { m.Deviations = []float64{1, 1, math.NaN()} }},
		{"want 0 and 1", func(m *safetensors.Metadata) { m.Mean = 0.5 }},
		{"1 names for 2 classes", func(m *safetensors.Metadata) { m.ClassNames = m.ClassNames[:1] }},
		{"2 names of features for a network of 3 inputs", func(m *safetensors.Metadata) { m.FeatureNames = m.FeatureNames[:2] }},
	} {
		changed := m
		changed.Means = []float64{0, 1, 1}
		c.change(&changed)
		var file bytes.Buffer
		if err := safetensors.WriteModel(&file, n, changed, safetensors.Layout{}); err == nil || !strings.Contains(err.Error(), c.want) || file.Len() > 0 {
			t.Errorf("error %v and %d bytes, want %q", err, file.Len(), c.want)
		}
	}
	for key, value := range map[string]string{"feature_means": "[1,2", "feature_deviations": `["1"]`, "class_names": `{"a":1}`, "feature_names": `[1]`} {
		metadata, tensors, err := safetensors.Read(bytes.NewReader(encoded(t, n, m)))
		if err != nil {
			t.Fatal(err)
		}
		metadata[key] = value
		var file bytes.Buffer
		if err := safetensors.Write(&file, metadata, tensors); err != nil {
			t.Fatal(err)
		}
		if _, _, err := safetensors.ReadModel(&file); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s %s: error %v", key, value, err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*network.Network, *safetensors.Metadata)
	}{
		{"fold the network first", func(n *network.Network, _ *safetensors.Metadata) { n.Participations[1][1] = 0.5 }},
		{"fold the network first", func(n *network.Network, _ *safetensors.Metadata) { n.Participations[0][2] = float32(math.NaN()) }},
		{`"0.weight" is NaN`, func(n *network.Network, _ *safetensors.Metadata) { n.Parameters[0][5] = float32(math.NaN()) }},
		{`"4.bias" is -Inf`, func(n *network.Network, _ *safetensors.Metadata) { n.Parameters[5][0] = float32(math.Inf(-1)) }},
		{"images of 0x1", func(_ *network.Network, m *safetensors.Metadata) { m.Height = 0 }},
		{"images of -13x-1", func(_ *network.Network, m *safetensors.Metadata) { m.Height, m.Width = -13, -1 }},
		{"for a network of 13 inputs", func(_ *network.Network, m *safetensors.Metadata) { m.Width = 2 }},
		{"want 1 to 16777216 pixels", func(_ *network.Network, m *safetensors.Metadata) { m.Height, m.Width = math.MaxInt, math.MaxInt }},
		{"images of -1 channels", func(_ *network.Network, m *safetensors.Metadata) { m.Channels = -1 }},
		{"images of 13x1 and 3 channels for a network of 13 inputs", func(_ *network.Network, m *safetensors.Metadata) { m.Channels = 3 }},
		{"means of 1 and deviations of 0 channels for images of 1", func(_ *network.Network, m *safetensors.Metadata) { m.Channels, m.ChannelMeans = 1, []float64{0} }},
		{"means of 1 and deviations of 1 channels for images of 0", func(_ *network.Network, m *safetensors.Metadata) {
			m.ChannelMeans, m.ChannelDeviations = []float64{0}, []float64{1}
		}},
		{"channel 1 has mean 0 and deviation 0", func(_ *network.Network, m *safetensors.Metadata) {
			m.Channels, m.ChannelMeans, m.ChannelDeviations = 1, []float64{0}, []float64{0}
		}},
		{"3 classes for a network of 1 logits", func(_ *network.Network, m *safetensors.Metadata) { m.Classes = 3 }},
		{"0 classes for a network of 1 logits", func(_ *network.Network, m *safetensors.Metadata) { m.Classes = 0 }},
		{"deviation 0", func(_ *network.Network, m *safetensors.Metadata) { m.Deviation = 0 }},
		{"deviation NaN", func(_ *network.Network, m *safetensors.Metadata) { m.Deviation = math.NaN() }},
		{"mean +Inf", func(_ *network.Network, m *safetensors.Metadata) { m.Mean = math.Inf(1) }},
		{"not UTF-8", func(_ *network.Network, m *safetensors.Metadata) { m.Data = "\xff" }},
	} {
		n := folded([]int{13, 3, 2, 1}, 3)
		m := fitting(n)
		c.change(n, &m)
		path := filepath.Join(t.TempDir(), "model.safetensors")
		err := safetensors.SaveModel(path, n, m)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one with %q and the path", err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the file was written", c.want)
		}
	}
}

// modelFile writes a file with the metadata and the tensors of a network of
// widths 2, 1, 1 after changing them.
func modelFile(t testing.TB, change func(metadata map[string]string, tensors *[]safetensors.Tensor)) []byte {
	t.Helper()
	n := folded([]int{2, 1, 1}, 4)
	metadata, tensors, err := safetensors.Read(bytes.NewReader(older(t, n, func(map[string]string) {})))
	if err != nil {
		t.Fatal(err)
	}
	change(metadata, &tensors)
	var file bytes.Buffer
	if err := safetensors.Write(&file, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestReadErrors(t *testing.T) {
	type tensors = *[]safetensors.Tensor
	set := func(key, value string) func(map[string]string, tensors) {
		return func(m map[string]string, _ tensors) { m[key] = value }
	}
	reshape := func(i int, shape ...int) func(map[string]string, tensors) {
		return func(_ map[string]string, ts tensors) {
			elements := 1
			for _, d := range shape {
				elements *= d
			}
			(*ts)[i].Shape, (*ts)[i].Float32 = shape, make([]float32, elements)
		}
	}
	for _, c := range []struct {
		want   string
		change func(map[string]string, tensors)
	}{
		{"holds 0 tensors", func(_ map[string]string, ts tensors) { *ts = nil }},
		{"holds 132 tensors", func(_ map[string]string, ts tensors) {
			for i := len(*ts); i < 132; i++ {
				*ts = append(*ts, safetensors.Tensor{Name: strings.Repeat("x", i), Shape: []int{0}})
			}
		}},
		{`"2.weight" and "2.bias" are not both there`, func(_ map[string]string, ts tensors) { *ts = (*ts)[:3] }},
		{`"0.weight" and "0.bias" are not both there`, func(_ map[string]string, ts tensors) { *ts = (*ts)[1:] }},
		{`"2.weight" and "2.bias" are not both there`, func(_ map[string]string, ts tensors) { (*ts)[3].Name = "3.bias" }},
		{`"4.weight" and "4.bias" are not both there`, func(_ map[string]string, ts tensors) {
			*ts = append(*ts, safetensors.Tensor{Name: "more", Shape: []int{0}})
		}},
		{`want [out in] and [out]`, reshape(0, 2)},
		{`want [out in] and [out]`, reshape(0, 1, 2, 1)},
		{`want [out in] and [out]`, reshape(1)},
		{`want [out in] and [out]`, reshape(1, 1, 1)},
		{`"0.weight" has shape [3 2] and "0.bias" [1]`, reshape(0, 3, 2)},
		{`"2.weight" takes 13 inputs, but the layer below has 1 outputs`, reshape(2, 1, 13)},
		{"for a network of 3 inputs", reshape(0, 1, 3)},
		{"number 1 of tensor \"0.weight\" is NaN", func(_ map[string]string, ts tensors) { (*ts)[0].Float32[1] = float32(math.NaN()) }},
		{"number 0 of tensor \"2.bias\" is +Inf", func(_ map[string]string, ts tensors) { (*ts)[3].Float32[0] = float32(math.Inf(1)) }},
		{`"data" is missing`, func(m map[string]string, _ tensors) { clear(m) }},
		{`"data" is missing`, func(m map[string]string, _ tensors) { delete(m, "data") }},
		{`"generator" is missing`, func(m map[string]string, _ tensors) { delete(m, "generator") }},
		{`"mean" is missing`, func(m map[string]string, _ tensors) { delete(m, "mean") }},
		{`"format" is "tf", want "pt"`, set("format", "tf")},
		{`"height" is "2.0", want a whole number`, set("height", "2.0")},
		{`"classes" is "99999999999999999999", want a whole number`, set("classes", "99999999999999999999")},
		{`"mean" is "a\n`, set("mean", "a\n"+strings.Repeat("b", 1<<20))},
		{`"deviation" is "1e999", want a number`, set("deviation", "1e999")},
		{"deviation -1", set("deviation", "-1")},
		{"mean NaN", set("mean", "NaN")},
		{"want 1 to 16777216 pixels", set("height", "9223372036854775807")},
		{"2 classes", set("classes", "2")},
	} {
		file := modelFile(t, c.change)
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := safetensors.LoadModel(path)
		if err == nil {
			t.Errorf("read, want an error with %q", c.want)
		} else if got := err.Error(); !strings.Contains(got, c.want) || !strings.Contains(got, path) || strings.Contains(got, "\n") || len(got) > 500 {
			t.Errorf("error %.600q, want one short line with %q and the path", got, c.want)
		}
	}
}

// TestReadBoundsInputs has a file of few bytes that claims very many inputs,
// which an empty first layer makes possible.
func TestReadBoundsInputs(t *testing.T) {
	file := modelFile(t, func(m map[string]string, ts *[]safetensors.Tensor) {
		m["height"], m["width"] = "2147483648", "1073741824"
		(*ts)[0] = safetensors.Tensor{Name: "0.weight", Shape: []int{0, math.MaxInt}}
		(*ts)[1] = safetensors.Tensor{Name: "0.bias", Shape: []int{0}}
		(*ts)[2] = safetensors.Tensor{Name: "2.weight", Shape: []int{1, 0}}
	})
	if _, _, err := safetensors.ReadModel(bytes.NewReader(file)); err == nil || !strings.Contains(err.Error(), "more than 16777216") {
		t.Errorf("error %v", err)
	}
}

func TestLoadWithoutAFile(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{folder, filepath.Join(folder, "missing.safetensors")} {
		if _, _, err := safetensors.LoadModel(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one with %q", err, path)
		}
	}
}

// FuzzRead checks that no bytes make the readers panic or allocate out of
// proportion, and that what they take is the same after writing it again.
func FuzzRead(f *testing.F) {
	for _, widths := range shapes {
		n := folded(widths, 5)
		f.Add(encoded(f, n, fitting(n)))
	}
	n, m := predicting()
	f.Add(encoded(f, n, m))
	n = drawn(residual(f), 1)
	m = fitting(n)
	m.Height, m.Width = 5, 2
	f.Add(encoded(f, n, m))
	f.Add(sparseFile(f))
	f.Add(older(f, folded([]int{3, 2, 2}, 6), func(map[string]string) {}))
	for _, c := range hostile() {
		if len(c.file) < 4096 {
			f.Add(c.file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var (
			metadata map[string]string
			tensors  []safetensors.Tensor
			err      error
		)
		memorytest.Within(t, readBound, func() int {
			metadata, tensors, err = safetensors.Read(bytes.NewReader(file))
			return len(file)
		})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of more than a line: %q", err)
			}
			return
		}
		var again bytes.Buffer
		if err := safetensors.Write(&again, metadata, tensors); err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		metadataAgain, tensorsAgain, err := safetensors.Read(&again)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if len(metadata)+len(metadataAgain) > 0 && !reflect.DeepEqual(metadata, metadataAgain) || !sameTensors(tensors, tensorsAgain) {
			t.Fatal("reading what was written gives something else")
		}

		var n *network.Network
		var m safetensors.Metadata
		memorytest.Within(t, readBound, func() int {
			n, m, err = safetensors.ReadModel(bytes.NewReader(file))
			return len(file)
		})
		if err != nil {
			return
		}
		nAgain, mAgain, err := safetensors.ReadModel(bytes.NewReader(encoded(t, n, m)))
		if err != nil || !reflect.DeepEqual(mAgain, m) || !reflect.DeepEqual(nAgain, n) {
			t.Fatalf("reading the written network gives %+v, %v, want %+v", mAgain, err, m)
		}
	})
}
