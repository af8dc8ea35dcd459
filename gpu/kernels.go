//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// kernelSet is a way to compute the matrix products, by the name that users know.
type kernelSet struct {
	name string
	products
}

// products says how each kind of matrix product is cut into tiles.
type products struct{ forward, gradient, backward, images tile }

// tile says how the workgroups of a matrix product are cut: into so many
// invocations, some of them side by side and the others below each other, each of
// which computes some rows and columns.
type tile struct {
	local, across int
	rows, columns int // columns in vec4; rows divide shaders.BackwardRows in backward, and are multiples of four in gradient and images
	step          int // terms that the workgroup takes into shared memory at a time, in fours; 0: it shares none
}

// constants returns the specialisation constants with which those of the products begin.
func (t tile) constants() []uint32 {
	return []uint32{uint32(t.local), uint32(t.rows), uint32(t.columns), uint32(t.across), uint32(t.step)}
}

// down returns the invocations below each other.
func (t tile) down() int { return t.local / t.across }

// spread returns the tile for a product of so many rows and columns that is to have so many
// workgroups at least: with fewer rows an invocation, then with fewer invocations below each other, as
// far as it takes. Every number stays one sum in the same order.
func (t tile) spread(rows, columns, least int) tile {
	for t.step > 0 && blocks(rows, t.down()*t.rows)*blocks(columns, t.across*t.columns) < least {
		switch {
		case t.rows > 4:
			t.rows /= 2
		case t.down() > 2:
			t.local /= 2
		default:
			return t
		}
	}
	return t
}

// fitted returns the tile for a matrix of so many rows: as many tiles as it takes, each as low
// as it may be in fours.
func (t tile) fitted(rows int) tile {
	if rows > 0 {
		n := blocks(rows, t.down()*t.rows)
		t.rows = 4 * blocks(rows, 4*n*t.down())
	}
	return t
}

// ofImages returns the tile for a product of images of so many rows and columns, the latter in
// vec4. Tiles that share memory have 32 rows at least. Where filters are fewer, tiles that share
// nothing are taken if they compute less beside them.
func (p products) ofImages(rows, columns int) tile {
	t := p.images.fitted(rows).narrowed(columns)
	low := lowImages.fitted(rows).narrowed(columns)
	if t.step > 0 && rows < 4*t.down() && low.area(rows, columns) < t.area(rows, columns) {
		return low
	}
	return t
}

// area returns how many vec4 the tiles over a matrix of so many rows and columns have.
func (t tile) area(rows, columns int) int {
	high, wide := t.down()*t.rows, t.across*t.columns
	return blocks(rows, high) * high * blocks(columns, wide) * wide
}

// narrowed returns the tile for a matrix of so many columns, in vec4: as it is, or a
// single column to an invocation where that takes less. An invocation of n columns takes
// as long as n + 1/2: beside other work llvmpipe took 0.8 ms more for each tile of one and
// 2.3 ms for each of four in steps of 784-w-10 with w from 16 to 256.
func (t tile) narrowed(columns int) tile {
	narrow := t
	narrow.columns = 1
	if 3*blocks(columns, narrow.across) < (2*t.columns+1)*blocks(columns, t.across*t.columns) {
		return narrow
	}
	return t
}

// The kernel sets, by name.
const (
	vec4Kernels  = "vec4"  // every invocation reads its operands for itself
	tiledKernels = "tiled" // a workgroup shares a tile of 64x64
)

// sharedStep is how many terms are shared at a time: 64 bytes of each row.
const sharedStep = 16

// tiledSet returns the kernels that share memory. Backward has blocks of 16 samples to
// sum up, which an invocation with 16 rows does alone.
func tiledSet() kernelSet {
	t := tile{128, 16, 8, 1, sharedStep}
	return kernelSet{tiledKernels, products{forward: t, gradient: t, backward: tile{64, 16, 16, 1, sharedStep}, images: t}}
}

// lowImages is the tile of products of images on a GPU where no memory is shared.
var lowImages = tile{64, 64, 8, 1, 0}

// registerSet returns the kernels that share nothing. A CPU keeps sums on its stack
// and is best served by many of them for each number that it loads (on llvmpipe
// 71 GFLOP/s with tiles of 16x4, 47 with 8x1). A GPU has registers for fewer.
func registerSet(kind compute.Kind) kernelSet {
	if kind == compute.CPU {
		t := tile{8, 8, 16, 4, 0}
		return kernelSet{vec4Kernels, products{forward: t, gradient: t, backward: t, images: tile{8, 8, 32, 2, 0}}}
	}
	return kernelSet{vec4Kernels, products{
		forward: tile{64, 64, 8, 1, 0}, gradient: tile{64, 64, 8, 1, 0}, backward: tile{64, 64, shaders.BackwardRows, 1, 0},
		images: lowImages,
	}}
}

// kernelSets returns the sets that a device can run, the default first: vec4 for a CPU,
// where shared memory is memory like any other, and tiled for a GPU. Devices that share
// too little memory run vec4 alone.
func kernelSets(info compute.Info) []kernelSet {
	vec4, tiled := registerSet(info.Kind), tiledSet()
	switch {
	case !tiled.fit(info.Limits):
		return []kernelSet{vec4}
	case info.Kind == compute.CPU:
		return []kernelSet{vec4, tiled}
	}
	return []kernelSet{tiled, vec4}
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

// fit says whether a device can run the products: their workgroups, and what those
// share.
func (p products) fit(l compute.Limits) bool {
	for _, t := range []tile{p.forward, p.gradient, p.backward, p.images} {
		if t.local > min(l.Invocations, l.GroupSize[0]) {
			return false
		}
	}
	return max(p.forward.shared(), p.gradient.shared(), p.images.shared(), p.backward.shared()+p.backward.parts()) <= l.SharedBytes
}

const vec4Bytes = 16

// shared returns the bytes that a workgroup shares of its operands, each with one
// vec4 that arrays must have where nothing is shared.
func (t tile) shared() int {
	return vec4Bytes * (t.step*t.down()*t.rows/4 + 1 + t.step*t.across*t.columns + 1)
}

// parts returns the bytes that a workgroup of backward shares of the sums over
// blocks of samples, three vec4 each.
func (t tile) parts() int {
	if t.rows == shaders.BackwardRows {
		return 3 * vec4Bytes
	}
	return 3 * vec4Bytes * t.local * t.columns
}

var _ backend.KernelChooser = driver{}

func (driver) Kernels(d backend.Device) (names []string, err error) {
	defer convert(&err)
	info, err := lookUp(d)
	if err != nil {
		return nil, err
	}
	for _, s := range kernelSets(info) {
		names = append(names, s.name)
	}
	return names, nil
}
