//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"sync/atomic"
	"time"
)

// SetPatience sets how long a submission may take.
func (d *Device) SetPatience(p time.Duration) { d.patience = p }

// SetLimits makes the device believe in other limits.
func (d *Device) SetLimits(l Limits) { d.info.Limits = l }

// Barrier places a barrier where none is needed.
func (p *Program) Barrier() { p.barrier(false) }

// Mark returns the number of the last stage that has begun.
func (d *Device) Mark() int { return int(atomic.LoadUint32(d.mark())) }

// InFlight returns what is in flight at a mark of a program, in words as
// TestKernelInFlight has them.
func InFlight(program []string, mark, times int) string {
	p := &Program{device: &Device{staging: &Arena{mapped: make([]byte, 4)}}}
	for _, word := range program {
		switch word {
		case "|":
			p.barrier(false)
			continue
		case "fill", "copy":
			p.stages.transfer(word)
		default:
			p.stages.kernel(word)
		}
		p.add(Step{Name: word}, nil)
	}
	p.work = p.contents()
	atomic.StoreUint32(p.device.mark(), uint32(mark))
	return p.device.inFlight(&p.submission, times)
}
