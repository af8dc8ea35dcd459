//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"
)

// Memory says where an arena lies.
type Memory int

const (
	// Local memory is the device's own. The host reaches it with Write and Read.
	Local Memory = iota
	// Host memory is mapped for good: host and device see it both.
	Host
)

func (m Memory) String() string { return [...]string{"device", "host"}[m] }

// StagingBytes is how much goes between host and device in one submission, and how
// much every open device has of its own for that.
const StagingBytes = 4 << 20

// granule is what sizes of buffers are rounded up to, in bytes, so that kernels
// may read them as vectors of four.
const granule = 16

// preferred are the properties of memory to look for, the best first.
var preferred = map[Memory][]vk.MemoryPropertyFlagBits{
	Local: {vk.MemoryPropertyDeviceLocalBit, 0},
	Host: {
		vk.MemoryPropertyHostVisibleBit | vk.MemoryPropertyHostCoherentBit | vk.MemoryPropertyHostCachedBit,
		vk.MemoryPropertyHostVisibleBit | vk.MemoryPropertyHostCoherentBit,
	},
}

// ordinary are the flags that memory may have without a feature of the device.
const ordinary = vk.MemoryPropertyDeviceLocalBit | vk.MemoryPropertyHostVisibleBit | vk.MemoryPropertyHostCoherentBit | vk.MemoryPropertyHostCachedBit

// Arena is one piece of memory out of which buffers are taken.
type Arena struct {
	device *Device
	kind   Memory
	buffer vk.Buffer
	memory vk.DeviceMemory
	mapped []byte // of Host memory
	size   int
	used   int
	pieces []piece // see SeparateBuffers
	freed  bool
}

// Buffer is a range of an arena.
type Buffer struct {
	arena        *Arena
	offset, size int
}

// Round returns how much of an arena a buffer takes, in bytes.
func (d *Device) Round(bytes int) int { return d.info.Round(bytes) }

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// NewArena returns an arena of zeros.
func (d *Device) NewArena(kind Memory, bytes int) (*Arena, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	if limit := d.info.Limits.Allocation; bytes > limit {
		return nil, fmt.Errorf("an arena of %d bytes of %s memory: %w: %s allocates %d at most",
			bytes, kind, ErrOutOfMemory, d.info.Name, limit)
	}
	a := &Arena{device: d, kind: kind, size: d.Round(bytes)}
	d.arenas[a] = struct{}{}
	if err := a.open(); err != nil {
		a.Free()
		return nil, fmt.Errorf("an arena of %d bytes of %s memory: %w", a.size, kind, err)
	}
	return a, nil
}

// open creates the buffer and its memory. Free gives them back, also if only part
// is there.
func (a *Arena) open() error {
	d := a.device
	info := vk.BufferCreateInfo{
		SType: vk.StructureTypeBufferCreateInfo,
		Size:  vk.DeviceSize(a.size),
		Usage: vk.BufferUsageFlags(vk.BufferUsageStorageBufferBit | vk.BufferUsageUniformTexelBufferBit | vk.BufferUsageTransferSrcBit | vk.BufferUsageTransferDstBit),
	}
	defer info.Free()
	var buffer vk.Buffer
	if err := failed("vkCreateBuffer", vk.CreateBuffer(d.device, &info, nil, &buffer)); err != nil {
		return err
	}
	a.buffer = buffer
	var needs vk.MemoryRequirements
	vk.GetBufferMemoryRequirements(d.device, buffer, &needs)
	needs.Deref()
	needs.Free()
	choices, err := chooseMemory(d.memory, preferred[a.kind], needs.MemoryTypeBits, uint64(needs.Size))
	if err != nil {
		return fmt.Errorf("%s: %w", d.info.Name, err)
	}
	if d.info.Kind != IntegratedGPU { // where other memory is slower: rather none
		choices = choices[:1]
	}
	var memory vk.DeviceMemory
	chosen, result := firstFree(choices, func(chosen int) vk.Result {
		allocate := vk.MemoryAllocateInfo{
			SType:           vk.StructureTypeMemoryAllocateInfo,
			AllocationSize:  needs.Size,
			MemoryTypeIndex: uint32(chosen),
		}
		defer allocate.Free()
		return vk.AllocateMemory(d.device, &allocate, nil, &memory)
	})
	if err := failed("vkAllocateMemory", result, "%d bytes of a heap of %d on %s", needs.Size, d.memory[chosen].heap, d.info.Name); err != nil {
		return err
	}
	a.memory = memory
	if err := failed("vkBindBufferMemory", vk.BindBufferMemory(d.device, buffer, memory, 0)); err != nil {
		return err
	}
	if a.kind == Local {
		return d.transferring(func() { d.shim.Fill(d.transfer.commands, buffer, 0, a.size, 0) })
	}
	var address unsafe.Pointer
	if err := failed("vkMapMemory", vk.MapMemory(d.device, memory, 0, vk.DeviceSize(vk.WholeSize), 0, &address)); err != nil {
		return err
	}
	a.mapped = unsafe.Slice((*byte)(address), a.size)
	clear(a.mapped)
	return nil
}

// firstFree allocates memory of the first type that has some left. It returns the type that was tried
// last, and what came of it.
func firstFree(choices []int, allocate func(chosen int) vk.Result) (chosen int, result vk.Result) {
	for _, chosen = range choices {
		if result = allocate(chosen); result != vk.ErrorOutOfDeviceMemory {
			break
		}
	}
	return chosen, result
}

// chooseMemory returns the types of memory that are allowed and large enough, those with the first
// properties of those preferred first, at least one.
func chooseMemory(types []memoryType, preferred []vk.MemoryPropertyFlagBits, allowed uint32, bytes uint64) (choices []int, err error) {
	var largest uint64
	for _, properties := range preferred {
		for i, t := range types {
			flags := vk.MemoryPropertyFlagBits(t.flags)
			if allowed>>i&1 == 0 || flags&properties != properties || flags&^ordinary != 0 {
				continue
			}
			if t.heap >= bytes && !slices.Contains(choices, i) {
				choices = append(choices, i)
			}
			largest = max(largest, t.heap)
		}
	}
	if choices != nil {
		return choices, nil
	}
	if largest == 0 {
		return nil, errors.New("it has no such memory")
	}
	return nil, fmt.Errorf("%w: it takes %d bytes, and the largest heap has %d", ErrOutOfMemory, bytes, largest)
}

// Take returns the next range of the arena, of zeros if nothing wrote there. It panics
// when too little is left: [Device.Round] says how much there should be.
func (a *Arena) Take(bytes int) Buffer {
	left := a.size - a.used
	if bytes < 0 || bytes > left || a.device.Round(bytes) > left {
		panic(fmt.Sprintf("compute: a buffer of %d bytes from an arena with %d of %d left", bytes, left, a.size))
	}
	b := Buffer{a, a.used, bytes}
	a.used += a.device.Round(bytes)
	if SeparateBuffers {
		a.separate(b)
	}
	return b
}

// Free gives the arena back. Programs that use its buffers cannot run any more.
func (a *Arena) Free() {
	if a.freed {
		return
	}
	a.freed, a.mapped = true, nil
	d := a.device
	delete(d.arenas, a)
	if d.hung.Load() {
		return
	}
	for _, p := range a.pieces {
		vk.DestroyBuffer(d.device, p.buffer, nil)
	}
	if a.buffer != vk.NullBuffer {
		vk.DestroyBuffer(d.device, a.buffer, nil)
	}
	if a.memory != vk.NullDeviceMemory {
		vk.FreeMemory(d.device, a.memory, nil) // and unmaps it
	}
}

// Size returns how many bytes were asked for.
func (b Buffer) Size() int { return b.size }

// bound returns how many bytes kernels see and fills write: at least those asked
// for, in granules.
func (b Buffer) bound() int { return roundUp(max(b.size, granule), granule) }

// Bytes returns the buffer's memory, which device and host share, until its
// arena is freed. It panics unless the buffer is in Host memory.
func (b Buffer) Bytes() []byte {
	if b.arena.mapped == nil {
		panic("compute: the bytes of a buffer that the host does not see")
	}
	return b.arena.mapped[b.offset : b.offset+b.size : b.offset+b.size]
}

// Part returns a range of the buffer's bytes. To be filled its offset has to be a
// multiple of 16, and to be bound by a kernel one of what [Device.Round] rounds
// to; both reach to the next multiple of 16 beyond its end.
func (b Buffer) Part(offset, bytes int) Buffer {
	if offset < 0 || bytes < 0 || bytes > b.size-offset {
		panic(fmt.Sprintf("compute: %d bytes from %d on of a buffer of %d", bytes, offset, b.size))
	}
	return Buffer{b.arena, b.offset + offset, bytes}
}

// Span returns the smallest buffer that contains some of one arena, at least one, and
// the place of each in it, in bytes. It panics where they are of several arenas.
func Span(buffers ...Buffer) (whole Buffer, places []int) {
	whole = buffers[0]
	end := 0
	for _, b := range buffers {
		if b.arena != whole.arena {
			panic("compute: a span of buffers of several arenas")
		}
		whole.offset = min(whole.offset, b.offset)
		end = max(end, b.offset+b.bound())
	}
	whole.size = end - whole.offset
	for _, b := range buffers {
		places = append(places, b.offset-whole.offset)
	}
	return whole, places
}

// check says why the buffer cannot be used with the device.
func (d *Device) check(b Buffer) error {
	switch {
	case d.broken != nil:
		return d.broken
	case b.arena == nil:
		return errors.New("a buffer of no arena")
	case b.arena.device.connection != d.connection:
		return errors.New("a buffer of another device")
	case b.arena.freed:
		return errors.New("a buffer of an arena that is freed")
	}
	return nil
}

// Write copies data to the beginning of a buffer and waits until it is there.
func (d *Device) Write(b Buffer, data []byte) error {
	return d.inChunks("write", b, data, func(host []byte, staging, part Buffer) error {
		copy(staging.Bytes(), host)
		return d.copyNow(staging, part)
	})
}

// Read copies the beginning of a buffer to a slice.
func (d *Device) Read(b Buffer, into []byte) error {
	return d.inChunks("read", b, into, func(host []byte, staging, part Buffer) error {
		if err := d.copyNow(part, staging); err != nil {
			return err
		}
		copy(host, staging.Bytes())
		return nil
	})
}

// inChunks calls move with each part of the host's bytes, a buffer of the same
// size that the host sees, and the part of b that it belongs to.
func (d *Device) inChunks(what string, b Buffer, host []byte, move func(host []byte, staging, part Buffer) error) error {
	if err := d.check(b); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if len(host) > b.size {
		return fmt.Errorf("%s: %d bytes of a buffer of %d", what, len(host), b.size)
	}
	for start := 0; start < len(host); start += StagingBytes {
		size := min(StagingBytes, len(host)-start)
		err := move(host[start:start+size], Buffer{d.staging, 0, size}, Buffer{b.arena, b.offset + start, size})
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

func (d *Device) copyNow(from, to Buffer) error {
	return d.transferring(func() {
		d.shim.Copy(d.transfer.commands, from.arena.buffer, from.offset, to.arena.buffer, to.offset, from.size)
	})
}

// transferring runs what record records to d.transfer, and waits. What it wrote is
// visible to everything that is submitted later, and to the host.
func (d *Device) transferring(record func()) error {
	if err := d.begin(d.transfer); err != nil {
		return err
	}
	record()
	d.shim.Barrier(d.transfer.commands, true)
	if err := d.end(d.transfer); err != nil {
		return err
	}
	return d.run(&d.transfer, 1)
}
