package cpufallback

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"nashprune/trainer"
)

// TestMultiplyAddLoops runs every loop that the processor has for one turn and for
// several: those in assembly must end, and leave the registers of others alone.
func TestMultiplyAddLoops(t *testing.T) {
	x := 1.5
	for _, loop := range multiplyAddLoops() {
		for _, turns := range []int{1, 2, 1000} {
			loop.run(turns)
		}
		if got, want := loop.operations(3), float64(2*3*12*loop.lanes); got != want {
			t.Errorf("%s: %v operations in three turns, want %v", loop.name, got, want)
		}
		x *= x
	}
	if want := math.Pow(1.5, math.Pow(2, float64(len(multiplyAddLoops())))); x != want {
		t.Errorf("a number became %v, want %v", x, want)
	}
}

func TestGauge(t *testing.T) {
	opened, err := driver{}.OpenGauge(trainer.Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	c, err := opened.Measure(t.Context())
	if err != nil || (c.Operations > 0) != (len(multiplyAddLoops()) > 0) || !(c.Bytes > 0) {
		t.Errorf("%+v, %v", c, err)
	}
	// Without vectors there is no ceiling that products do not exceed, and it says so.
	without := *opened.(*gauge)
	without.loops = nil
	c, err = without.Measure(t.Context())
	if operations, _ := without.Methods(); err != nil || c.Operations != 0 || !(c.Bytes > 0) || !strings.HasPrefix(operations, "no multiply-adds") {
		t.Errorf("%+v, %v, %q", c, err, operations)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opened.Measure(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after ctx has ended: %v", err)
	}
}
