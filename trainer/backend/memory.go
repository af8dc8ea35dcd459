package backend

import (
	"fmt"
	"strings"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// MemoryPlan is the memory that an engine takes on its device, in bytes, worked out
// before anything is allocated. Drivers count with the functions that allocate.
type MemoryPlan struct {
	// Placement says where the samples are; empty on CPUs, where they lie already.
	Placement Placement `json:"placement,omitempty"`

	Samples     int `json:"samples"` // 0 on CPUs
	Parameters  int `json:"parameters"`
	Gradients   int `json:"gradients"` // where they are kept
	Moments     int `json:"moments"`   // of the optimiser
	Players     int `json:"players"`   // what is known of them
	Activations int `json:"activations"`
	Exchange    int `json:"exchange"` // what host and device both see

	Available int    `json:"available"` // that the device has for it; 0 where that is unknown
	Source    string `json:"source"`    // what Available is, or why it is not known
}

// parts lists what an engine holds as long as it is open.
func (p MemoryPlan) parts() []memoryPart {
	fewer := "fewer samples, or --data-on-device " + string(Streamed)
	if p.Placement == Streamed {
		fewer = "a smaller --batch"
	}
	return []memoryPart{
		{"samples", p.Samples, fewer},
		{"parameters", p.Parameters, "a smaller --model"},
		{"gradients", p.Gradients, "a smaller --model"},
		{"moments", p.Moments, "a smaller --model"},
		{"players", p.Players, "a smaller --model"},
		{"activations", p.Activations, "a smaller --batch or --model"},
		{"exchange", p.Exchange, "a smaller --batch"},
	}
}

// Placed says in a few words where the samples are, if they are not where they lie
// already.
func (p MemoryPlan) Placed() string {
	switch p.Placement {
	case Resident:
		return "resident in the device's memory, " + mebibytes(p.Samples)
	case Streamed:
		return "streamed to the device while it works, through two chunks of " + mebibytes(p.Samples/2)
	}
	return ""
}

type memoryPart struct {
	name   string
	bytes  int
	remedy string
}

// Held returns what an engine holds as long as it is open.
func (p MemoryPlan) Held() int {
	total := 0
	for _, part := range p.parts() {
		total += part.bytes
	}
	return total
}

// Check returns an error of the kind [ErrOutOfMemory] when an engine takes more than
// the device has. It says what takes most and what to change.
func (p MemoryPlan) Check() error {
	needed := p.Held()
	if p.Available <= 0 || needed <= p.Available {
		return nil
	}
	var words []string
	largest := memoryPart{}
	for _, part := range p.parts() {
		if part.bytes > largest.bytes {
			largest = part
		}
		if part.bytes > 0 {
			words = append(words, fmt.Sprintf("%s %s", part.name, mebibytes(part.bytes)))
		}
	}
	return fmt.Errorf("%w: it would take %s (%s), and there are %s (%s): the %s take most: take %s, or another --device",
		ErrOutOfMemory, mebibytes(needed), strings.Join(words, ", "), mebibytes(p.Available), p.Source, largest.name, largest.remedy)
}

func mebibytes(bytes int) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// Planner is a [Driver] that can plan the memory of an engine.
type Planner interface {
	// Plan works out the memory of an engine for a network of the given graph.
	// It allocates nothing.
	Plan(device Device, d *dataset.Dataset, o EngineOptions, g *network.Graph) (MemoryPlan, error)
}

// Plan works out the memory of an engine on the device. The plan is empty where
// its driver does not plan.
func (d Device) Plan(data *dataset.Dataset, o EngineOptions, g *network.Graph) (MemoryPlan, error) {
	planner, ok := drivers[d.Driver].(Planner)
	if !ok {
		return MemoryPlan{Source: "its driver does not plan memory"}, nil
	}
	return planner.Plan(d, data, o, g)
}
