package bench

import (
	"strings"
	"testing"

	"nashprune/trainer/network"
)

// TestNetworksInUse: every network is timed at every batch on every device that works, and the least time is
// that of two operations a multiply-accumulate at the ceiling. What has too many activations is left out.
func TestNetworksInUse(t *testing.T) {
	o := options(t, 0, 1)
	o.Networks = []Named{{"dense", network.New(Case{Widths: []int{4, 30, 2}}.graph())}, {"pruned", network.New(Case{Widths: []int{4, 3, 2}}.graph())}}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) != 0 || len(r.Networks) != 2 || r.Networks[1].Name != "pruned" || r.Networks[1].MACs != 4*3+3*2 {
		t.Fatalf("%+v", r)
	}
	for _, n := range r.Networks {
		if len(n.Times) != 2*len(useBatches) {
			t.Fatalf("%s: %+v", n.Name, n.Times)
		}
		for i, at := range n.Times {
			least := 2 * float64(at.Batch*n.MACs) / 1e15 * 1e6
			if i >= len(useBatches) {
				least = 0 // the second device has no gauge
			}
			if at.Batch != useBatches[i%len(useBatches)] || !(at.Microseconds > 0) || at.Least != least {
				t.Errorf("%s: %+v, the least is %g", n.Name, at, least)
			}
		}
	}

	o = options(t, 0, 1)
	o.Networks = []Named{{"wide", network.New(Case{Widths: []int{1, 1 << 20, 2}}.graph())}}
	if r, err = Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	last := r.Networks[0].Times[len(r.Networks[0].Times)-1]
	if last.Device != o.Devices[0].ID() || last.Batch >= 4096 {
		t.Errorf("a wide network: %+v", r.Networks[0].Times)
	}
	left := map[string]string{}
	for _, l := range r.LeftOut {
		left[l.Device+", "+l.What] = l.Reason
	}
	for i, d := range o.Devices { // the second has no memory for it
		if reason := left[d.ID()+", batch 4096"]; !strings.Contains(reason, "too many activations") {
			t.Errorf("left out: %+v", left)
		}
		if reason, is := left[d.ID()+", batch 1024"]; is != (i == 1) || is && !strings.Contains(reason, "memory") {
			t.Errorf("left out: %+v", left)
		}
	}
}
