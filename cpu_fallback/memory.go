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
	"nashprune/trainer/network"
)

var _ backend.Planner = driver{}

func (driver) Plan(_ backend.Device, d *dataset.Dataset, o backend.EngineOptions, g *network.Graph) (backend.MemoryPlan, error) {
	plan := planMemory[float32](d, o, g)
	plan.Available, plan.Source = availableMemory()
	return plan, nil
}

// counts are how many numbers an engine takes, by what they are for.
type counts struct{ parameters, gradients, moments, players, activations int }

// count counts what lay takes for a graph.
func (e *engine[T]) count(g *network.Graph) counts {
	var c counts
	into := func(part *int) taker[T] {
		return func(n int) []T {
			*part += n
			return nil
		}
	}
	counting := &engine[T]{data: e.data, kernels: e.kernels, options: e.options}
	counting.lay(g, takers[T]{
		parameters: into(&c.parameters), gradients: into(&c.gradients), moments: into(&c.moments), players: into(&c.players), activations: into(&c.activations),
	})
	return c
}

// planMemory says in bytes what an engine takes.
func planMemory[T real](d *dataset.Dataset, o backend.EngineOptions, g *network.Graph) backend.MemoryPlan {
	c := (&engine[T]{data: d, kernels: kernelsOf[T](), options: o}).count(g)
	size := int(unsafe.Sizeof(*new(T)))
	return backend.MemoryPlan{
		Parameters: size * c.parameters, Gradients: size * c.gradients, Moments: size * c.moments,
		Players: size * c.players, Activations: size * c.activations,
	}
}

// availableMemory returns how much memory a new program can have, in bytes, and the
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
