//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "embed"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vkshim"
	"nashprune/gpu/internal/vktest"
	"nashprune/shaders"
)

func TestMain(m *testing.M) { vktest.Main(m) }

//go:generate glslc --target-env=vulkan1.1 -Werror testdata/affine.comp -o testdata/affine.spv
//go:generate glslc --target-env=vulkan1.1 -Werror testdata/hold.comp -o testdata/hold.spv
//go:generate glslc --target-env=vulkan1.1 -Werror testdata/next.comp -o testdata/next.spv
//go:generate glslc --target-env=vulkan1.1 -Werror testdata/reverse.comp -o testdata/reverse.spv
//go:generate glslc --target-env=vulkan1.1 -Werror testdata/spin.comp -o testdata/spin.spv

var (
	//go:embed testdata/affine.spv
	affineCode []byte
	//go:embed testdata/hold.spv
	holdCode []byte
	//go:embed testdata/next.spv
	nextCode []byte
	//go:embed testdata/reverse.spv
	reverseCode []byte
	//go:embed testdata/spin.spv
	spinCode []byte
)

// What each computes stands in testdata.
var (
	affine = shaders.Kernel{Name: "affine", Code: affineCode, Buffers: []string{"Input", "Output"},
		Constants: []string{"LOCAL_SIZE", "SHIFT", "NEGATE"}, Push: affinePush{}}
	hold    = shaders.Kernel{Name: "hold", Code: holdCode, Buffers: []string{"Gate"}, Push: holdPush{}}
	next    = shaders.Kernel{Name: "next", Code: nextCode, Buffers: []string{"State"}}
	reverse = shaders.Kernel{Name: "reverse", Code: reverseCode, Buffers: []string{"Output", "Input"}, Texels: []string{"Input"}}
	spin    = shaders.Kernel{Name: "spin", Code: spinCode, Buffers: []string{"State"}, Push: spinPush{}}
)

type affinePush struct {
	Count  uint32
	Factor float32
	Stride int32
}

type holdPush struct{ Passes uint32 }

type spinPush struct{ Rounds uint32 }

// after returns what next makes of a word in so many steps.
func after(x uint32, steps int) uint32 {
	for range steps {
		x = 1664525*x + 1013904223
	}
	return x
}

func open(t testing.TB) *compute.Device {
	t.Helper()
	return must(compute.Open(0))(t)
}

// must returns a value, or stops the test.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func arena(t testing.TB, d *compute.Device, kind compute.Memory, bytes int) *compute.Arena {
	t.Helper()
	return must(d.NewArena(kind, bytes))(t)
}

// words returns the first words of a buffer.
func words(t testing.TB, d *compute.Device, b compute.Buffer, count int) []uint32 {
	t.Helper()
	raw := make([]byte, 4*count)
	check(t, d.Read(b, raw))
	all := make([]uint32, count)
	must(binary.Decode(raw, binary.NativeEndian, all))(t)
	return all
}

func TestListAndOpen(t *testing.T) {
	devices := must(compute.List())(t)
	for i, info := range devices {
		d := must(compute.Open(i))(t)
		if d.Info() != info || info.Index != i {
			t.Errorf("device %d is listed as\n%+v\nand opened as\n%+v", i, info, d.Info())
		}
		d.Close()
		d.Close()
		if info.Name == "" || info.Driver == "" || info.Kind == "" || info.SubgroupSize < 1 || info.Limits.Allocation < 1<<30 ||
			info.Limits.Groups[0] < 65535 || !strings.HasPrefix(info.Version, "1.") {
			t.Errorf("%+v", info)
		}
		t.Logf("%+v", info)
	}
	for _, index := range []int{-1, len(devices), 1 << 40} {
		if d, err := compute.Open(index); err == nil {
			d.Close()
			t.Errorf("device %d was opened", index)
		} else if want := fmt.Sprintf("no Vulkan device %d, there are %d", index, len(devices)); err.Error() != want {
			t.Errorf("device %d: %v", index, err)
		}
	}
}

func TestArithmetic(t *testing.T) {
	d := open(t)
	defer d.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		count, local, stride int
		shift                float32
		negate               bool
	}{
		{1, 1, 1, 0, false}, {2, 64, 1, 1.5, false}, {63, 64, 2, -3, true}, {64, 64, 1, 0.25, true}, {65, 64, 3, 1e-3, false}, {1000, 128, 2, 1e9, true},
	} {
		negate := uint32(0)
		if c.negate {
			negate = 1
		}
		pipeline := must(d.Pipeline(affine, uint32(c.local), math.Float32bits(c.shift), negate))(t)
		if must(d.Pipeline(affine, uint32(c.local), math.Float32bits(c.shift), negate))(t) != pipeline {
			t.Error("the same pipeline was made twice")
		}
		x := make([]float32, c.count*c.stride)
		for i := range x {
			x[i] = random.Float32() - 0.5
		}
		a := arena(t, d, compute.Local, d.Round(4*len(x))+d.Round(4*c.count))
		in, out := a.Take(4*len(x)), a.Take(4*c.count)
		check(t, d.Write(in, must(binary.Append(nil, binary.NativeEndian, x))(t)))
		p := d.NewProgram()
		p.Dispatch(pipeline, [3]int{(c.count + c.local - 1) / c.local, 1, 1}, affinePush{uint32(c.count), 3, int32(c.stride)}, in, out)
		check(t, p.Record(false))
		check(t, p.Run(1))
		for i, bits := range words(t, d, out, c.count) {
			want := float64(float32(3*x[i*c.stride])) + float64(c.shift)
			if c.negate {
				want = -want
			}
			if got := float64(math.Float32frombits(bits)); math.Abs(got-want) > 1e-6*math.Max(1e-6, math.Abs(want)) {
				t.Fatalf("%+v: element %d is %g, not %g", c, i, got, want)
			}
		}
		p.Free()
		a.Free()
	}
}

func TestTexelsAndParts(t *testing.T) {
	d := open(t)
	defer d.Close()
	const texels = 65
	part := d.Round(16 * texels)
	b := arena(t, d, compute.Local, 3*part).Take(3 * part)
	data := make([]byte, 16*texels)
	rand.NewChaCha8([32]byte{2}).Read(data)
	check(t, d.Write(b.Part(part, len(data)), data))
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(reverse))(t), [3]int{2, 1, 1}, nil, b.Part(0, len(data)), b.Part(part, len(data)))
	p.Copy(b.Part(16*(texels-1), 16), b.Part(2*part+7, 17)) // the first texel
	check(t, p.Record(false))
	check(t, p.Run(1))
	back := make([]byte, len(data))
	check(t, d.Read(b, back))
	for i := range texels {
		if j := texels - 1 - i; !bytes.Equal(back[16*i:16*i+16], data[16*j:16*j+16]) {
			t.Fatalf("texel %d is %v, not %v", i, back[16*i:16*i+16], data[16*j:16*j+16])
		}
	}
	check(t, d.Read(b.Part(2*part+6, 18), back[:18]))
	if back[0] != 0 || !bytes.Equal(back[1:17], data[:16]) || back[17] != 0 {
		t.Errorf("the copy is %v, not %v between zeros", back[:18], data[:16])
	}
}

// Every link of a chain must see the one before: fill, dispatches, copy and
// dispatches, and the same again in the next repetition.
func TestBarriersAndRepetitions(t *testing.T) {
	d := open(t)
	defer d.Close()
	const count = 100_000
	a := arena(t, d, compute.Local, 2*d.Round(4*count))
	state, second := a.Take(4*count), a.Take(4*count)
	pipeline := must(d.Pipeline(next))(t)
	groups := [3]int{(count + 63) / 64, 1, 1}

	p := d.NewProgram()
	p.Dispatch(pipeline, groups, nil, state)
	p.Copy(state, second)
	p.Dispatch(pipeline, groups, nil, second)
	p.Copy(second, state)
	check(t, p.Record(true))

	start := d.NewProgram()
	start.Fill(state, 7)
	check(t, start.Record(false))
	check(t, start.Run(1))
	total := 0
	for _, times := range []int{1, 2, 0, 64, 65} {
		check(t, p.Run(times))
		total += times
		want := after(7, 2*total)
		for i, got := range words(t, d, state, count) {
			if got != want {
				t.Fatalf("after %d repetitions word %d is %d, not %d", total, i, got, want)
			}
		}
	}
}

func TestProgramReused(t *testing.T) {
	d := open(t)
	defer d.Close()
	a := arena(t, d, compute.Host, 4)
	b := a.Take(4)
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, b)
	check(t, p.Record(false))
	for run := range 1000 {
		check(t, p.Run(1))
		if got, want := binary.NativeEndian.Uint32(b.Bytes()), after(0, run+1); got != want {
			t.Fatalf("run %d: %d, not %d", run, got, want)
		}
	}
}

// TestTexelsAreNoStorageBuffers: the limit of storage buffers is for them alone.
func TestTexelsAreNoStorageBuffers(t *testing.T) {
	d := open(t)
	defer d.Close()
	limits := d.Info().Limits
	limits.StorageBuffers = 2
	d.SetLimits(limits)
	if _, err := d.Pipeline(reverse); err != nil { // one of each, and the mark
		t.Error(err)
	}
	if _, err := d.Pipeline(affine, 1, 0, 0); err == nil {
		t.Error("a kernel of two storage buffers is taken")
	}
}

// TestInstanceOfPortability creates instances as on macOS, wherever the loader
// knows the extension.
func TestInstanceOfPortability(t *testing.T) {
	if !vktest.Alone(t) {
		return
	}
	defer open(t).Close() // which opens the loader
	const portability = "VK_KHR_portability_enumeration"
	if !vkshim.InstanceHasExtension(portability) {
		t.Skip("the loader does not know the extension")
	}
	instance, result := vkshim.CreateInstance(uint32(vk.MakeVersion(1, 1, 0)), true, []string{portability})
	if result != vk.Success {
		t.Fatal(result)
	}
	vk.DestroyInstance(instance, nil)
	if _, result := vkshim.CreateInstance(uint32(vk.MakeVersion(1, 1, 0)), false, []string{"VK_voodoo"}); result != vk.ErrorExtensionNotPresent {
		t.Errorf("an instance with an unknown extension: %v", result)
	}
}

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

func TestMistakesOfPrograms(t *testing.T) {
	d, other := open(t), open(t)
	defer other.Close()
	defer d.Close()
	a := arena(t, d, compute.Local, 4*d.Round(64))
	b, c, empty := a.Take(64), a.Take(32), a.Take(0)
	foreign := arena(t, other, compute.Local, 64).Take(64)
	gone := arena(t, d, compute.Local, 64)
	freed := gone.Take(64)
	gone.Free()
	pipeline := must(d.Pipeline(affine, 64, 0, 0))(t)
	inPlace := must(d.Pipeline(next))(t)
	foreignPipeline := must(other.Pipeline(affine, 64, 0, 0))(t)
	one, push := [3]int{1, 1, 1}, affinePush{Count: 1, Stride: 1}
	for want, add := range map[string]func(p *compute.Program){
		"kernel affine: its push constants are compute_test.affinePush, not <nil>":                 func(p *compute.Program) { p.Dispatch(pipeline, one, nil, b, c) },
		"kernel affine: its push constants are compute_test.affinePush, not compute_test.spinPush": func(p *compute.Program) { p.Dispatch(pipeline, one, spinPush{}, b, c) },
		"kernel affine: 1 buffers for Input, Output":                                               func(p *compute.Program) { p.Dispatch(pipeline, one, push, b) },
		"kernel affine: Output: a buffer of another device":                                        func(p *compute.Program) { p.Dispatch(pipeline, one, push, b, foreign) },
		"kernel affine: Input: a buffer of no arena":                                               func(p *compute.Program) { p.Dispatch(pipeline, one, push, compute.Buffer{}, c) },
		"kernel affine: Input: a buffer of an arena that is freed":                                 func(p *compute.Program) { p.Dispatch(pipeline, one, push, freed, c) },
		"kernel affine: a pipeline of another device":                                              func(p *compute.Program) { p.Dispatch(foreignPipeline, one, push, b, c) },
		"-1 workgroups in dimension 1":                                                             func(p *compute.Program) { p.Dispatch(pipeline, [3]int{1, -1, 1}, push, b, c) },
		"workgroups in dimension 2":                                                                func(p *compute.Program) { p.Dispatch(pipeline, [3]int{0, 1, 1 << 40}, push, b, c) },
		"fill: a buffer of no arena":                                                               func(p *compute.Program) { p.Fill(compute.Buffer{}, 1) },
		"copy: a buffer of another device":                                                         func(p *compute.Program) { p.Copy(b, foreign) },
		"copy: 64 bytes to a buffer of 32":                                                         func(p *compute.Program) { p.Copy(b, c) },
		"copy: to bytes that are copied":                                                           func(p *compute.Program) { p.Copy(b, b) },
		"kernel next: State: a part that begins 8 bytes into its arena, no multiple of":            func(p *compute.Program) { p.Dispatch(inPlace, one, nil, b.Part(8, 16)) },
		"fill: a part that begins 4 bytes into its arena, no multiple of 16":                       func(p *compute.Program) { p.Fill(b.Part(4, 16), 1) },
		" copy: to bytes that are copied":                                                          func(p *compute.Program) { p.Copy(b.Part(0, 17), b.Part(16, 40)) },
		"it is freed":                                                                              func(p *compute.Program) { p.Free() },
	} {
		p := d.NewProgram()
		add(p)
		p.Fill(compute.Buffer{}, 2) // of two mistakes the first is reported
		err := p.Record(false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Record says %v", want, err)
		}
		if again := p.Run(1); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: Run says %v", want, again)
		}
		p.Free()
	}

	p := d.NewProgram()
	p.Dispatch(pipeline, [3]int{5, 0, 5}, push, b, c) // nothing
	p.Copy(empty, c)
	if err := p.Run(1); err == nil {
		t.Error("it ran without having been recorded")
	}
	check(t, p.Record(true))
	check(t, p.Run(2))
	p.Fill(b, 1)
	if err := p.Run(1); err == nil {
		t.Error("something was added behind the end")
	}
	if len(d.Timings()) != 0 {
		t.Errorf("nothing took time: %v", d.Timings())
	}
}

func TestMistakesOfPipelines(t *testing.T) {
	d := open(t)
	defer d.Close()
	changed := func(change func(k *shaders.Kernel)) shaders.Kernel {
		k := next
		k.Name, k.Code = "changed", slices.Clone(k.Code)
		change(&k)
		return k
	}
	for what, k := range map[string]shaders.Kernel{
		"no code":               changed(func(k *shaders.Kernel) { k.Code = nil }),
		"a flipped byte":        changed(func(k *shaders.Kernel) { k.Code[1] ^= 1 }),
		"half a word":           changed(func(k *shaders.Kernel) { k.Code = k.Code[:len(k.Code)-2] }),
		"a header cut off":      changed(func(k *shaders.Kernel) { k.Code = k.Code[:16] }),
		"no buffers":            changed(func(k *shaders.Kernel) { k.Buffers = nil }),
		"very many buffers":     changed(func(k *shaders.Kernel) { k.Buffers = make([]string, 1<<22) }),
		"a missing constant":    changed(func(k *shaders.Kernel) { k.Constants = []string{"A"} }),
		"a string is pushed":    changed(func(k *shaders.Kernel) { k.Push = struct{ Name string }{} }),
		"too much is pushed":    changed(func(k *shaders.Kernel) { k.Push = struct{ Numbers [1 << 20]uint32 }{} }),
		"half a word is pushed": changed(func(k *shaders.Kernel) { k.Push = struct{ Half uint16 }{} }),
	} {
		if _, err := d.Pipeline(k); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTimings(t *testing.T) {
	d := open(t)
	defer d.Close()
	if !d.Info().Timestamps {
		t.Skip("the device has no timestamps")
	}
	b := arena(t, d, compute.Local, 4).Take(4)
	p := d.NewProgram()
	for i := range 3 {
		p.Dispatch(must(d.Pipeline(spin))(t), [3]int{1, 1, 1}, spinPush{50_000}, b)
		if i == 0 {
			p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, b)
		}
	}
	p.Fill(b, 1)
	check(t, p.Record(true))
	for range 5 {
		check(t, p.Run(2))
	}
	calls := map[string]int{}
	for _, timing := range d.Timings() {
		calls[timing.Kernel] = timing.Calls
		if timing.Seconds < 0 || timing.Seconds > 60 || timing.Kernel == "spin" && timing.Seconds < 15*1e-6 {
			t.Errorf("%+v", timing)
		}
	}
	if len(calls) != 3 || calls["spin"] != 15 || calls["next"] != 5 || calls["fill"] != 5 {
		t.Errorf("%v", d.Timings())
	}
	if !slices.IsSortedFunc(d.Timings(), func(a, b compute.Timing) int { return strings.Compare(a.Kernel, b.Kernel) }) {
		t.Errorf("not sorted: %v", d.Timings())
	}
}

func TestSeveralDevicesAtOnce(t *testing.T) {
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for round := range 3 {
				d, err := compute.Open(0)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := compute.List(); err != nil {
					t.Error(err)
				}
				steps := 10*worker + round + 1
				if got, err := runNext(d, steps); err != nil || got != after(0, steps) {
					t.Errorf("device %d: %d after %d steps, %v", worker, got, steps, err)
				}
				d.Close()
			}
		})
	}
	group.Wait()
}

// runNext applies next to a zero so many times in one run, and returns the last
// of many words. It leaves everything to be closed with the device.
func runNext(d *compute.Device, times int) (uint32, error) {
	const count = 1000
	a, err := d.NewArena(compute.Local, 4*count)
	if err != nil {
		return 0, err
	}
	pipeline, err := d.Pipeline(next)
	if err != nil {
		return 0, err
	}
	b := a.Take(4 * count)
	p := d.NewProgram()
	p.Dispatch(pipeline, [3]int{(count + 63) / 64, 1, 1}, nil, b)
	if err := p.Record(false); err != nil {
		return 0, err
	}
	if err := p.Run(times); err != nil {
		return 0, err
	}
	raw := make([]byte, 4*count)
	err = d.Read(b, raw)
	return binary.NativeEndian.Uint32(raw[4*count-4:]), err
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

func TestRunAllocatesNothing(t *testing.T) {
	if vktest.Sanitised {
		t.Skip("with the address sanitiser calls of C allocate")
	}
	d := open(t)
	defer d.Close()
	b := arena(t, d, compute.Local, 4).Take(4)
	for _, timed := range []bool{false, true} {
		p := d.NewProgram()
		p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, b)
		check(t, p.Record(timed))
		for _, times := range []int{1, 64, 100} {
			if n := testing.AllocsPerRun(20, func() { check(t, p.Run(times)) }); n != 0 {
				t.Errorf("timed %v, %d times: %g allocations", timed, times, n)
			}
		}
	}
}
