//go:build cgo && (linux || windows || darwin || freebsd)

package vkshim

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"
)

// toC and fromC convert handles that are not dispatchable: pointers to the
// binding on 64-bit platforms, but always 64-bit numbers to Vulkan.
func toC[H any](h H) C.shim_handle { return *(*C.shim_handle)(unsafe.Pointer(&h)) }

func fromC[H any](h C.shim_handle) H { return *(*H)(unsafe.Pointer(&h)) }

// loaders are the names of the Vulkan loader by system, in the order in which
// they are tried.
var loaders = map[string][]string{
	"linux":   {"libvulkan.so.1"},
	"freebsd": {"libvulkan.so.1"},
	"windows": {"vulkan-1.dll"},
	"darwin":  {"libvulkan.1.dylib", "/opt/homebrew/lib/libvulkan.1.dylib", "libMoltenVK.dylib"},
}

// Load opens the Vulkan loader, or the library that is named if any, and returns
// its vkGetInstanceProcAddr. The library stays open. Everything else in this
// package needs it to have succeeded.
func Load(library string) (unsafe.Pointer, error) {
	names := loaders[runtime.GOOS]
	if library != "" {
		names = []string{library}
	}
	var failures []error
	for _, name := range names {
		var message [512]C.char
		path := C.CString(name)
		address := C.shim_load(path, &message[0], C.size_t(len(message)))
		C.free(unsafe.Pointer(path))
		if address != nil {
			return address, nil
		}
		failures = append(failures, errors.New(C.GoString(&message[0])))
	}
	return nil, errors.Join(failures...)
}

// InstanceVersion returns the Vulkan version of the loader, 0 for 1.0.
func InstanceVersion() (uint32, vk.Result) {
	var version C.uint32_t
	result := C.shim_instance_version(&version)
	return uint32(version), vk.Result(result)
}

// InstanceHasExtension reports whether an instance can be created with the extension.
func InstanceHasExtension(name string) bool {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	return C.shim_instance_has_extension(cName) != 0
}

// names is a list of names in C's memory, which free gives back.
type names struct {
	list  **C.char
	count C.uint32_t
}

func newNames(list []string) names {
	n := names{(**C.char)(C.calloc(C.size_t(len(list)+1), C.size_t(unsafe.Sizeof((*C.char)(nil))))), C.uint32_t(len(list))}
	for i, name := range list {
		unsafe.Slice(n.list, len(list))[i] = C.CString(name)
	}
	return n
}

func (n names) free() {
	for _, name := range unsafe.Slice(n.list, n.count) {
		C.free(unsafe.Pointer(name))
	}
	C.free(unsafe.Pointer(n.list))
}

// CreateInstance creates an instance for a version of Vulkan, with extensions. Portability
// lists devices which are not wholly Vulkan's; it takes an extension.
func CreateInstance(version uint32, portability bool, extensions []string) (vk.Instance, vk.Result) {
	withPortability := C.int(0)
	if portability {
		withPortability = 1
	}
	n := newNames(extensions)
	defer n.free()
	var instance unsafe.Pointer
	result := C.shim_create_instance(C.uint32_t(version), withPortability, n.count, n.list, &instance)
	return vk.Instance(instance), vk.Result(result)
}

// DeviceHasExtension reports whether a device can be created with the extension.
func DeviceHasExtension(instance vk.Instance, physical vk.PhysicalDevice, name string) (bool, vk.Result) {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	var has C.int
	result := C.shim_device_has_extension(unsafe.Pointer(instance), unsafe.Pointer(physical), cName, &has)
	return has != 0, vk.Result(result)
}

// QueueFamily is a kind of queue of a device.
type QueueFamily struct {
	Flags         vk.QueueFlags
	TimestampBits int // that are valid; 0: no timestamps
}

// QueueFamilies lists the kinds of queues of a device.
func QueueFamilies(instance vk.Instance, physical vk.PhysicalDevice) []QueueFamily {
	var list [32]C.shim_queue_family
	count := C.shim_queue_families(unsafe.Pointer(instance), unsafe.Pointer(physical), &list[0], C.uint32_t(len(list)))
	var families []QueueFamily
	for _, f := range list[:min(int(count), len(list))] {
		families = append(families, QueueFamily{vk.QueueFlags(f.flags), int(f.timestamp_bits)})
	}
	return families
}

// Properties are those that a device has since Vulkan 1.1.
type Properties struct {
	SubgroupSize           int
	Allocation             uint64 // the largest, in bytes
	DriverName, DriverInfo string // since 1.2, else empty
}

// PhysicalProperties returns the properties of a device of Vulkan 1.1 or, with
// driver, of 1.2 and above.
func PhysicalProperties(instance vk.Instance, physical vk.PhysicalDevice, driver bool) Properties {
	var p C.shim_properties
	withDriver := C.int(0)
	if driver {
		withDriver = 1
	}
	C.shim_physical_properties(unsafe.Pointer(instance), unsafe.Pointer(physical), withDriver, &p)
	return Properties{int(p.subgroup_size), uint64(p.allocation), C.GoString(&p.driver_name[0]), C.GoString(&p.driver_info[0])}
}

// CreateDevice creates a device with one queue and extensions.
func CreateDevice(instance vk.Instance, physical vk.PhysicalDevice, family int, extensions []string) (vk.Device, vk.Result) {
	n := newNames(extensions)
	defer n.free()
	var device unsafe.Pointer
	result := C.shim_create_device(unsafe.Pointer(instance), unsafe.Pointer(physical), C.uint32_t(family), n.count, n.list, &device)
	return vk.Device(device), vk.Result(result)
}

// SurfaceFormats lists the formats of a surface that show numbers as sRGB.
func SurfaceFormats(instance vk.Instance, physical vk.PhysicalDevice, surface vk.Surface) ([]vk.Format, vk.Result) {
	var list [64]C.int32_t
	count := C.uint32_t(len(list))
	result := C.shim_surface_formats(unsafe.Pointer(instance), unsafe.Pointer(physical), toC(surface), &list[0], &count)
	var formats []vk.Format
	for _, f := range list[:count] {
		formats = append(formats, vk.Format(f))
	}
	return formats, vk.Result(result)
}

// Surface makes a surface of its handle.
func Surface(handle uint64) vk.Surface { return fromC[vk.Surface](C.shim_handle(handle)) }

// Device holds the functions of a device.
type Device struct{ functions *C.shim_device }

// NewDevice resolves the functions of a device. Free gives them back.
func NewDevice(instance vk.Instance, device vk.Device) (*Device, error) {
	var missing *C.char
	functions := C.shim_device_functions(unsafe.Pointer(instance), unsafe.Pointer(device), &missing)
	if functions == nil {
		return nil, fmt.Errorf("the Vulkan driver has no %s", C.GoString(missing))
	}
	return &Device{functions}, nil
}

// Free gives the functions back, not the device.
func (d *Device) Free() { C.free(unsafe.Pointer(d.functions)) }

// CreateSetLayout creates the layout of a set of at most 31 buffers, bound at 0,
// 1 and so on, and one more at last, which is higher. Bit i of texels says that
// buffer i is a texel buffer; all others are storage buffers.
func (d *Device) CreateSetLayout(buffers int, texels uint32, last int) (vk.DescriptorSetLayout, vk.Result) {
	var layout C.shim_handle
	result := C.shim_create_set_layout(d.functions, C.uint32_t(buffers), C.uint32_t(texels), C.uint32_t(last), &layout)
	return fromC[vk.DescriptorSetLayout](layout), vk.Result(result)
}

// CreatePipelineLayout creates the layout of a pipeline with one set and so many
// bytes of push constants.
func (d *Device) CreatePipelineLayout(set vk.DescriptorSetLayout, push int) (vk.PipelineLayout, vk.Result) {
	var layout C.shim_handle
	result := C.shim_create_pipeline_layout(d.functions, toC(set), C.uint32_t(push), &layout)
	return fromC[vk.PipelineLayout](layout), vk.Result(result)
}

// CreateDescriptorPool creates a pool for so many sets that hold so many storage
// buffers and texel buffers in all.
func (d *Device) CreateDescriptorPool(sets, buffers, texels int) (vk.DescriptorPool, vk.Result) {
	var pool C.shim_handle
	result := C.shim_create_descriptor_pool(d.functions, C.uint32_t(sets), C.uint32_t(buffers), C.uint32_t(texels), &pool)
	return fromC[vk.DescriptorPool](pool), vk.Result(result)
}

// CreatePipeline creates a compute pipeline of the entry point main.
// Specialisation constant i is constants[i].
func (d *Device) CreatePipeline(module vk.ShaderModule, layout vk.PipelineLayout, constants []uint32) (vk.Pipeline, vk.Result) {
	var pipeline C.shim_handle
	result := C.shim_create_pipeline(d.functions, toC(module), toC(layout), C.uint32_t(len(constants)),
		(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(constants))), &pipeline)
	return fromC[vk.Pipeline](pipeline), vk.Result(result)
}

// BindBuffer binds a range of a buffer, in bytes, as a storage buffer of a set.
func (d *Device) BindBuffer(set vk.DescriptorSet, binding int, buffer vk.Buffer, offset, size int) {
	C.shim_bind_buffer(d.functions, toC(set), C.uint32_t(binding), toC(buffer), C.uint64_t(offset), C.uint64_t(size))
}

// BindTexels binds a view of a buffer as a texel buffer of a set.
func (d *Device) BindTexels(set vk.DescriptorSet, binding int, view vk.BufferView) {
	C.shim_bind_texels(d.functions, toC(set), C.uint32_t(binding), toC(view))
}

// Begin starts the recording of commands that may be submitted many times.
func (d *Device) Begin(commands vk.CommandBuffer) vk.Result {
	return vk.Result(C.shim_begin(d.functions, unsafe.Pointer(commands)))
}

// Dispatch records the dispatch of a pipeline with its set and push constants.
func (d *Device) Dispatch(commands vk.CommandBuffer, pipeline vk.Pipeline, layout vk.PipelineLayout, set vk.DescriptorSet, push []byte, groups [3]int) {
	C.shim_dispatch(d.functions, unsafe.Pointer(commands), toC(pipeline), toC(layout), toC(set),
		C.uint32_t(len(push)), unsafe.Pointer(unsafe.SliceData(push)),
		C.uint32_t(groups[0]), C.uint32_t(groups[1]), C.uint32_t(groups[2]))
}

// Barrier records a barrier between everything that compute shaders and
// transfers did before and everything that they, and with host the processor,
// do after.
func (d *Device) Barrier(commands vk.CommandBuffer, host bool) {
	withHost := C.int(0)
	if host {
		withHost = 1
	}
	C.shim_barrier(d.functions, unsafe.Pointer(commands), withHost)
}

// Fill records the writing of one word all over a range of a buffer. Offset and
// size are multiples of 4 bytes.
func (d *Device) Fill(commands vk.CommandBuffer, buffer vk.Buffer, offset, size int, word uint32) {
	C.shim_fill(d.functions, unsafe.Pointer(commands), toC(buffer), C.uint64_t(offset), C.uint64_t(size), C.uint32_t(word))
}

// Copy records the copying of size bytes, at least one.
func (d *Device) Copy(commands vk.CommandBuffer, from vk.Buffer, fromOffset int, to vk.Buffer, toOffset, size int) {
	C.shim_copy(d.functions, unsafe.Pointer(commands), toC(from), C.uint64_t(fromOffset), toC(to), C.uint64_t(toOffset), C.uint64_t(size))
}

// ResetTimestamps records that the first count timestamps of a pool are unset.
func (d *Device) ResetTimestamps(commands vk.CommandBuffer, pool vk.QueryPool, count int) {
	C.shim_reset_timestamps(d.functions, unsafe.Pointer(commands), toC(pool), C.uint32_t(count))
}

// Timestamp records the taking of a timestamp when all before is done.
func (d *Device) Timestamp(commands vk.CommandBuffer, pool vk.QueryPool, index int) {
	C.shim_timestamp(d.functions, unsafe.Pointer(commands), toC(pool), C.uint32_t(index))
}

// Show records the copying of a picture, 4 bytes a pixel, from a buffer to an image of a
// swapchain, which is ready to be presented then.
func (d *Device) Show(commands vk.CommandBuffer, from vk.Buffer, offset int, to vk.Image, width, height int) {
	C.shim_show(d.functions, unsafe.Pointer(commands), toC(from), C.uint64_t(offset), toC(to), C.uint32_t(width), C.uint32_t(height))
}

// submitCalls are the names of what [Device.Submit] calls.
var submitCalls = [...]string{"vkResetFences", "vkQueueSubmit"}

// Submit submits the commands as many times as it says in one vkQueueSubmit. Transfers in it
// wait for a semaphore, and its end signals another; either may be null. It returns the result
// and the name of the call that gave it, and makes no Go allocation.
func (d *Device) Submit(queue vk.Queue, commands vk.CommandBuffer, times int, wait, signal vk.Semaphore, fence vk.Fence) (vk.Result, string) {
	outcome := C.shim_submit(d.functions, unsafe.Pointer(queue), unsafe.Pointer(commands), C.uint32_t(times), toC(wait), toC(signal), toC(fence))
	return vk.Result(outcome.result), submitCalls[outcome.call]
}

// Wait waits for the fence of what was submitted, for so many nanoseconds at most.
func (d *Device) Wait(fence vk.Fence, nanoseconds uint64) vk.Result {
	return vk.Result(C.shim_wait(d.functions, toC(fence), C.uint64_t(nanoseconds)))
}

// Timestamps waits for the first timestamps of a pool and writes them to ticks.
func (d *Device) Timestamps(pool vk.QueryPool, ticks []uint64) vk.Result {
	return vk.Result(C.shim_timestamps(d.functions, toC(pool), C.uint32_t(len(ticks)), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(ticks)))))
}
