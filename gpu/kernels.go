//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"
	"slices"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer"
)

// kernelSet is a way to compute the matrix products, by the name that users know.
type kernelSet struct {
	name string
	products
}

// products says how each kind of matrix product is cut into tiles.
type products struct{ forward, gradient, backward tile }

// tile says how the workgroups of a matrix product are cut: into so many
// invocations, some of them side by side and the others below each other, each of
// which computes some rows and columns.
type tile struct {
	local, across int
	rows, columns int // columns in vec4; rows divide shaders.BackwardRows in backward, and are multiples of four in gradient
	step          int // terms that the workgroup takes into shared memory at a time, in fours; 0: it shares none
}

// down returns the invocations below each other.
func (t tile) down() int { return t.local / t.across }

// The kernel sets, by name. Those that share memory are named after the tile of a
// workgroup: 32x32, 64x64, and 128x64. Nothing but the tile decides how often a
// number is read; what is kept in registers decides how many tiles there are to
// choose from while one waits. Backward has blocks of 16 samples to sum up, which
// an invocation with 16 rows does alone.
const (
	vec4Kernels   = "vec4"
	smallKernels  = "small"
	mediumKernels = "medium"
	largeKernels  = "large"
)

// sharedStep is how many terms are shared at a time: 64 bytes of each row.
const sharedStep = 16

var sharedSets = []kernelSet{
	{mediumKernels, products{
		forward: tile{128, 16, 8, 1, sharedStep}, gradient: tile{128, 16, 8, 1, sharedStep}, backward: tile{64, 16, 16, 1, sharedStep},
	}},
	{smallKernels, products{
		forward: tile{64, 8, 4, 1, sharedStep}, gradient: tile{64, 8, 4, 1, sharedStep}, backward: tile{64, 8, 4, 1, sharedStep},
	}},
	{largeKernels, products{
		forward: tile{128, 8, 8, 2, sharedStep}, gradient: tile{128, 8, 8, 2, sharedStep}, backward: tile{128, 16, 16, 1, sharedStep},
	}},
}

// registerSet returns the kernels that share nothing. A CPU keeps sums on its stack
// and is best served by many of them for each number that it loads (on llvmpipe
// 71 GFLOP/s with tiles of 16x4, 47 with 8x1). A GPU has registers for fewer.
func registerSet(kind trainer.DeviceKind) kernelSet {
	if kind == trainer.SoftwareGPU {
		t := tile{8, 8, 16, 4, 0}
		return kernelSet{vec4Kernels, products{forward: t, gradient: t, backward: t}}
	}
	return kernelSet{vec4Kernels, products{
		forward: tile{64, 64, 8, 1, 0}, gradient: tile{64, 64, 8, 1, 0}, backward: tile{64, 64, shaders.BackwardRows, 1, 0},
	}}
}

// kernelSets returns the sets that a device can run, the one that it takes unless
// told otherwise first: of a CPU vec4, since to it memory that is shared is memory
// like any other; of discrete GPUs medium, of all others, which are small, small.
func kernelSets(info compute.Info) []kernelSet {
	registers := registerSet(info.Kind)
	shared := slices.DeleteFunc(slices.Clone(sharedSets), func(s kernelSet) bool {
		return s.forward.check(info.Limits) != nil || s.gradient.check(info.Limits) != nil || s.backward.check(info.Limits) != nil
	})
	switch info.Kind {
	case trainer.SoftwareGPU:
		return append([]kernelSet{registers}, shared...)
	case trainer.DiscreteGPU:
	default:
		slices.SortStableFunc(shared, func(a, b kernelSet) int { return a.forward.local - b.forward.local })
	}
	return append(shared, registers)
}

// findKernels returns the set of a name, or the first if it is empty.
func findKernels(info compute.Info, name string) (kernelSet, error) {
	for _, s := range kernelSets(info) {
		if name == "" || s.name == name {
			return s, nil
		}
	}
	return kernelSet{}, fmt.Errorf("%s runs no kernels called %q", info.Name, name)
}

// check says why a device cannot run workgroups of the tile.
func (t tile) check(l compute.Limits) error {
	if most := min(l.Invocations, l.GroupSize[0]); t.local > most {
		return fmt.Errorf("a workgroup of %d invocations, and it takes %d", t.local, most)
	}
	if shared := t.sharedBytes(); shared > l.SharedBytes {
		return fmt.Errorf("a workgroup that shares %d bytes, and it has %d", shared, l.SharedBytes)
	}
	return nil
}

// sharedBytes returns the most shared memory that a kernel with the tile takes,
// which is that of backward: a vec4 more than it needs for either side, and where an
// invocation has less than a block of samples, three vec4 for each of its columns.
func (t tile) sharedBytes() int {
	const vec4 = 16
	words := t.step*t.down()*t.rows/4 + 1 + t.step*t.across*t.columns + 1
	if t.rows < shaders.BackwardRows {
		words += 3 * t.local * t.columns
	} else {
		words += 3
	}
	return vec4 * words
}

var _ trainer.KernelChooser = driver{}

func (driver) Kernels(d trainer.Device) ([]string, error) {
	info, err := lookUp(d)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range kernelSets(info) {
		names = append(names, s.name)
	}
	return names, nil
}
