//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"slices"

	vk "github.com/vulkan-go/vulkan"
)

// How a program places its barriers; the package's documentation says where and why.

// Region is a range of an arena's bytes, from First to before End.
type Region struct {
	Arena      *Arena
	First, End int
}

func (r Region) overlaps(other Region) bool {
	return r.Arena == other.Arena && r.First < other.End && other.First < r.End
}

// region returns the bytes of a buffer.
func (b Buffer) region(bytes int) Region { return Region{b.arena, b.offset, b.offset + bytes} }

// Accesses are the regions that a command reads and writes, but for the marks of kernels.
type Accesses struct{ Reads, Writes []Region }

// hazard says whether a command with the accesses has to wait for one with others.
func (a Accesses) hazard(before Accesses) bool {
	return overlap(a.Reads, before.Writes) || overlap(a.Writes, before.Writes) || overlap(a.Writes, before.Reads)
}

func overlap(some, others []Region) bool {
	return slices.ContainsFunc(some, func(r Region) bool { return slices.ContainsFunc(others, r.overlaps) })
}

// OverlookHazards is for tests of what finds a missing barrier. If set, programs have
// none but the last.
var OverlookHazards bool

// order places a barrier before a command with some accesses where it needs one.
func (p *Program) order(a Accesses) {
	if a.hazard(p.unordered) && !OverlookHazards {
		p.barrier(false)
	}
	p.unordered.Reads = append(p.unordered.Reads, a.Reads...)
	p.unordered.Writes = append(p.unordered.Writes, a.Writes...)
}

// barrier orders all commands so far with all that follow, with host also with what the
// host does when the program has run.
func (p *Program) barrier(host bool) {
	p.unordered = Accesses{}
	p.stages.barrier()
	p.steps = append(p.steps, step{record: func(commands vk.CommandBuffer) error {
		p.device.shim.Barrier(commands, host)
		return nil
	}})
}

// Step is a command of a program, or a barrier.
type Step struct {
	Name string // of the kernel, "fill" or "copy"; "" for a barrier
	Accesses
}

// Steps returns what a program does, in order, for tests.
func (p *Program) Steps() []Step {
	var all []Step
	for _, s := range p.steps {
		all = append(all, s.Step)
	}
	return all
}
