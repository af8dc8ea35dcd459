package network_test

import (
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		model  string
		hidden []int
	}{
		{"mlp:2", []int{2}},
		{"mlp:65536", []int{65536}},
		{"mlp:512-256", []int{512, 256}},
		{"mlp:3-13-127-2", []int{3, 13, 127, 2}},
		{"mlp:" + strings.Repeat("13-", 63) + "13", slices.Repeat([]int{13}, 64)},
	} {
		hidden, err := network.Parse(c.model)
		if err != nil || !slices.Equal(hidden, c.hidden) {
			t.Errorf("Parse(%q) = %v, %v, want %v", c.model, hidden, err, c.hidden)
		}
		if got := network.Format(c.hidden); got != c.model {
			t.Errorf("Format(%v) = %q, want %q", c.hidden, got, c.model)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ model, want string }{
		{"", `want "mlp:" and the widths`},
		{"512-256", `want "mlp:" and the widths`},
		{"cnn:512", `want "mlp:" and the widths`},
		{"MLP:512", `want "mlp:" and the widths`},
		{"mlp:", `layer 0 has width ""`},
		{"mlp:512-", `layer 1 has width ""`},
		{"mlp:-512", `layer 0 has width ""`},
		{"mlp:5--5", `layer 1 has width ""`},
		{"mlp:+5", `layer 0 has width "+5"`},
		{"mlp:5 -7", `layer 0 has width "5 "`},
		{"mlp:1e3", `layer 0 has width "1e3"`},
		{"mlp:0x10", `layer 0 has width "0x10"`},
		{"mlp:13-1", `layer 1 has width "1", want a whole number from 2 to 65536`},
		{"mlp:0", `layer 0 has width "0"`},
		{"mlp:65537", `layer 0 has width "65537"`},
		{"mlp:4294967298", `layer 0 has width "4294967298"`},
		{"mlp:18446744073709551618", `layer 0 has width "18446744073709551618"`},
		{"mlp:" + strings.Repeat("13-", 64) + "13", "65 hidden layers, more than 64"},
		{"mlp:" + strings.Repeat("-", 1<<20), "1048577 hidden layers, more than 64"},
		{"mlp:" + strings.Repeat("9", 1<<20), "layer 0 has width"},
		{"mlp:5\n7", "layer 0 has width"},
	} {
		hidden, err := network.Parse(c.model)
		if err == nil {
			t.Errorf("Parse(%.40q) = %v, want an error with %q", c.model, hidden, c.want)
		} else if got := err.Error(); !strings.Contains(got, c.want) || len(got) > 200 || strings.Contains(got, "\n") {
			t.Errorf("Parse(%.40q): error %.300q, want one short line with %q", c.model, got, c.want)
		}
	}
}

func TestFormatOfAPrunedNetwork(t *testing.T) {
	if got := network.Format([]int{1, 0}); got != "mlp:1-0" {
		t.Errorf("Format(1, 0) = %q", got)
	}
}
