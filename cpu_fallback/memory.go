package cpufallback

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

var _ backend.Planner = driver{}

func (driver) Plan(_ backend.Device, d *dataset.Dataset, o backend.EngineOptions, widths []int) (backend.MemoryPlan, error) {
	plan := planMemory[float32](d, o, widths)
	plan.Available, plan.Source = availableMemory()
	return plan, nil
}

// planMemory counts what open and build allocate.
func planMemory[T real](d *dataset.Dataset, o backend.EngineOptions, widths []int) backend.MemoryPlan {
	var plan backend.MemoryPlan
	into := func(part *int) taker[T] {
		return func(n int) []T {
			*part += n * int(unsafe.Sizeof(*new(T)))
			return nil
		}
	}
	e := &engine[T]{data: d, options: o}
	e.layBatch(into(&plan.Activations))
	for i, in := range widths[:len(widths)-1] {
		l := &layer[T]{in: in, out: widths[i+1], gated: i < len(widths)-2}
		l.layParameters(into(&plan.Parameters))
		l.layGradient(into(&plan.Gradients))
		l.layMoments(into(&plan.Moments), o.Optimiser.Kind)
		l.layPlayers(into(&plan.Players))
		l.layActivations(into(&plan.Activations), e.batchRows)
	}
	return plan // a removal moves numbers within the memory that is there
}

// availableMemory returns how much memory a new program can have, in bytes, and and the
// source of this number; 0 and the reason where the system does not say.
func availableMemory() (bytes int, source string) {
	const file, key = "/proc/meminfo", "MemAvailable:"
	if runtime.GOOS != "linux" {
		return 0, "not known on " + runtime.GOOS
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, "not known: " + err.Error()
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), key); found {
			kibibytes := 0
			if _, err := fmt.Sscanf(value, "%d kB", &kibibytes); err == nil {
				return kibibytes << 10, "memory that the system says is available"
			}
		}
	}
	return 0, fmt.Sprintf("not known: %s has no line %s", file, key)
}
