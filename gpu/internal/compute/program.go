//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/shaders"
)

// Program is a sequence of dispatches, fills and copies that is recorded once
// and run many times. Each sees what those before it wrote (order.go). The methods that
// add to it never fail: [Program.Record] returns the first mistake.
type Program struct {
	device     *Device
	steps      []step
	unordered  Accesses // since the last barrier
	dispatches int
	bindings   int // of storage buffers, over all dispatches, with a mark for each
	texels     int // of texel buffers
	arenas     []*Arena
	err        error // the first mistake, or why it cannot run

	submission
	pool  vk.DescriptorPool
	views []vk.BufferView // of the texel buffers
	clock clock
	freed bool
}

// step is what a program does at one place.
type step struct {
	Step
	record func(commands vk.CommandBuffer) error // until it is recorded
}

// clock is what times a program: a timestamp at the start and one after every
// step that is no barrier.
type clock struct {
	pool  vk.QueryPool
	ticks []uint64
	sums  []*Timing // by timestamp but the first
}

// NewProgram returns an empty program.
func (d *Device) NewProgram() *Program {
	p := &Program{device: d, err: d.broken}
	if p.err == nil {
		d.programs[p] = struct{}{}
	}
	return p
}

// fail keeps the first mistake.
func (p *Program) fail(format string, values ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, values...)
	}
}

// use says why a buffer cannot be used, and keeps its arena in mind.
func (p *Program) use(b Buffer) error {
	if err := p.device.check(b); err != nil {
		return err
	}
	if !slices.Contains(p.arenas, b.arena) {
		p.arenas = append(p.arenas, b.arena)
	}
	return nil
}

// Dispatch adds so many workgroups of a pipeline by dimension, none if one is
// zero. Push is a value of the kernel's type of push constants, nil if it has
// none; the buffers are those of the kernel, in order.
func (p *Program) Dispatch(pipeline *Pipeline, groups [3]int, push any, buffers ...Buffer) {
	d, k := p.device, pipeline.kernel
	if pipeline.device != d {
		p.fail("kernel %s: a pipeline of another device", k.Name)
		return
	}
	if reflect.TypeOf(push) != reflect.TypeOf(k.Push) {
		p.fail("kernel %s: its push constants are %T, not %T", k.Name, k.Push, push)
		return
	}
	var pushed []byte
	if push != nil {
		var err error
		if pushed, err = binary.Append(nil, binary.NativeEndian, push); err != nil {
			p.fail("kernel %s: push constants: %w", k.Name, err)
			return
		}
	}
	if len(buffers) != len(k.Buffers) {
		p.fail("kernel %s: %d buffers for %s", k.Name, len(buffers), strings.Join(k.Buffers, ", "))
		return
	}
	var accesses Accesses
	for i, b := range buffers {
		if err := p.use(b); err != nil {
			p.fail("kernel %s: %s: %w", k.Name, k.Buffers[i], err)
			return
		}
		if pipeline.access[i].Reads {
			accesses.Reads = append(accesses.Reads, b.region(b.bound()))
		}
		if pipeline.access[i].Writes {
			accesses.Writes = append(accesses.Writes, b.region(b.bound()))
		}
		if b.offset%d.info.Alignment != 0 {
			p.fail("kernel %s: %s: a part that begins %d bytes into its arena, no multiple of %d", k.Name, k.Buffers[i], b.offset, d.info.Alignment)
			return
		}
		if limit := pipeline.limitOf(i); b.bound() > limit {
			p.fail("kernel %s: %s: %w: it has %d bytes, and on %s a kernel sees %d of a buffer at most",
				k.Name, k.Buffers[i], ErrOutOfMemory, b.bound(), d.info.Name, limit)
			return
		}
	}
	for i, n := range groups {
		if limit := d.info.Limits.Groups[i]; n < 0 || n > limit {
			p.fail("kernel %s: %d workgroups in dimension %d, %s takes from 0 to %d", k.Name, n, i, d.info.Name, limit)
			return
		}
	}
	if slices.Contains(groups[:], 0) {
		return
	}
	buffers = slices.Clone(buffers)
	p.dispatches++
	texels := bits.OnesCount32(pipeline.texels)
	p.bindings += len(buffers) - texels + 1
	p.texels += texels
	p.order(accesses)
	mark := d.markOf(p.stages.kernel(k.Name))
	p.add(Step{k.Name, accesses}, func(commands vk.CommandBuffer) error {
		set, err := p.bind(pipeline, buffers, mark)
		if err != nil {
			return err
		}
		d.shim.Dispatch(commands, pipeline.pipeline, pipeline.layout, set, pushed, groups)
		return nil
	})
}

// Fill adds the writing of a word all over a buffer, up to the next multiple of
// 16 bytes.
func (p *Program) Fill(b Buffer, word uint32) {
	if err := p.use(b); err != nil {
		p.fail("fill: %w", err)
		return
	}
	if b.offset%granule != 0 {
		p.fail("fill: a part that begins %d bytes into its arena, no multiple of %d", b.offset, granule)
		return
	}
	p.transfer("fill", Accesses{Writes: []Region{b.region(b.bound())}}, func(commands vk.CommandBuffer) error {
		p.device.shim.Fill(commands, b.arena.buffer, b.offset, b.bound(), word)
		return nil
	})
}

// Copy adds the copying of all of one buffer to the beginning of another.
func (p *Program) Copy(from, to Buffer) {
	for _, b := range []Buffer{from, to} {
		if err := p.use(b); err != nil {
			p.fail("copy: %w", err)
			return
		}
	}
	if from.size > to.size {
		p.fail("copy: %d bytes to a buffer of %d", from.size, to.size)
		return
	}
	if from.size == 0 {
		return
	}
	if from.arena == to.arena && from.offset < to.offset+from.size && to.offset < from.offset+from.size {
		p.fail("copy: to bytes that are copied")
		return
	}
	accesses := Accesses{[]Region{from.region(from.size)}, []Region{to.region(from.size)}}
	p.transfer("copy", accesses, func(commands vk.CommandBuffer) error {
		p.device.shim.Copy(commands, from.arena.buffer, from.offset, to.arena.buffer, to.offset, from.size)
		return nil
	})
}

// transfer adds a fill or a copy.
func (p *Program) transfer(name string, a Accesses, record func(vk.CommandBuffer) error) {
	p.order(a)
	p.stages.transfer(name)
	p.add(Step{name, a}, record)
}

func (p *Program) add(s Step, record func(vk.CommandBuffer) error) {
	if p.commands != nil {
		p.fail("something is added after it was recorded")
	}
	p.steps = append(p.steps, step{s, record})
}

// Record ends the making of a program; from then on it can be run. A program
// that is timed adds to [Device.Timings] where the device has timestamps. What a
// program writes is visible to all that runs later, and to the host.
func (p *Program) Record(timed bool) error {
	if p.commands != nil {
		p.fail("it is recorded already")
	}
	if p.err == nil {
		p.err = p.device.broken
	}
	if p.err == nil {
		p.barrier(true)
		p.err = p.record(timed && p.device.info.Timestamps)
	}
	if p.err != nil {
		return fmt.Errorf("program: %w", p.err)
	}
	for i := range p.steps {
		p.steps[i].record = nil // and what it holds
	}
	return nil
}

func (p *Program) record(timed bool) error {
	d := p.device
	if p.dispatches > 0 {
		var result vk.Result
		if p.pool, result = d.shim.CreateDescriptorPool(p.dispatches, p.bindings, p.texels); result != vk.Success {
			return failed("vkCreateDescriptorPool", result, "for %d dispatches", p.dispatches)
		}
	}
	s, err := d.newSubmission()
	if err != nil {
		return err
	}
	p.commands, p.fence, p.work = s.commands, s.fence, p.contents()
	if err := d.begin(s); err != nil {
		return err
	}
	if timed {
		if err := p.startClock(); err != nil {
			return err
		}
	}
	for _, step := range p.steps {
		if err := step.record(s.commands); err != nil {
			return err
		}
		if timed && step.Name != "" {
			p.clock.sums = append(p.clock.sums, d.timing(step.Name))
			d.shim.Timestamp(s.commands, p.clock.pool, len(p.clock.sums))
		}
	}
	return d.end(s)
}

// contents names what a program does, each thing once.
func (p *Program) contents() string {
	var names []string
	for _, step := range p.steps {
		if step.Name != "" && !slices.Contains(names, step.Name) {
			names = append(names, step.Name)
		}
	}
	if names == nil {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// startClock creates the timestamps and takes the first.
func (p *Program) startClock() error {
	d := p.device
	count := 1
	for _, step := range p.steps {
		if step.Name != "" {
			count++
		}
	}
	info := vk.QueryPoolCreateInfo{
		SType:      vk.StructureTypeQueryPoolCreateInfo,
		QueryType:  vk.QueryTypeTimestamp,
		QueryCount: uint32(count),
	}
	defer info.Free()
	var pool vk.QueryPool
	if err := failed("vkCreateQueryPool", vk.CreateQueryPool(d.device, &info, nil, &pool)); err != nil {
		return err
	}
	p.clock = clock{pool: pool, ticks: make([]uint64, count)}
	d.shim.ResetTimestamps(p.commands, pool, count)
	d.shim.Timestamp(p.commands, pool, 0)
	return nil
}

// bind returns a set of descriptors from the program's pool.
func (p *Program) bind(pipeline *Pipeline, buffers []Buffer, mark Buffer) (vk.DescriptorSet, error) {
	d := p.device
	info := vk.DescriptorSetAllocateInfo{
		SType:              vk.StructureTypeDescriptorSetAllocateInfo,
		DescriptorPool:     p.pool,
		DescriptorSetCount: 1,
		PSetLayouts:        []vk.DescriptorSetLayout{pipeline.set},
	}
	defer info.Free()
	var set vk.DescriptorSet
	if err := failed("vkAllocateDescriptorSets", vk.AllocateDescriptorSets(d.device, &info, &set)); err != nil {
		return set, err
	}
	for i, b := range buffers {
		if !pipeline.isTexels(i) {
			buffer, offset := b.place()
			d.shim.BindBuffer(set, i, buffer, offset, b.bound())
			continue
		}
		view, err := p.view(b, pipeline.formatOf(i))
		if err != nil {
			return set, err
		}
		d.shim.BindTexels(set, i, view)
	}
	buffer, offset := mark.place()
	d.shim.BindBuffer(set, shaders.MarkBinding, buffer, offset, mark.size)
	return set, nil
}

// view returns a buffer as texels. It lives as long as the program.
func (p *Program) view(b Buffer, format vk.Format) (vk.BufferView, error) {
	buffer, offset := b.place()
	info := vk.BufferViewCreateInfo{
		SType:  vk.StructureTypeBufferViewCreateInfo,
		Buffer: buffer,
		Format: format,
		Offset: vk.DeviceSize(offset),
		Range:  vk.DeviceSize(b.bound()),
	}
	defer info.Free()
	var view vk.BufferView
	if err := failed("vkCreateBufferView", vk.CreateBufferView(p.device.device, &info, nil, &view)); err != nil {
		return view, err
	}
	p.views = append(p.views, view)
	return view, nil
}

// Run runs the program a number of times, one after the other, in one
// submission, and waits until they are done. It makes no Go allocation.
func (p *Program) Run(times int) error {
	if p.err != nil {
		return fmt.Errorf("program: %w", p.err)
	}
	if p.commands == nil {
		return errors.New("program: it is not recorded")
	}
	for _, a := range p.arenas {
		if a.freed {
			return errors.New("program: an arena that it uses is freed")
		}
	}
	if times <= 0 {
		return nil
	}
	atomic.StoreUint32(p.device.mark(), 0)
	if err := p.device.run(&p.submission, times); err != nil {
		return err
	}
	if p.clock.ticks == nil {
		return nil
	}
	return p.readClock()
}

// readClock adds the last times to the sums of the device.
func (p *Program) readClock() error {
	d := p.device
	if err := failed("vkGetQueryPoolResults", d.shim.Timestamps(p.clock.pool, p.clock.ticks)); err != nil {
		return err
	}
	for i, sum := range p.clock.sums {
		sum.Calls++
		sum.Seconds += seconds(p.clock.ticks[i], p.clock.ticks[i+1], d.timestampBits, d.timestampPeriod)
	}
	return nil
}

// seconds returns the time between two timestamps with so many valid bits, which
// count periods and start over at zero.
func seconds(from, to uint64, bits int, period float64) float64 {
	return float64((to-from)<<(64-bits)>>(64-bits)) * period
}

// Free gives the program back.
func (p *Program) Free() {
	if p.freed {
		return
	}
	p.freed, p.steps = true, nil
	p.fail("it is freed")
	d := p.device
	delete(d.programs, p)
	if d.hung.Load() {
		return
	}
	d.freeSubmission(p.submission)
	for _, view := range p.views {
		vk.DestroyBufferView(d.device, view, nil)
	}
	if p.pool != vk.NullDescriptorPool {
		vk.DestroyDescriptorPool(d.device, p.pool, nil)
	}
	if p.clock.pool != vk.NullQueryPool {
		vk.DestroyQueryPool(d.device, p.clock.pool, nil)
	}
}
