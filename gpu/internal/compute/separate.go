//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"fmt"

	vk "github.com/vulkan-go/vulkan"
)

// SeparateBuffers is for tests of what kernels access. The validation layer (of
// Vulkan 1.3.239 at least) measures it against the size of a Vulkan buffer and not
// against the part that is bound, so an arena hides an overrun from one of its
// buffers to the next. If set, kernels see every buffer as a Vulkan buffer of its
// own, over the arena's memory.
var SeparateBuffers bool

// separateAlignment is enough for a buffer to begin there on any device.
const separateAlignment = 256

// piece is a Vulkan buffer for one buffer of an arena.
type piece struct {
	first, size int // bytes of the arena
	buffer      vk.Buffer
}

// separate gives a buffer that was just taken a Vulkan buffer of its own.
func (a *Arena) separate(b Buffer) {
	d := a.device
	info := vk.BufferCreateInfo{
		SType: vk.StructureTypeBufferCreateInfo,
		Size:  vk.DeviceSize(b.bound()),
		Usage: vk.BufferUsageFlags(vk.BufferUsageStorageBufferBit | vk.BufferUsageUniformTexelBufferBit),
	}
	defer info.Free()
	var buffer vk.Buffer
	err := failed("vkCreateBuffer", vk.CreateBuffer(d.device, &info, nil, &buffer))
	if err == nil {
		var needs vk.MemoryRequirements // asking is an obligation
		vk.GetBufferMemoryRequirements(d.device, buffer, &needs)
		needs.Free()
		a.pieces = append(a.pieces, piece{b.offset, b.bound(), buffer})
		err = failed("vkBindBufferMemory", vk.BindBufferMemory(d.device, buffer, a.memory, vk.DeviceSize(b.offset)))
	}
	if err != nil {
		panic(fmt.Sprintf("compute: separate buffers: %v", err))
	}
}

// place returns the Vulkan buffer in which kernels see b, and where there.
func (b Buffer) place() (buffer vk.Buffer, offset int) {
	for _, p := range b.arena.pieces {
		if p.first <= b.offset && b.offset < p.first+p.size {
			return p.buffer, b.offset - p.first
		}
	}
	return b.arena.buffer, b.offset
}
