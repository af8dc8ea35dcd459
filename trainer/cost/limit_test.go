package cost

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestLimits: what is read is written the same, and comes to a number of the dense network's.
func TestLimits(t *testing.T) {
	for text, want := range map[string]struct {
		limit Limit
		toml  string
		of    Target // 41,013,889 multiply-accumulates
	}{
		"0":           {0, "0", Target{Resource: MACs}},
		"20000":       {20000, "20000", Target{Resource: MACs, Limit: 20000}},
		"30000000000": {3e10, "30000000000", Target{Resource: MACs, Limit: 3e10}},
		"50%":         {-50, `"50%"`, Target{Resource: MACs, Limit: 20506944, Percent: 50, Dense: 41013889}},
		"0.25%":       {-0.25, `"0.25%"`, Target{Resource: MACs, Limit: 102534, Percent: 0.25, Dense: 41013889}},
		"100%":        {-100, `"100%"`, Target{Resource: MACs, Limit: 41013889, Percent: 100, Dense: 41013889}},
	} {
		var l, again Limit
		if err := l.Set(text); err != nil || l != want.limit || l.String() != text {
			t.Errorf("%s: %v (%g), %v", text, l, float64(l), err)
		}
		if written, err := l.MarshalTOML(); err != nil || string(written) != want.toml {
			t.Errorf("%s in TOML: %s, %v", text, written, err)
		}
		if written, err := json.Marshal(l); err != nil || json.Unmarshal(written, &again) != nil || again != l {
			t.Errorf("%s in JSON: %s, %v, %v", text, written, again, err)
		}
		if got := NewTarget(MACs, l).Of(41013889); got != want.of {
			t.Errorf("%s: %+v", text, got)
		}
	}
	if got := NewTarget(Latency, -10).Of(1234.5); got.Limit != 123.45 || got.Given() != "10% (123.5)" {
		t.Errorf("%+v, %s", got, got.Given())
	}
}

func TestBadLimits(t *testing.T) {
	for text, word := range map[string]string{
		"0%": "above 0", "100.5%": "at most 100", "-3%": "above 0", "%": "such as 50%", "NaN%": "such as 50%",
		"-3": "above 0", "": "above 0", "many": "above 0", "Inf": "above 0", "nan": "above 0", "5 %": "above 0",
	} {
		l := Limit(7)
		if err := l.Set(text); err == nil || !strings.Contains(err.Error(), word) || l != 7 {
			t.Errorf("%q: %v, %v", text, l, err)
		}
	}
}
