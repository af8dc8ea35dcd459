package safetensors_test

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
)

// predicting returns a network of two outputs and metadata of regression.
func predicting() (*network.Network, safetensors.Metadata) {
	n := folded([]int{3, 2, 2}, 2)
	m := fitting(n)
	m.Classes = 0
	m.TargetMeans = []float64{math.Copysign(0, -1), math.Nextafter(1./3, 1)}
	m.TargetDeviations = []float64{math.SmallestNonzeroFloat64, math.MaxFloat64}
	m.TargetNames = []string{"a \"quoted\" <name>,\nin two lines", "é"}
	return n, m
}

// How targets were standardised reads back to the bit, beside tensors that stay
// as they are in classification.
func TestTargetMetadata(t *testing.T) {
	n, m := predicting()
	file := encoded(t, n, m)
	got, gotM, err := safetensors.ReadModel(bytes.NewReader(file))
	if err != nil || !reflect.DeepEqual(got, n) || !reflect.DeepEqual(gotM, m) || !gotM.Regression() || !math.Signbit(gotM.TargetMeans[0]) {
		t.Errorf("metadata %+v, %v, want %+v", gotM, err, m)
	}
	metadata, tensors, err := safetensors.Read(bytes.NewReader(file))
	if err != nil || metadata["task"] != "regression" || metadata["classes"] != "0" {
		t.Errorf("metadata %q, %v", metadata, err)
	}
	_, ofClasses, err := safetensors.Read(bytes.NewReader(encoded(t, n, fitting(n))))
	if err != nil || !reflect.DeepEqual(tensors, ofClasses) {
		t.Errorf("the tensors are not those of a network of classes (%v)", err)
	}
}

func TestTargetMetadataErrors(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*safetensors.Metadata)
	}{
		{"means of 1, deviations of 2 and names of 2 targets for a network of 2 outputs", func(m *safetensors.Metadata) { m.TargetMeans = m.TargetMeans[:1] }},
		{"means of 2, deviations of 0", func(m *safetensors.Metadata) { m.TargetDeviations = nil }},
		{"names of 3 targets", func(m *safetensors.Metadata) { m.TargetNames = []string{"a", "b", "c"} }},
		{"target 1 has mean NaN", func(m *safetensors.Metadata) { m.TargetMeans = []float64{math.NaN(), 0} }},
		{"target 2 has mean 0 and deviation 0", func(m *safetensors.Metadata) { m.TargetMeans, m.TargetDeviations = []float64{0, 0}, []float64{1, 0} }},
		{"target 2 has mean 0 and deviation +Inf", func(m *safetensors.Metadata) {
			m.TargetMeans, m.TargetDeviations = []float64{0, 0}, []float64{1, math.Inf(1)}
		}},
		{"2 classes and names of 0", func(m *safetensors.Metadata) { m.Classes = 2 }},
		{"0 classes and names of 1", func(m *safetensors.Metadata) { m.ClassNames = []string{"x"} }},
		{"deviations of 2 targets and names of 2 for a network of classes", func(m *safetensors.Metadata) { m.TargetMeans, m.Classes = nil, 2 }},
		{"not UTF-8", func(m *safetensors.Metadata) { m.Data = "\xff" }},
	} {
		n, m := predicting()
		c.change(&m)
		var file bytes.Buffer
		if err := safetensors.WriteModel(&file, n, m, safetensors.Layout{}); err == nil || !strings.Contains(err.Error(), c.want) || file.Len() > 0 {
			t.Errorf("error %v and %d bytes, want %q", err, file.Len(), c.want)
		}
	}
	for _, c := range []struct{ key, value, want string }{
		{"task", "", `"target_means" is there and "task" is not "regression"`},
		{"task", "classification", `"target_means" is there and "task" is not "regression"`},
		{"task", "swim", `"target_means" is there and "task" is not "regression"`},
		{"target_means", "", `"task" is "regression" and "target_means" is missing`},
		{"target_means", "null", `"task" is "regression" and "target_means" is missing`},
		{"target_means", "[1,2", `"target_means" is "[1,2", want a list`},
		{"target_deviations", `["1","2"]`, `"target_deviations"`},
		{"target_deviations", "[0,1]", "target 1 has mean"},
		{"target_names", `["a"]`, "names of 1 targets"},
		{"target_names", `{"a":1}`, `"target_names"`},
		{"classes", "2", "2 classes and names of 0"},
	} {
		n, m := predicting()
		metadata, tensors, err := safetensors.Read(bytes.NewReader(encoded(t, n, m)))
		if err != nil {
			t.Fatal(err)
		}
		if metadata[c.key] = c.value; c.value == "" {
			delete(metadata, c.key)
		}
		var file bytes.Buffer
		if err := safetensors.Write(&file, metadata, tensors); err != nil {
			t.Fatal(err)
		}
		if _, _, err := safetensors.ReadModel(&file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: error %v, want %q", c.key, c.value, err, c.want)
		}
	}
}

// Files say which task they are of, or none; another word is refused.
func TestTaskOfAFile(t *testing.T) {
	for task, fine := range map[string]bool{"classification": true, "regression": false, "swim": false, "": false} {
		file := modelFile(t, func(metadata map[string]string, _ *[]safetensors.Tensor) { metadata["task"] = task })
		if _, m, err := safetensors.ReadModel(bytes.NewReader(file)); (err == nil) != fine || m.Regression() || err != nil && !strings.Contains(err.Error(), `"task"`) {
			t.Errorf("%q: %+v, %v", task, m, err)
		}
	}
}
