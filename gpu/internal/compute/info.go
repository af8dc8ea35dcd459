//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"fmt"
	"math"
	"strings"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/vkshim"
	"nashprune/shaders"
)

// Kind is what a device is, as its driver reports it.
type Kind string

const (
	DiscreteGPU   Kind = "discrete"
	IntegratedGPU Kind = "integrated" // shares the memory of the processor
	VirtualGPU    Kind = "virtual"    // of a virtual machine, or a kind that Vulkan does not name
	CPU           Kind = "cpu"        // a driver that computes on the processor, as lavapipe
)

// Info describes a device.
type Info struct {
	Index        int    // among the devices that can be used
	Name         string // as the driver calls it
	Kind         Kind
	Driver       string // name and version, as "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)"
	Version      string // of Vulkan, as "1.3.230"
	SubgroupSize int    // invocations; shaders assume none
	Timestamps   bool   // programs can be timed
	Presents     bool   // it can show pictures on the [Surface] that is open
	Alignment    int    // of buffers in an arena, bytes
	Memory       int    // bytes that Local arenas can have in all; including what others use, if the driver does not say
	Limits       Limits
}

// Round returns how much of an arena a buffer takes, in bytes.
func (i Info) Round(bytes int) int { return roundUp(max(bytes, granule), i.Alignment) }

// Limits are what a device can do at most.
type Limits struct {
	Groups         [3]int // workgroups of a dispatch, by dimension
	GroupSize      [3]int // invocations of a workgroup, by dimension
	Invocations    int    // of a workgroup
	SharedBytes    int    // of a workgroup
	StorageBuffers int    // of a kernel
	StorageRange   int    // bytes of a storage buffer that a kernel sees
	TexelRange     int    // bytes of a texel buffer that a kernel sees; of single floats a quarter
	PushBytes      int    // of push constants
	Allocation     int    // bytes of an arena
}

// What kernels may count on.
const (
	minStorageBuffers = shaders.StorageBuffers
	minInvocations    = 128
	minPushBytes      = 128
)

// check says which limit is too low for our kernels.
func (l Limits) check() error {
	for _, limit := range []struct {
		what         string
		have, needed int
	}{
		{"storage buffers of a kernel", l.StorageBuffers, minStorageBuffers},
		{"invocations of a workgroup", l.Invocations, minInvocations},
		{"bytes of push constants", l.PushBytes, minPushBytes},
	} {
		if limit.have < limit.needed {
			return fmt.Errorf("its limit of %s is %d: it takes %d", limit.what, limit.have, limit.needed)
		}
	}
	return nil
}

// candidate is a device that can be used, before it is opened.
type candidate struct {
	physical        vk.PhysicalDevice
	info            Info
	family          int     // of queues
	timestampBits   int     // that are valid
	timestampPeriod float64 // seconds
	memory          []memoryType
}

// memoryType is a kind of memory of a device.
type memoryType struct {
	flags vk.MemoryPropertyFlags
	heap  uint64 // bytes of all memory from the same heap
}

// examine checks a device, and says why it cannot be used.
func examine(instance vk.Instance, physical vk.PhysicalDevice) (candidate, error) {
	var p vk.PhysicalDeviceProperties
	vk.GetPhysicalDeviceProperties(physical, &p)
	p.Deref()
	defer p.Free()
	p.Limits.Deref()
	name := vk.ToString(p.DeviceName[:])
	if p.ApiVersion < apiVersion {
		return candidate{}, fmt.Errorf("%s: its driver is of Vulkan %s: it takes 1.1", name, versionString(p.ApiVersion))
	}
	families := vkshim.QueueFamilies(instance, physical)
	presents, err := presenting(instance, physical, len(families))
	if err != nil {
		return candidate{}, fmt.Errorf("%s: %w", name, err)
	}
	family, err := chooseQueue(families, presents)
	if err != nil {
		return candidate{}, fmt.Errorf("%s: %w", name, err)
	}
	timestampBits := families[family].TimestampBits
	newer := vkshim.PhysicalProperties(instance, physical, p.ApiVersion >= uint32(vk.MakeVersion(1, 2, 0)))
	driver := strings.TrimSpace(newer.DriverName + " " + newer.DriverInfo)
	if driver == "" {
		driver = fmt.Sprintf("version %#x", p.DriverVersion)
	}
	limits := Limits{
		Groups:         ints(p.Limits.MaxComputeWorkGroupCount),
		GroupSize:      ints(p.Limits.MaxComputeWorkGroupSize),
		Invocations:    int(p.Limits.MaxComputeWorkGroupInvocations),
		SharedBytes:    int(p.Limits.MaxComputeSharedMemorySize),
		StorageBuffers: int(p.Limits.MaxPerStageDescriptorStorageBuffers),
		StorageRange:   int(p.Limits.MaxStorageBufferRange),
		TexelRange:     texelBytes * int(p.Limits.MaxTexelBufferElements),
		PushBytes:      int(p.Limits.MaxPushConstantsSize),
		Allocation:     int(min(newer.Allocation, math.MaxInt)),
	}
	if err := limits.check(); err != nil {
		return candidate{}, fmt.Errorf("%s: %w", name, err)
	}
	memory := memoryTypes(physical)
	return candidate{
		physical: physical,
		info: Info{
			Name:         name,
			Kind:         kind(p.DeviceType),
			Driver:       driver,
			Version:      versionString(p.ApiVersion),
			SubgroupSize: newer.SubgroupSize,
			Timestamps:   timestampBits > 0,
			Presents:     presents[family],
			Alignment:    max(granule, int(p.Limits.MinStorageBufferOffsetAlignment), int(p.Limits.MinTexelBufferOffsetAlignment)),
			Memory:       localMemory(kind(p.DeviceType), memory),
			Limits:       limits,
		},
		family:          family,
		timestampBits:   timestampBits,
		timestampPeriod: float64(p.Limits.TimestampPeriod) * 1e-9,
		memory:          memory,
	}, nil
}

// chooseQueue returns the first family of queues that computes. Better is one that also
// presents, where presents says which do, and among equals one that takes timestamps.
func chooseQueue(families []vkshim.QueueFamily, presents []bool) (family int, err error) {
	best := 0
	for i, f := range families {
		if f.Flags&vk.QueueFlags(vk.QueueComputeBit) == 0 {
			continue
		}
		merit := 1
		if presents[i] {
			merit += 2
		}
		if f.TimestampBits > 0 {
			merit++
		}
		if merit > best {
			family, best = i, merit
		}
	}
	if best == 0 {
		return 0, fmt.Errorf("it has no queue for compute shaders")
	}
	return family, nil
}

func memoryTypes(physical vk.PhysicalDevice) []memoryType {
	var p vk.PhysicalDeviceMemoryProperties
	vk.GetPhysicalDeviceMemoryProperties(physical, &p)
	p.Deref()
	defer p.Free()
	var types []memoryType
	for _, t := range p.MemoryTypes[:p.MemoryTypeCount] {
		t.Deref()
		heap := p.MemoryHeaps[t.HeapIndex]
		heap.Deref()
		types = append(types, memoryType{t.PropertyFlags, uint64(heap.Size)})
	}
	return types
}

// localMemory returns the size of the heap that Local arenas come from. Those of an integrated GPU
// come from any, which are parts of one memory: the largest counts.
func localMemory(of Kind, types []memoryType) int {
	choices, err := chooseMemory(types, preferred[Local], math.MaxUint32, 0)
	if err != nil {
		return 0
	}
	heap := types[choices[0]].heap
	if of == IntegratedGPU {
		for _, i := range choices {
			heap = max(heap, types[i].heap)
		}
	}
	return int(min(heap, math.MaxInt))
}

func kind(t vk.PhysicalDeviceType) Kind {
	switch t {
	case vk.PhysicalDeviceTypeDiscreteGpu:
		return DiscreteGPU
	case vk.PhysicalDeviceTypeIntegratedGpu:
		return IntegratedGPU
	case vk.PhysicalDeviceTypeCpu:
		return CPU
	default: // virtual, and what Vulkan calls other
		return VirtualGPU
	}
}

func ints(v [3]uint32) [3]int { return [3]int{int(v[0]), int(v[1]), int(v[2])} }
