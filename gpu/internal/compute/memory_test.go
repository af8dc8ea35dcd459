//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nashprune/gpu/internal/compute"
)

func TestFillAndCopyKeepToTheirBuffers(t *testing.T) {
	for _, kind := range []compute.Memory{compute.Local, compute.Host} {
		d := open(t)
		a := arena(t, d, kind, 5*d.Round(100))
		var buffers []compute.Buffer
		for range 5 {
			buffers = append(buffers, a.Take(100))
		}
		for i, b := range buffers {
			if got := words(t, d, b, 25); slices.Max(got) != 0 {
				t.Errorf("%v: buffer %d is new and holds %v", kind, i, got)
			}
		}
		p := d.NewProgram()
		p.Fill(buffers[1], 0x01020304)
		p.Copy(buffers[1], buffers[3])
		check(t, p.Record(false))
		check(t, p.Run(1))
		for i, b := range buffers {
			want := uint32(0)
			if i == 1 || i == 3 {
				want = 0x01020304
			}
			if got := words(t, d, b, 25); slices.Min(got) != want || slices.Max(got) != want {
				t.Errorf("%v: buffer %d holds %v, not %#x", kind, i, got, want)
			}
		}
		d.Close()
	}
}

func TestWriteAndRead(t *testing.T) {
	d := open(t)
	defer d.Close()
	const chunk = compute.StagingBytes
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{0, 1, 3, 4, 15, 16, 17, 4095, chunk - 1, chunk, chunk + 1, 2*chunk + 5} {
		for _, kind := range []compute.Memory{compute.Local, compute.Host} {
			a := arena(t, d, kind, d.Round(size)+2*d.Round(64))
			before, b, behind := a.Take(64), a.Take(size), a.Take(64)
			data, back := make([]byte, size), make([]byte, size)
			random.Read(data)
			check(t, d.Write(b, data))
			check(t, d.Read(b, back))
			if !bytes.Equal(data, back) {
				t.Errorf("%d bytes of %v memory come back otherwise", size, kind)
			}
			if kind == compute.Host && !bytes.Equal(b.Bytes(), data) {
				t.Errorf("%d bytes: the host sees something else", size)
			}
			for _, neighbour := range []compute.Buffer{before, behind} {
				if got := words(t, d, neighbour, 16); slices.Max(got) != 0 {
					t.Errorf("%d bytes: a neighbour holds %v", size, got)
				}
			}
			for _, err := range []error{d.Write(b, make([]byte, size+1)), d.Read(b, make([]byte, size+1))} {
				if err == nil {
					t.Errorf("%d bytes fit in a buffer of %d", size+1, size)
				}
			}
			check(t, d.Write(b, data[:size/2])) // less than all
			a.Free()
		}
	}
}

func TestArenaIsFull(t *testing.T) {
	d := open(t)
	defer d.Close()
	a := arena(t, d, compute.Host, 3*d.Round(1))
	b := a.Take(20)
	if b.Size() != 20 || len(b.Bytes()) != 20 || cap(b.Bytes()) != 20 || d.Round(20) < 32 {
		t.Errorf("a buffer of 20 bytes: %d, %d, takes %d", b.Size(), len(b.Bytes()), d.Round(20))
	}
	panics := func(what string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		f()
	}
	panics("more than is left", func() { a.Take(3 * d.Round(1)) })
	panics("much more", func() { a.Take(math.MaxInt) })
	panics("less than nothing", func() { a.Take(-1) })
	a.Take(0)
	local := arena(t, d, compute.Local, 16).Take(16)
	panics("a part beyond the end", func() { b.Part(4, 17) })
	panics("a part before the beginning", func() { b.Part(-4, 8) })
	panics("bytes of local memory", func() { local.Bytes() })
	a.Free()
	panics("bytes of freed memory", func() { b.Bytes() })
}

func TestOutOfMemory(t *testing.T) {
	d := open(t)
	defer d.Close()
	limits := d.Info().Limits
	for _, kind := range []compute.Memory{compute.Local, compute.Host} {
		for _, bytes := range []int{limits.Allocation + 1, math.MaxInt} {
			_, err := d.NewArena(kind, bytes)
			if !errors.Is(err, compute.ErrOutOfMemory) || !strings.Contains(err.Error(), fmt.Sprint(bytes)) ||
				!strings.Contains(err.Error(), fmt.Sprint(limits.Allocation)) {
				t.Errorf("%v: %v", kind, err)
			}
		}
	}
	if limits.StorageRange > 1<<30 {
		t.Skipf("a kernel sees %d bytes", limits.StorageRange)
	}
	large := arena(t, d, compute.Local, limits.StorageRange+1).Take(limits.StorageRange + 1)
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, large)
	if err := p.Record(false); !errors.Is(err, compute.ErrOutOfMemory) || !strings.Contains(err.Error(), fmt.Sprint(limits.StorageRange)) ||
		!strings.Contains(err.Error(), "State") {
		t.Errorf("a buffer that is too large for a kernel: %v", err)
	}
}

func TestFreeInAnyOrder(t *testing.T) {
	for order := range 6 {
		d := open(t)
		first, second := arena(t, d, compute.Local, 64), arena(t, d, compute.Host, 64)
		a, b := first.Take(64), second.Take(64)
		p := d.NewProgram()
		p.Copy(a, b)
		p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, a)
		check(t, p.Record(true))
		check(t, p.Run(1))
		unrecorded := d.NewProgram()
		unrecorded.Fill(a, 1)
		frees := []func(){p.Free, first.Free, d.Close, second.Free, unrecorded.Free}
		for i := range frees {
			frees[(i+order)%len(frees)]()
			if order == 5 {
				frees[i]() // twice
			}
			if i == 0 && order == 1 {
				if err := p.Run(1); err == nil || !strings.Contains(err.Error(), "freed") {
					t.Errorf("a program ran on freed memory: %v", err)
				}
				if err := d.Write(a, make([]byte, 4)); err == nil {
					t.Error("freed memory was written")
				}
			}
		}
		if p.Run(1) == nil || unrecorded.Record(false) == nil || d.Write(b, nil) == nil {
			t.Error("something goes on after the end")
		}
		if _, err := d.NewArena(compute.Host, 1); err == nil {
			t.Error("memory of a closed device")
		}
		if _, err := d.Pipeline(next); err == nil {
			t.Error("a pipeline of a closed device")
		}
		late := d.NewProgram()
		if late.Record(false) == nil {
			t.Error("a program of a closed device")
		}
		late.Free()
	}
}
