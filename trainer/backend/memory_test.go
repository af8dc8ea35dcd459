package backend

import (
	"errors"
	"strings"
	"testing"

	"nashprune/trainer/network/networktest"
)

func TestMemoryPlanCheck(t *testing.T) {
	plan := MemoryPlan{Samples: 1 << 20, Parameters: 2 << 20, Moments: 4 << 20, Activations: 8 << 20, Source: "memory of the device"}
	if held := plan.Held(); held != 15<<20 {
		t.Errorf("it holds %d", held)
	}
	for _, c := range []struct {
		change func(*MemoryPlan)
		words  []string // of the error; none: it fits
	}{
		{func(p *MemoryPlan) { p.Available = 15 << 20 }, nil},
		{func(p *MemoryPlan) { p.Available = 0 }, nil}, // unknown
		{func(p *MemoryPlan) { p.Available = 15<<20 - 1 }, []string{"15.0 MiB", "moments 4.0 MiB", "memory of the device", "activations take most", "--batch"}},
		{func(p *MemoryPlan) { p.Available, p.Samples = 15<<20, 9<<20 }, []string{"samples take most", "fewer samples", "--data-on-device streamed", "--device"}},
		{func(p *MemoryPlan) { p.Available, p.Samples, p.Placement = 15<<20, 9<<20, Streamed }, []string{"samples take most", "a smaller --batch", "--device"}},
		{func(p *MemoryPlan) { p.Available, p.Moments = 15<<20, 9<<20 }, []string{"moments take most", "--model"}},
	} {
		p := plan
		c.change(&p)
		err := p.Check()
		if (err == nil) != (c.words == nil) || err != nil && !errors.Is(err, ErrOutOfMemory) {
			t.Errorf("%+v: %v", p, err)
			continue
		}
		for _, word := range c.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
	}
}

// A driver without figures of memory refuses nothing.
func TestPlanOfASilentDriver(t *testing.T) {
	withDrivers(t, processor())
	device, err := FindDevice("cpu")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := device.Plan(nil, EngineOptions{}, networktest.Perceptron(1, 2, 3).Graph)
	if err != nil || plan.Available != 0 || plan.Source == "" || plan.Check() != nil {
		t.Errorf("%+v, %v", plan, err)
	}
	if _, err := device.OpenGauge(); !errors.Is(err, ErrNoGauge) {
		t.Errorf("its gauge: %v", err)
	}
}
