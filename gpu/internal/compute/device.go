//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/vkshim"
)

// patienceWith returns how long a submission may take on a kind of device. Systems reset a GPU that is
// busy for a few seconds, so it is lost when nothing is heard for a minute. No system resets a
// processor, which other work may keep busy for long.
func patienceWith(kind Kind) time.Duration {
	if kind == CPU {
		return time.Hour
	}
	return time.Minute
}

// Device is an open device. It is for one goroutine at a time.
type Device struct {
	candidate
	*connection
	commands vk.CommandPool
	patience time.Duration

	transfer submission
	staging  *Arena

	arenas    map[*Arena]struct{}
	programs  map[*Program]struct{}
	pipelines map[string]*Pipeline
	timings   map[string]*Timing // by kernel

	broken error // why the device is of no use any more
}

// connection is a Vulkan device and its one queue, which several goroutines may share, each
// with a [Device].
type connection struct {
	device vk.Device
	shim   *vkshim.Device
	queue  vk.Queue
	mutex  sync.Mutex  // of the queue and of users
	users  int         // Devices
	hung   atomic.Bool // a submission may be in flight for ever
}

var errClosed = errors.New("the Vulkan device is closed")

// Open opens device number index of those that [List] lists.
func Open(index int) (*Device, error) {
	instance, err := acquireInstance()
	if err != nil {
		return nil, err
	}
	candidates, err := enumerate(instance)
	if index < 0 || index >= len(candidates) {
		releaseInstance()
		if err != nil {
			return nil, fmt.Errorf("no Vulkan device %d, there are %d that can be used: %w", index, len(candidates), err)
		}
		return nil, fmt.Errorf("no Vulkan device %d, there are %d", index, len(candidates))
	}
	d := newDevice(candidates[index], &connection{})
	if SeparateBuffers {
		d.info.Alignment = max(d.info.Alignment, separateAlignment)
	}
	if err = d.connect(instance); err == nil {
		err = d.open()
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("opening %s: %w", d.info.Name, err)
	}
	return d, nil
}

// Beside opens the same device for another goroutine. Both submit to one queue, and programs
// of either may use buffers of the other as long as their arenas live. The end of a program is
// a barrier for both, so what they submit is in order.
func (d *Device) Beside() (*Device, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	if _, err := acquireInstance(); err != nil {
		return nil, err
	}
	other := newDevice(d.candidate, d.connection)
	if err := other.open(); err != nil {
		other.Close()
		return nil, fmt.Errorf("opening %s once more: %w", d.info.Name, err)
	}
	return other, nil
}

func newDevice(c candidate, to *connection) *Device {
	to.mutex.Lock()
	defer to.mutex.Unlock()
	to.users++
	return &Device{
		candidate:  c,
		connection: to,
		patience:   patienceWith(c.info.Kind),
		arenas:     map[*Arena]struct{}{},
		programs:   map[*Program]struct{}{},
		pipelines:  map[string]*Pipeline{},
		timings:    map[string]*Timing{},
	}
}

// connect creates the Vulkan device. Close gives it back, also if only part of it is there.
func (d *Device) connect(instance vk.Instance) (err error) {
	const portability = "VK_KHR_portability_subset" // must be enabled where there is one
	var extensions []string
	has, result := vkshim.DeviceHasExtension(instance, d.physical, portability)
	if err := failed("vkEnumerateDeviceExtensionProperties", result); err != nil {
		return err
	}
	if has {
		extensions = append(extensions, portability)
	}
	if d.info.Presents {
		extensions = append(extensions, swapchainExtension)
	}
	device, result := vkshim.CreateDevice(instance, d.physical, d.family, extensions)
	if err := failed("vkCreateDevice", result); err != nil {
		return err
	}
	d.device = device
	if d.shim, err = vkshim.NewDevice(instance, device); err != nil {
		return err
	}
	var queue vk.Queue
	vk.GetDeviceQueue(device, uint32(d.family), 0, &queue)
	d.queue = queue
	return nil
}

// open creates what a Device has of its own. Close gives it back, also if only part of it is
// there.
func (d *Device) open() (err error) {
	info := vk.CommandPoolCreateInfo{
		SType:            vk.StructureTypeCommandPoolCreateInfo,
		Flags:            vk.CommandPoolCreateFlags(vk.CommandPoolCreateResetCommandBufferBit),
		QueueFamilyIndex: uint32(d.family),
	}
	defer info.Free()
	var commands vk.CommandPool
	if err := failed("vkCreateCommandPool", vk.CreateCommandPool(d.device, &info, nil, &commands)); err != nil {
		return err
	}
	d.commands = commands
	if d.transfer, err = d.newSubmission(); err != nil {
		return err
	}
	d.transfer.work = "copies to or from the host"
	d.staging, err = d.NewArena(Host, StagingBytes)
	return err
}

// Close gives back the device and all that belongs to it. After a submission
// that never ended it gives back nothing, since the device may still use it.
func (d *Device) Close() {
	if d.broken == errClosed {
		return
	}
	d.broken = errClosed
	if d.hung.Load() {
		return
	}
	for p := range d.programs {
		p.Free()
	}
	for a := range d.arenas {
		a.Free()
	}
	for _, p := range d.pipelines {
		p.free()
	}
	d.freeSubmission(d.transfer)
	if d.commands != vk.NullCommandPool {
		vk.DestroyCommandPool(d.device, d.commands, nil)
	}
	d.disconnect()
	releaseInstance()
}

// disconnect gives the connection back when no other Device has it.
func (c *connection) disconnect() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.users--; c.users > 0 {
		return
	}
	if c.shim != nil {
		c.shim.Free()
	}
	if c.device != nil {
		vk.DestroyDevice(c.device, nil)
	}
}

// Allocated returns the bytes of all arenas, the device's own among them.
func (d *Device) Allocated() int {
	total := 0
	for a := range d.arenas {
		total += a.size
	}
	return total
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// Timing is the time that a kernel took on the device.
type Timing struct {
	Kernel  string // or "fill" or "copy"
	Calls   int
	Seconds float64 // of all calls together
}

// Timings returns the time that timed programs took by kernel, in the order of
// their names, and by "fill" and "copy". Of the times that a call of
// [Program.Run] runs a program the last is measured.
func (d *Device) Timings() []Timing {
	var all []Timing
	for _, t := range d.timings {
		if t.Calls > 0 {
			all = append(all, *t)
		}
	}
	slices.SortFunc(all, func(a, b Timing) int { return strings.Compare(a.Kernel, b.Kernel) })
	return all
}

// timing returns the place where the time of a kernel is summed.
func (d *Device) timing(kernel string) *Timing {
	if d.timings[kernel] == nil {
		d.timings[kernel] = &Timing{Kernel: kernel}
	}
	return d.timings[kernel]
}

// submission is a command buffer and the fence that says when it is done.
type submission struct {
	commands vk.CommandBuffer
	fence    vk.Fence
	work     string // what it does, for errors
	stages   stages // and in what order, if it has kernels
}

// newSubmission returns a submission that freeSubmission gives back.
func (d *Device) newSubmission() (submission, error) {
	var s submission
	info := vk.CommandBufferAllocateInfo{
		SType:              vk.StructureTypeCommandBufferAllocateInfo,
		CommandPool:        d.commands,
		Level:              vk.CommandBufferLevelPrimary,
		CommandBufferCount: 1,
	}
	defer info.Free()
	commands := make([]vk.CommandBuffer, 1)
	if err := failed("vkAllocateCommandBuffers", vk.AllocateCommandBuffers(d.device, &info, commands)); err != nil {
		return s, err
	}
	s.commands = commands[0]
	fenceInfo := vk.FenceCreateInfo{SType: vk.StructureTypeFenceCreateInfo}
	defer fenceInfo.Free()
	var fence vk.Fence
	if err := failed("vkCreateFence", vk.CreateFence(d.device, &fenceInfo, nil, &fence)); err != nil {
		d.freeSubmission(s)
		return submission{}, err
	}
	s.fence = fence
	return s, nil
}

func (d *Device) freeSubmission(s submission) {
	if s.fence != vk.NullFence {
		vk.DestroyFence(d.device, s.fence, nil)
	}
	if s.commands != nil {
		vk.FreeCommandBuffers(d.device, d.commands, 1, []vk.CommandBuffer{s.commands})
	}
}

// begin starts the recording of a submission anew.
func (d *Device) begin(s submission) error {
	return failed("vkBeginCommandBuffer", d.shim.Begin(s.commands))
}

// end ends the recording of a submission.
func (d *Device) end(s submission) error {
	return failed("vkEndCommandBuffer", vk.EndCommandBuffer(s.commands))
}

// run submits the commands a number of times at once and waits for their end. It
// makes no Go allocation unless it fails.
func (d *Device) run(s *submission, times int) error {
	if d.broken != nil {
		return d.broken
	}
	result, call := d.submit(s, times, vk.NullSemaphore, vk.NullSemaphore)
	if result == vk.Success {
		result, call = d.shim.Wait(s.fence, uint64(d.patience)), "vkWaitForFences"
	}
	if result == vk.Success {
		return nil
	}
	return d.lost(s, times, result, call)
}

// submit submits the commands. The queue is for one goroutine at a time.
func (d *Device) submit(s *submission, times int, wait, signal vk.Semaphore) (result vk.Result, call string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.shim.Submit(d.queue, s.commands, times, wait, signal, s.fence)
}

// lost says what was in flight when a call failed, and whether the device is lost with it.
func (d *Device) lost(s *submission, times int, result vk.Result, call string) error {
	err := &Error{Call: call, Result: result, Note: fmt.Sprintf("in flight on %s: %s", d.info.Name, d.inFlight(s, times))}
	if result == vk.Timeout {
		err.Note = fmt.Sprintf("nothing heard for %v, %s", d.patience, err.Note)
	}
	if waiting := call == "vkWaitForFences"; waiting || result == vk.ErrorDeviceLost {
		d.broken = err
		d.hung.Store(waiting && result != vk.ErrorDeviceLost)
	}
	return err
}
