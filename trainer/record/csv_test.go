package record

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

func TestWriteCSV(t *testing.T) {
	type Inner struct {
		Layers []int    `json:"layers,omitempty"`
		Loss   *float64 `json:"loss,omitempty"`
	}
	type row struct {
		Name string `json:"name"`
		Inner
		Rate  float64 `json:"rate"`
		Joint bool    `json:"joint"`
	}
	loss := 1e-21
	var text strings.Builder
	if err := WriteCSV(&text, []row{{"a, \"b\"", Inner{[]int{3, 2}, &loss}, 0.1, true}, {Rate: 1. / 3}}); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{
		{"name", "layers", "loss", "rate", "joint"}, {"a, \"b\"", "3-2", "1e-21", "0.1", "true"}, {"", "", "", "0.3333333333333333", "false"},
	} {
		if !slices.Equal(lines[i], want) {
			t.Errorf("%q, want %q", lines[i], want)
		}
	}
	text.Reset()
	if err := WriteCSV(&text, []row(nil)); err != nil || text.String() != "name,layers,loss,rate,joint\n" {
		t.Errorf("of none: %q, %v", text.String(), err)
	}
}
