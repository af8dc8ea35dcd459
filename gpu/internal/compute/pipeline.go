//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/shaders"
)

// Pipeline is a kernel with its specialisation constants, ready to be
// dispatched. It belongs to its device.
type Pipeline struct {
	device   *Device
	kernel   shaders.Kernel
	push     int              // bytes
	texels   uint32           // bit i: buffer i is a texel buffer
	numbers  uint32           // bit i: of single floats
	access   []shaders.Access // of each buffer
	set      vk.DescriptorSetLayout
	layout   vk.PipelineLayout
	pipeline vk.Pipeline
}

// isTexels says whether the kernel reads its buffer i as texels.
func (p *Pipeline) isTexels(i int) bool { return p.texels>>i&1 == 1 }

// texelBytes is the size of a texel of four floats, numberBytes that of one.
const (
	texelBytes  = 16
	numberBytes = 4
)

// limitOf returns how many bytes the kernel sees of its buffer i at most.
func (p *Pipeline) limitOf(i int) int {
	limits := p.device.info.Limits
	switch {
	case !p.isTexels(i):
		return limits.StorageRange
	case p.numbers>>i&1 == 1:
		return limits.TexelRange / texelBytes * numberBytes
	}
	return limits.TexelRange
}

// formatOf returns the format of texel buffer i, which every device reads.
func (p *Pipeline) formatOf(i int) vk.Format {
	if p.numbers>>i&1 == 1 {
		return vk.FormatR32Sfloat
	}
	return vk.FormatR32g32b32a32Sfloat
}

// spirvHeader is the size of the smallest SPIR-V, in bytes.
const spirvHeader = 20

// Pipeline returns the pipeline of a kernel with the values of its
// specialisation constants: integers as they are, floats as math.Float32bits,
// booleans as 0 or 1. The device keeps it: the same kernel and constants give
// the same pipeline.
func (d *Device) Pipeline(k shaders.Kernel, constants ...uint32) (*Pipeline, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	key := fmt.Sprint(k.Name, constants)
	if p := d.pipelines[key]; p != nil {
		return p, nil
	}
	p := &Pipeline{device: d, kernel: k}
	if err := p.open(constants); err != nil {
		p.free()
		return nil, fmt.Errorf("kernel %s: %w", k.Name, err)
	}
	d.pipelines[key] = p
	return p, nil
}

// open creates the pipeline. Free gives it back, also if only part is there.
func (p *Pipeline) open(constants []uint32) error {
	d, k := p.device, p.kernel
	if len(constants) != len(k.Constants) {
		return fmt.Errorf("%d values for its %d specialisation constants", len(constants), len(k.Constants))
	}
	if storage := len(k.Buffers) - len(k.Texels) + 1; len(k.Buffers) < 1 || len(k.Buffers) > shaders.MarkBinding || storage > d.info.Limits.StorageBuffers {
		return fmt.Errorf("it has %d buffers, and with its mark %d storage buffers: it takes from 1 to %d, and %s %d storage buffers at most",
			len(k.Buffers), storage, shaders.MarkBinding, d.info.Name, d.info.Limits.StorageBuffers)
	}
	for i, name := range k.Buffers {
		if slices.Contains(k.Texels, name) {
			p.texels |= 1 << i
		}
		if slices.Contains(k.Numbers, name) {
			p.numbers |= 1 << i
		}
	}
	if k.Push != nil {
		if p.push = binary.Size(k.Push); p.push <= 0 || p.push%4 != 0 || p.push > d.info.Limits.PushBytes {
			return fmt.Errorf("%T is no struct of 4-byte push constants of %d bytes at most", k.Push, d.info.Limits.PushBytes)
		}
	}
	if err := k.Verify(); err != nil {
		return err
	}
	if len(k.Code) < spirvHeader {
		return fmt.Errorf("its SPIR-V has %d bytes: it is cut off", len(k.Code))
	}
	var err error
	if p.access, err = k.Access(); err != nil {
		return err
	}

	words := make([]uint32, len(k.Code)/4)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(k.Code)), k.Code)
	info := vk.ShaderModuleCreateInfo{
		SType:    vk.StructureTypeShaderModuleCreateInfo,
		CodeSize: uint(len(k.Code)),
		PCode:    words,
	}
	defer info.Free()
	var module vk.ShaderModule
	if err := failed("vkCreateShaderModule", vk.CreateShaderModule(d.device, &info, nil, &module)); err != nil {
		return err
	}
	defer vk.DestroyShaderModule(d.device, module, nil)

	var result vk.Result
	if p.set, result = d.shim.CreateSetLayout(len(k.Buffers), p.texels, shaders.MarkBinding); result != vk.Success {
		return failed("vkCreateDescriptorSetLayout", result)
	}
	if p.layout, result = d.shim.CreatePipelineLayout(p.set, p.push); result != vk.Success {
		return failed("vkCreatePipelineLayout", result)
	}
	p.pipeline, result = d.shim.CreatePipeline(module, p.layout, constants)
	return failed("vkCreateComputePipelines", result)
}

func (p *Pipeline) free() {
	vk.DestroyPipeline(p.device.device, p.pipeline, nil)
	vk.DestroyPipelineLayout(p.device.device, p.layout, nil)
	vk.DestroyDescriptorSetLayout(p.device.device, p.set, nil)
}
