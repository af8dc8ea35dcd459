package backend

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// listed is a driver that has the given devices, or an error instead.
type listed struct {
	name    string
	devices []Device
	err     error
}

func (d listed) Name() string { return d.name }

func (d listed) Devices() ([]Device, error) { return d.devices, d.err }

func (d listed) Operators() []network.Kind { return nil }

func (d listed) Open(Device, *dataset.Dataset, EngineOptions, *State) (Engine, error) {
	return nil, errors.New("not for use")
}

// withDrivers registers these drivers and no others for the length of a test.
func withDrivers(t *testing.T, all ...listed) {
	t.Helper()
	before := maps.Clone(drivers)
	t.Cleanup(func() { drivers = before })
	drivers = map[string]Driver{}
	for _, d := range all {
		for i := range d.devices {
			d.devices[i].Driver, d.devices[i].Index = d.name, i
		}
		Register(d)
	}
}

// processor is a driver with a CPU, as every build has one.
func processor() listed {
	return listed{name: "cpu", devices: []Device{{Name: "Ryzen 9, 16 threads", Kind: CPU}}}
}

func TestChooseDevice(t *testing.T) {
	laptop := listed{name: "vulkan", devices: []Device{
		{Name: "llvmpipe (LLVM 15.0.6, 256 bits)", Kind: SoftwareGPU},
		{Name: "Intel Arc", Kind: IntegratedGPU},
		{Name: "GeForce RTX 4070", Kind: DiscreteGPU},
		{Name: "GeForce RTX 4090", Kind: DiscreteGPU},
	}}
	software := listed{name: "vulkan", devices: []Device{{Name: "llvmpipe", Kind: SoftwareGPU}}}
	virtual := listed{name: "vulkan", devices: []Device{{Name: "llvmpipe", Kind: SoftwareGPU}, {Name: "Virtio-GPU Venus", Kind: VirtualGPU}}}
	none := listed{name: "vulkan", err: errors.New("no Vulkan loader")}
	for _, c := range []struct {
		vulkan            listed
		words, id, reason string
	}{
		{laptop, "auto", "vulkan:2", "auto: the first discrete-gpu"},
		{laptop, "", "vulkan:2", "discrete-gpu"},
		{laptop, " AUTO ", "vulkan:2", "discrete-gpu"},
		{laptop, "vulkan", "vulkan:2", "the first of 4 that \"vulkan\" fits"},
		{laptop, "Vulkan:1", "vulkan:1", "\"Vulkan:1\""},
		{laptop, "vulkan:0", "vulkan:0", "\"vulkan:0\""},
		{laptop, "geforce", "vulkan:2", "the first of 2 that \"geforce\" fits, also vulkan:3 (GeForce RTX 4090)"},
		{laptop, "4090", "vulkan:3", "\"4090\""},
		{laptop, "0", "vulkan:2", "GPU 0 of 4"},
		{laptop, "2", "vulkan:1", "GPU 2 of 4"},
		{laptop, "3", "vulkan:0", "GPU 3 of 4"},
		{software, "0", "vulkan:0", "GPU 0 of 1"},
		{laptop, "r", "vulkan:2", "the first of 4"}, // the CPU fits, too, and so does Arc
		{laptop, "cpu", "cpu:0", "\"cpu\""},
		{laptop, "LLVMPIPE", "vulkan:0", "\"LLVMPIPE\""},
		{virtual, "auto", "vulkan:1", "virtual-gpu"},
		{software, "auto", "cpu:0", "auto: no GPU was found; software devices such as vulkan:0 are used only when named"},
		{software, "vulkan", "vulkan:0", "\"vulkan\""},
		{none, "auto", "cpu:0", "auto: no GPU was found (vulkan: no Vulkan loader)"},
		{none, "ryzen", "cpu:0", "\"ryzen\""},
	} {
		withDrivers(t, processor(), c.vulkan)
		choice, err := ChooseDevice(c.words)
		if err != nil || choice.ID() != c.id || !strings.Contains(choice.Reason, c.reason) {
			t.Errorf("%q is %s because %q (%v), want %s because %q", c.words, choice.ID(), choice.Reason, err, c.id, c.reason)
		}
	}
	for _, c := range []struct {
		vulkan       listed
		words, error string
	}{
		{software, "vulkan:1", `no such device: "vulkan:1"; there is vulkan:0 (llvmpipe)`},
		{software, "vulkan:-1", `no such device: "vulkan:-1"; there is vulkan:0 (llvmpipe)`},
		{software, "vulkan:", "there is vulkan:0"},
		{software, "geforce", `"geforce"; there is cpu:0 (Ryzen 9, 16 threads), vulkan:0 (llvmpipe)`},
		{none, "geforce", "there is cpu:0 (Ryzen 9, 16 threads); vulkan: no Vulkan loader"},
		{none, "vulkan", `"vulkan" is not available: no Vulkan loader`},
		{none, "vulkan:0", `"vulkan:0" is not available: no Vulkan loader`},
	} {
		withDrivers(t, processor(), c.vulkan)
		if choice, err := ChooseDevice(c.words); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), c.error) {
			t.Errorf("%q is %s, %v; want %s", c.words, choice.ID(), err, c.error)
		}
	}
	withDrivers(t, software)
	if choice, err := ChooseDevice("auto"); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "vulkan:0") {
		t.Errorf("without a CPU auto is %s, %v", choice.ID(), err)
	}
	withDrivers(t)
	if choice, err := ChooseDevice("auto"); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("without drivers auto is %s, %v", choice.ID(), err)
	}
}

// Devices share ceilings where they are the same hardware behind one driver: a processor
// with different libraries, and a device with different kernels, but not two cards of one
// name. Two devices of one processor differ by the library that multiplies their
// matrices.
func TestListedProcessorsDiffer(t *testing.T) {
	withDrivers(t, listed{name: "cpu", devices: []Device{{Name: "Ryzen 9", Kind: CPU, BLAS: "OpenBLAS 0.3.21"}, {Name: "Ryzen 9", Kind: CPU, BLAS: "gonum"}}})
	choice, err := ChooseDevice("cpu")
	if want := `the first of 2 that "cpu" fits, also cpu:1 (Ryzen 9, gonum)`; err != nil || choice.Reason != want {
		t.Errorf("%q, %v, want %q", choice.Reason, err, want)
	}
	_, err = ChooseDevice("cpu:2")
	if want := `there is cpu:0 (Ryzen 9, OpenBLAS 0.3.21), cpu:1 (Ryzen 9, gonum)`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestSharesCeilings(t *testing.T) {
	cpu := Device{Driver: "cpu", Name: "a processor", Kind: CPU, BLAS: "one"}
	card := Device{Driver: "vulkan", Index: 1, Name: "a card", Kind: DiscreteGPU, Kernels: "tiled"}
	change := func(d Device, by func(*Device)) Device { by(&d); return d }
	for i, c := range []struct {
		a, b Device
		want bool
	}{
		{cpu, cpu, true},
		{cpu, change(cpu, func(d *Device) { d.Index, d.BLAS = 1, "other" }), true},
		{cpu, change(cpu, func(d *Device) { d.Index, d.Name = 1, "another" }), false},
		{cpu, card, false},
		{card, change(card, func(d *Device) { d.Kernels = "vec4" }), true},
		{card, change(card, func(d *Device) { d.Index = 0 }), false},
		{cpu, change(cpu, func(d *Device) { d.Driver, d.Kind = "vulkan", SoftwareGPU }), false},
	} {
		if c.a.SharesCeilings(c.b) != c.want || c.b.SharesCeilings(c.a) != c.want {
			t.Errorf("%d: %+v and %+v: want %v", i, c.a, c.b, c.want)
		}
	}
}
