//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// SetMaxGroups lowers how many workgroups a grid has along the rows, until the
// function that it returns is called.
func SetMaxGroups(n int) (restore func()) {
	old := maxGroups
	maxGroups = n
	return func() { maxGroups = old }
}

// SetMaxReach lowers how many bytes the buffers of a dispatch of several matrices span,
// until the function that it returns is called.
func SetMaxReach(n int) (restore func()) {
	old := maxReach
	maxReach = n
	return func() { maxReach = old }
}

// SetChunkBytes sets how much a chunk of streamed samples holds, until the function
// that it returns is called.
func SetChunkBytes(n int) (restore func()) {
	old := chunkBytes
	chunkBytes = n
	return func() { chunkBytes = old }
}

// SetMemoryLimit lowers how much memory of a device plans count on, until the
// function that it returns is called.
func SetMemoryLimit(n int) (restore func()) {
	old := memoryLimit
	memoryLimit = n
	return func() { memoryLimit = old }
}

// PlanWithin says what keeps an engine from a device of a kind with memory for all and some limits.
func PlanWithin(kind compute.Kind, l compute.Limits, d *dataset.Dataset, o backend.EngineOptions, g *network.Graph) error {
	_, err := planMemory(compute.Info{Kind: kind, Alignment: 16, Memory: math.MaxInt, Limits: l}, d, o, g)
	return err
}

// StepsAfter returns how many of many steps are submitted at a time when some took so
// long together.
func StepsAfter(all time.Duration, steps int) int {
	p := &program{}
	p.took(all, steps)
	return p.steps(math.MaxInt)
}

// within returns the engine in one for inference alone, or the engine itself.
func within(e backend.Engine) *engine {
	if v, ok := e.(*engine); ok {
		return v
	}
	return reflect.ValueOf(e).FieldByName("Engine").Interface().(*engine)
}

// Streams says whether samples are streamed to an engine.
func Streams(e backend.Engine) bool { return within(e).samples.streamed }

// BeforeFilling has a function called before features are copied to a chunk of an
// engine.
func BeforeFilling(e backend.Engine, do func()) {
	features := &within(e).samples.features
	of := features.of
	features.of = func(part dataset.Samples) []byte {
		do()
		return of(part)
	}
}

// CutAs makes a fresh engine cut its work as on a device of another kind with the same limits, with
// kernels of a name, or those that such a device takes by default.
func CutAs(e backend.Engine, kind compute.Kind, kernels string) {
	v := within(e)
	info := v.device.Info()
	info.Kind = kind
	set, err := findKernels(info, kernels)
	if err != nil {
		panic(err)
	}
	v.grain = grainFor(kind, set)
}

// KernelSets returns the names of the sets that a device of a kind and with limits
// can run, and what is wrong with the tiles of any.
func KernelSets(kind compute.Kind, l compute.Limits) (names []string, wrong error) {
	for _, s := range kernelSets(compute.Info{Kind: kind, Limits: l}) {
		names = append(names, s.name)
		wrong = errors.Join(wrong, s.check())
	}
	return names, wrong
}

// check says what shaders/tile.glsl, shared.glsl and backward.comp ask for in vain.
func (s kernelSet) check() error {
	for _, t := range []tile{s.forward, s.gradient, s.backward, s.images} {
		if t.local%t.across != 0 || t.step > 0 && (t.rows%4 != 0 || t.step%4 != 0) || t.step == 0 && t.local != t.across {
			return fmt.Errorf("%s: %+v", s.name, t)
		}
	}
	if b := s.backward; s.gradient.rows%4 != 0 || s.images.rows%4 != 0 || shaders.BackwardRows%b.rows != 0 || b.down()*b.rows%shaders.BackwardRows != 0 {
		return fmt.Errorf("%s: %+v", s.name, s.products)
	}
	return nil
}

// Narrowed returns how many vec4 an invocation takes of a matrix of so many, where it
// takes at most so many, and so many stand beside each other.
func Narrowed(across, most, columns int) int {
	return tile{across: across, columns: most}.narrowed(columns).columns
}

// Spread returns how many rows a workgroup of the kernels that share memory takes of a layer's
// product of so many rows and columns on a GPU, the latter in vec4.
func Spread(rows, columns int) (high int) {
	t := tiledSet().forward.spread(rows, columns, busyGroups)
	return t.down() * t.rows
}

// DoNotSpread makes a fresh engine take the same tiles however few workgroups they give.
func DoNotSpread(e backend.Engine) { within(e).grain.busy = 1 }

// ImageTile returns how many rows a workgroup of the kernels that share memory takes of a product of
// images of so many rows and columns, the latter in vec4, and whether it shares them.
func ImageTile(rows, columns int) (high int, shares bool) {
	t := tiledSet().ofImages(rows, columns)
	return t.down() * t.rows, t.step > 0
}

// Cut is a way to cut work that no device takes.
type Cut struct {
	Local, Across, Rows, Columns, Step int // of the products; those of gradient have four times the rows
}

// CutInto makes a fresh engine cut its work so.
func CutInto(e backend.Engine, c Cut) {
	forward := tile{c.Local, c.Across, c.Rows, c.Columns, c.Step}
	gradient, backward := forward, forward
	gradient.rows *= 4
	if whole := c.Step > 0 && shaders.BackwardRows%c.Rows == 0 && forward.down()*c.Rows%shaders.BackwardRows == 0; !whole {
		backward.rows = shaders.BackwardRows // which no block is higher than
	}
	within(e).grain = grain{c.Local, c.Rows, 1, products{forward, gradient, backward, gradient}}
}

// Logits returns what the last forward pass left of its first rows samples.
func Logits(e backend.Engine, rows int) ([]float32, error) {
	v := within(e)
	return v.readBatch(v.output.values, rows, v.output.width)
}

// Allocated returns the bytes of an engine's arenas.
func Allocated(e backend.Engine) int { return within(e).device.Allocated() }

// Converted returns what the contract gets of an error.
func Converted(err error) error {
	convert(&err)
	return err
}

// WhenRecorded has a function called with every program that is recorded, until the
// function that it returns is called.
func WhenRecorded(visit func(*compute.Program)) (restore func()) {
	recorded = visit
	return func() { recorded = nil }
}

// UseSparse says whether an engine multiplies with the weights that are not zero alone, where
// they are few, from the next state on.
func UseSparse(e backend.Engine, use bool) {
	v := within(e)
	v.usesSparse, v.lowered = use, &lowered{} // another graph, so that the next state makes room for rows
}

// IsSparse reports whether it does so now.
func IsSparse(e backend.Engine) bool { return within(e).sparse }

// OpenByDriver opens an engine that these functions take, also for inference.
func OpenByDriver(device backend.Device, d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	return driver{}.Open(device, d, o, s)
}
