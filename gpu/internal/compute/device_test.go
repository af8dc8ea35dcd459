//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"encoding/binary"
	"fmt"
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
