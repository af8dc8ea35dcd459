//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"
)

// Every kernel leaves a mark when it begins (shaders/mark.glsl), in staging memory, which
// nothing else uses while a program runs. The first dispatch behind a barrier leaves the
// number of its stage in the first word. Others beside it, that no barrier orders, leave
// a mark in a lane of their own, since two may not write the same word; nothing reads
// those.
const (
	markBytes = 1 << 20 // of the first word and what is bound behind it: the lanes follow
	lastStage = markBytes / 4
)

// stage is what may be in flight between one mark and the next: the kernels between
// two barriers, and transfers from the one before to the one that follows.
type stage []string

// add takes in a name, once.
func (s *stage) add(name string) {
	if !slices.Contains(*s, name) {
		*s = append(*s, name)
	}
}

// stages are those of a program, by the number that marks them. Number 0 is what
// precedes all kernels.
type stages struct {
	all   []stage
	early stage // transfers since the last barrier with no kernel before them
	lane  int   // how many kernels there are since the last barrier
}

func (s *stages) start() {
	if s.all == nil {
		s.all = []stage{nil}
	}
}

// transfer adds a fill or a copy.
func (s *stages) transfer(name string) {
	s.start()
	s.all[len(s.all)-1].add(name)
	if s.lane == 0 {
		s.early.add(name)
	}
}

// kernel adds a dispatch, and returns the number that it leaves and in which lane.
func (s *stages) kernel(name string) (number, lane int) {
	s.start()
	if s.lane == 0 && len(s.all) <= lastStage {
		s.all = append(s.all, slices.Clone(s.early))
	}
	s.all[len(s.all)-1].add(name)
	s.lane++
	return len(s.all) - 1, s.lane - 1
}

func (s *stages) barrier() { s.early, s.lane = nil, 0 }

// inFlight names what may be in flight when a number was the last that was left, by a
// program that runs so many times. It is empty for a number of no stage, as it may
// stand in the memory of a device that is lost.
func (s *stages) inFlight(number, times int) string {
	if number >= len(s.all) {
		return ""
	}
	names := slices.Clone(s.all[number])
	if number == 0 {
		names = append(names, "no kernel yet")
	} else if number == len(s.all)-1 && times > 1 { // the next time may have begun
		for _, name := range s.all[0] {
			names.add(name)
		}
	}
	return strings.Join(names, ", ")
}

// markOf returns where a dispatch leaves its number: as many words of staging
// memory as the number has, and in other lanes than the first one.
func (d *Device) markOf(number, lane int) Buffer {
	if lane == 0 {
		return Buffer{d.staging, 0, 4 * number}
	}
	unit := d.Round(4)
	lanes := (StagingBytes - markBytes) / unit
	return Buffer{d.staging, markBytes + (lane-1)%lanes*unit, 4}
}

// mark is the word that holds the number of the last stage that has begun. The
// device writes it while it runs.
func (d *Device) mark() *uint32 { return (*uint32)(unsafe.Pointer(&d.staging.mapped[0])) }

// inFlight says what of a submission was in flight when it failed, as well as it is
// known.
func (d *Device) inFlight(s *submission, times int) string {
	whole := fmt.Sprintf("%d times %s", times, s.work)
	if s.stages.all == nil {
		return whole
	}
	found := s.stages.inFlight(int(atomic.LoadUint32(d.mark())), times)
	if found == "" {
		return whole
	}
	return fmt.Sprintf("%s, of %s", found, whole)
}
