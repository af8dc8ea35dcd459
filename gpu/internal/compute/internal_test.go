//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/vkshim"
)

func TestChooseQueue(t *testing.T) {
	graphics, compute := vk.QueueFlags(vk.QueueGraphicsBit), vk.QueueFlags(vk.QueueComputeBit)
	for _, c := range []struct {
		families []vkshim.QueueFamily
		presents []bool
		family   int
	}{
		{[]vkshim.QueueFamily{{Flags: graphics | compute, TimestampBits: 64}, {Flags: compute, TimestampBits: 64}}, []bool{false, false}, 0},
		{[]vkshim.QueueFamily{{Flags: graphics, TimestampBits: 64}, {Flags: compute}}, []bool{false, false}, 1},
		{[]vkshim.QueueFamily{{Flags: compute}, {Flags: graphics, TimestampBits: 64}, {Flags: compute, TimestampBits: 36}}, []bool{false, false, false}, 2},
		{[]vkshim.QueueFamily{{Flags: compute, TimestampBits: 64}, {Flags: compute}, {Flags: compute, TimestampBits: 36}}, []bool{false, true, true}, 2},
		{[]vkshim.QueueFamily{{Flags: compute, TimestampBits: 64}, {Flags: compute}, {Flags: graphics}}, []bool{false, true, true}, 1},
	} {
		family, err := chooseQueue(c.families, c.presents)
		if err != nil || family != c.family {
			t.Errorf("%+v, %v: family %d, %v", c.families, c.presents, family, err)
		}
	}
	if _, err := chooseQueue([]vkshim.QueueFamily{{Flags: graphics}}, []bool{true}); err == nil {
		t.Error("a device that does not compute was taken")
	}
}

func TestChooseMemory(t *testing.T) {
	const (
		local    = vk.MemoryPropertyFlags(vk.MemoryPropertyDeviceLocalBit)
		visible  = vk.MemoryPropertyFlags(vk.MemoryPropertyHostVisibleBit | vk.MemoryPropertyHostCoherentBit)
		cached   = vk.MemoryPropertyFlags(vk.MemoryPropertyHostCachedBit)
		coherent = 0x40 // of AMD: takes a feature
	)
	types := []memoryType{{visible, 8000}, {local | coherent, 4000}, {local | visible, 200}, {local, 4000}, {visible | cached, 8000}}
	for _, c := range []struct {
		kind    Memory
		allowed uint32
		bytes   uint64
		want    []int
	}{
		{Local, 0b11111, 100, []int{2, 3, 0, 4}},
		{Local, 0b11111, 300, []int{3, 0, 4}},
		{Local, 0b11111, 5000, []int{0, 4}}, // not on the device, but there is room
		{Local, 0b01010, 300, []int{3}},
		{Host, 0b11111, 100, []int{4, 0, 2}},
		{Host, 0b01111, 100, []int{0, 2}},
	} {
		if got, err := chooseMemory(types, preferred[c.kind], c.allowed, c.bytes); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: types %d, %v", c, got, err)
		}
	}
	for kind, want := range map[Kind]int{DiscreteGPU: 200, IntegratedGPU: 8000} {
		if got := localMemory(kind, types); got != want {
			t.Errorf("arenas of a device of kind %s come from %d bytes, want %d", kind, got, want)
		}
	}
	_, err := chooseMemory(types, preferred[Local], 0b11111, 9000)
	if !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "9000") || !strings.Contains(err.Error(), "8000") {
		t.Errorf("more than any heap has: %v", err)
	}
	if _, err := chooseMemory(types, preferred[Host], 0b01010, 1); err == nil || errors.Is(err, ErrOutOfMemory) {
		t.Errorf("no memory for the host: %v", err)
	}
}

// TestMemoryThatIsTaken: the next type is tried where one has nothing left, and on no other error.
func TestMemoryThatIsTaken(t *testing.T) {
	for _, c := range []struct {
		results []vk.Result // by type
		want    int
	}{
		{[]vk.Result{vk.Success, vk.Success}, 0},
		{[]vk.Result{vk.ErrorOutOfDeviceMemory, vk.Success}, 1},
		{[]vk.Result{vk.ErrorOutOfDeviceMemory, vk.ErrorOutOfDeviceMemory}, 1},
		{[]vk.Result{vk.ErrorOutOfHostMemory, vk.Success}, 0},
	} {
		tried := 0
		got, result := firstFree([]int{0, 1}, func(chosen int) vk.Result {
			tried++
			return c.results[chosen]
		})
		if got != c.want || tried != c.want+1 || result != c.results[c.want] {
			t.Errorf("%v: type %d after %d tries: %v", c.results, got, tried, result)
		}
	}
}

func TestLimits(t *testing.T) {
	least := Limits{StorageBuffers: minStorageBuffers, Invocations: minInvocations, PushBytes: minPushBytes}
	if err := least.check(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*Limits){
		"storage buffers": func(l *Limits) { l.StorageBuffers-- },
		"invocations":     func(l *Limits) { l.Invocations-- },
		"push constants":  func(l *Limits) { l.PushBytes-- },
	} {
		l := least
		spoil(&l)
		if err := l.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("too few %s: %v", want, err)
		}
	}
}

func TestSecondsWrapAround(t *testing.T) {
	if got := seconds(1<<36-3, 4, 36, 1e-9); math.Abs(got-7e-9) > 1e-18 {
		t.Errorf("7 ticks over the edge of 36 bits are %g s", got)
	}
	if got := seconds(5, 25, 64, 2e-9); math.Abs(got-40e-9) > 1e-18 {
		t.Errorf("20 ticks of 2 ns are %g s", got)
	}
}

func TestErrors(t *testing.T) {
	for result, kind := range map[vk.Result]error{
		vk.ErrorDeviceLost:           ErrDeviceLost,
		vk.Timeout:                   ErrDeviceLost,
		vk.ErrorOutOfHostMemory:      ErrOutOfMemory,
		vk.ErrorOutOfDeviceMemory:    ErrOutOfMemory,
		vk.ErrorOutOfPoolMemory:      ErrOutOfMemory,
		vk.ErrorFragmentedPool:       ErrOutOfMemory,
		vk.ErrorInitializationFailed: nil,
	} {
		err := failed("vkQueueSubmit", result)
		for _, other := range []error{ErrDeviceLost, ErrOutOfMemory} {
			if errors.Is(err, other) != (kind == other) {
				t.Errorf("%v: errors.Is with %v", err, other)
			}
		}
	}
	if got := failed("vkQueueSubmit", vk.ErrorDeviceLost).Error(); got != "vkQueueSubmit: VK_ERROR_DEVICE_LOST" {
		t.Error(got)
	}
	if got := failed("vkQueueSubmit", -77, "%d bytes", 5).Error(); got != "vkQueueSubmit: VkResult -77: 5 bytes" {
		t.Error(got)
	}
	if failed("vkQueueSubmit", vk.Success) != nil {
		t.Error("success is an error")
	}
}
