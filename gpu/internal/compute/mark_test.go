//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
)

// A kernel that does not end is named, whichever it is of a program and however
// often that has run before; and with it only what no barrier keeps from being in
// flight at the same time.
func TestKernelInFlight(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for _, c := range []struct {
		name, program string // of kernels and transfers; a bar is a barrier
		passes        uint32 // of hold, before it holds
		times         int
		want          string
	}{
		{"first", "hold | next | spin", 0, 1, "hold"},
		{"middle", "next | spin | hold | spin | next", 0, 1, "hold"},
		{"middle of the third time", "next | spin | hold | spin | next", 2, 3, "hold"}, // all others have marked more than it
		{"last", "next | spin | fill | hold", 0, 1, "hold"},
		{"one of two", "next | spin hold spin | next", 0, 1, "spin, hold"},
		{"beside transfers", "next | fill hold | copy | next", 0, 2, "fill, hold, copy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !vktest.Alone(t) { // since nothing ends the kernel but the end of its process
				return
			}
			d := open(t)
			check(t, programOf(t, d, c.program, 2).Run(1)) // drivers compile what runs first
			d.SetPatience(3 * time.Second)
			err := programOf(t, d, c.program, c.passes).Run(c.times)
			var failure *compute.Error
			if !errors.Is(err, compute.ErrDeviceLost) || !errors.As(err, &failure) || failure.Call != "vkWaitForFences" ||
				!strings.Contains(err.Error(), "in flight on "+d.Info().Name+": "+c.want+", of ") {
				t.Fatal(err)
			}
			t.Log(err)
		})
	}
}

// programOf returns the program of some words.
func programOf(t *testing.T, d *compute.Device, words string, passes uint32) *compute.Program {
	t.Helper()
	fields := strings.Fields(words)
	a := arena(t, d, compute.Local, 2*len(fields)*d.Round(64))
	p := d.NewProgram()
	for _, word := range fields {
		b, to := a.Take(64), a.Take(64) // of each its own, so that bars are the only barriers
		switch word {
		case "|":
			p.Barrier()
		case "fill":
			p.Fill(b, 1)
		case "copy":
			p.Copy(b, to)
		case "next":
			p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, b)
		case "spin":
			p.Dispatch(must(d.Pipeline(spin))(t), [3]int{3, 2, 1}, spinPush{10}, b)
		case "hold":
			p.Dispatch(must(d.Pipeline(hold))(t), [3]int{65535, 1, 1}, holdPush{passes}, b)
		}
	}
	check(t, p.Record(false))
	return p
}

// What is reported where no kernel has begun, and for a number that no kernel writes.
func TestInFlightOfOtherMarks(t *testing.T) {
	for _, c := range []struct {
		program string
		mark    int
		times   int
		want    string
	}{
		{"next | spin", 0, 3, "no kernel yet, of 3 times next, spin"},
		{"fill | copy | next", 0, 1, "fill, copy, no kernel yet, of 1 times fill, copy, next"},
		{"fill copy", 0, 2, "fill, copy, no kernel yet, of 2 times fill, copy"},
		{"copy | next", 1, 1, "next, of 1 times copy, next"},
		{"copy | next", 1, 2, "next, copy, of 2 times copy, next"},
		{"next | spin", 3, 1, "1 times next, spin"},
		{"next | spin", math.MaxUint32, 1, "1 times next, spin"},
		{"", 0, 1, "1 times nothing"},
	} {
		if got := compute.InFlight(strings.Fields(c.program), c.mark, c.times); got != c.want {
			t.Errorf("%q at mark %d: %q, not %q", c.program, c.mark, got, c.want)
		}
	}
}

// A program leaves the mark of its last stage, after any other program. Many kernels that
// no barrier orders have each their own place, or validation of synchronisation would
// report.
func TestLastMark(t *testing.T) {
	d := open(t)
	defer d.Close()
	const beside = 5
	a := arena(t, d, compute.Local, beside*d.Round(64))
	var buffers []compute.Buffer
	for range beside {
		buffers = append(buffers, a.Take(64))
	}
	pipeline := must(d.Pipeline(next))(t)
	for _, stages := range []int{300, 1, 40, 2} {
		p := d.NewProgram()
		for range stages {
			for _, b := range buffers {
				p.Dispatch(pipeline, [3]int{2, 1, 1}, nil, b)
			}
		} // each of which has a barrier before the next
		check(t, p.Record(false))
		check(t, p.Run(2))
		if got := d.Mark(); got != stages {
			t.Errorf("%d stages leave the mark %d", stages, got)
		}
		p.Free()
	}
}
