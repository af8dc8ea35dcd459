//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
)

// What is missing is said in one line.
func TestHiddenLoader(t *testing.T) {
	if !vktest.Alone(t, compute.LoaderVariable+"=/nonexistent/libvulkan.so.1") {
		return
	}
	for range 2 {
		for _, err := range missing() {
			if err == nil || !strings.HasPrefix(err.Error(), "no Vulkan loader: ") || !strings.Contains(err.Error(), "/nonexistent/libvulkan.so.1") ||
				strings.Contains(err.Error(), "\n") {
				t.Error(err)
			}
		}
	}
	t.Log(missing()[0])
}

func TestLoaderIsNone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("which library there is depends on the system")
	}
	if !vktest.Alone(t, compute.LoaderVariable+"=libm.so.6") {
		return
	}
	for _, err := range missing() {
		if err == nil || !strings.Contains(err.Error(), "libm.so.6: not a Vulkan loader") {
			t.Error(err)
		}
	}
}

func TestHiddenDriver(t *testing.T) {
	for _, variable := range []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"} {
		t.Run(variable, func(t *testing.T) {
			if !vktest.Alone(t, variable+"=/nonexistent/icd.json") {
				return
			}
			for range 2 { // nothing is left of the first
				for _, err := range missing() {
					if err == nil || !strings.HasPrefix(err.Error(), "no Vulkan driver") || strings.Contains(err.Error(), "\n") {
						t.Error(err)
					}
				}
			}
			t.Log(missing()[0])
		})
	}
}

// missing returns the errors of List and of Open.
func missing() []error {
	_, list := compute.List()
	d, open := compute.Open(0)
	if open == nil {
		d.Close()
	}
	return []error{list, open}
}

// Submissions and transfers leave nothing behind.
func TestMemoryStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !vktest.Alone(t) {
		return
	}
	submissions := 20_000
	if vktest.Long {
		submissions = 100_000
	}
	d := open(t)
	defer d.Close()
	b := arena(t, d, compute.Local, 4096).Take(4096)
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, b)
	check(t, p.Record(true))
	raw := make([]byte, 64)
	done := 0
	vktest.StaysFlat(t, submissions/4, submissions, func() error {
		if done++; done%10 != 0 {
			return p.Run(1)
		}
		return errors.Join(p.Run(1), d.Read(b, raw), d.Write(b, raw))
	})
}

var garbage []byte

// The binding frees what C reads when the collector runs during a call: ours
// must not. One goroutine litters, the other makes every call there is.
func TestGarbageCollection(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !vktest.Alone(t) {
		return
	}
	lasts := 2 * time.Second
	if vktest.Long {
		lasts = 300 * time.Second
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				garbage = make([]byte, 64<<10)
				runtime.Gosched()
			}
		}
	}()
	rounds := 0
	for start := time.Now(); time.Since(start) < lasts; rounds++ {
		d := open(t)
		if _, err := compute.List(); err != nil {
			t.Error(err)
		}
		for local := range 4 { // pipelines
			must(d.Pipeline(affine, uint32(local+1), uint32(rounds), 0))(t)
		}
		for steps := range 20 { // programs
			if got, err := runNext(d, steps+1); err != nil || got != after(0, steps+1) {
				t.Fatalf("round %d: %d after %d steps, %v", rounds, got, steps+1, err)
			}
		}
		d.Close()
	}
	close(stop)
	<-stopped
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d rounds, %d collections", rounds, memory.NumGC)
}

// A submission that does not end is an error that says what it was, and nothing
// that the device still uses is given back.
func TestHung(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !vktest.Alone(t) {
		return
	}
	d := open(t)
	a := arena(t, d, compute.Local, 4)
	b := a.Take(4)
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(spin))(t), [3]int{65535, 1, 1}, spinPush{2000}, b)
	p.Fill(b, 0)
	check(t, p.Record(true))
	d.SetPatience(time.Microsecond)
	err := p.Run(3)
	var failure *compute.Error
	if !errors.Is(err, compute.ErrDeviceLost) || !errors.As(err, &failure) || failure.Call != "vkWaitForFences" ||
		!strings.Contains(err.Error(), "nothing heard for 1µs, in flight on "+d.Info().Name+": ") || !strings.HasSuffix(err.Error(), "of 3 times spin, fill") {
		t.Fatal(err)
	}
	t.Log(err)
	_, late := d.NewArena(compute.Host, 4)
	for _, again := range []error{p.Run(1), d.Write(b, nil), late, d.NewProgram().Record(false)} {
		if !errors.Is(again, compute.ErrDeviceLost) {
			t.Errorf("after that: %v", again)
		}
	}
	p.Free()
	a.Free()
	d.Close()
	if _, err := runNext(open(t), 1); err != nil { // another device goes on
		t.Error(err)
	}
}

func BenchmarkRun(b *testing.B) {
	d := open(b)
	defer d.Close()
	buffer := arena(b, d, compute.Local, 4).Take(4)
	for _, dispatches := range []int{0, 1, 10} {
		for _, timed := range []bool{false, true} {
			b.Run(fmt.Sprintf("dispatches=%d/timed=%v", dispatches, timed), func(b *testing.B) {
				p := d.NewProgram()
				defer p.Free()
				for range dispatches {
					p.Dispatch(must(d.Pipeline(next))(b), [3]int{1, 1, 1}, nil, buffer)
				}
				check(b, p.Record(timed))
				b.ReportAllocs()
				for b.Loop() {
					if err := p.Run(1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// Recording of 100 dispatches with barriers.
func BenchmarkRecord(b *testing.B) {
	d := open(b)
	defer d.Close()
	buffer := arena(b, d, compute.Local, 4).Take(4)
	pipeline := must(d.Pipeline(next))(b)
	for b.Loop() {
		p := d.NewProgram()
		for range 100 {
			p.Dispatch(pipeline, [3]int{1, 1, 1}, nil, buffer)
		}
		check(b, p.Record(false))
		p.Free()
	}
}

func BenchmarkRead(b *testing.B) {
	d := open(b)
	defer d.Close()
	for _, size := range []int{64, compute.StagingBytes} {
		buffer := arena(b, d, compute.Local, size).Take(size)
		into := make([]byte, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				check(b, d.Read(buffer, into))
			}
		})
	}
}
