//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"math"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// grain is how work is cut into pieces.
type grain struct {
	local int // invocations of a workgroup, along the columns of a matrix
	rows  int // rows that a workgroup takes, where a kernel loops over them
	busy  int // workgroups that keep the device busy
	products
}

// busyGroups is how many workgroups keep a GPU busy: large ones have about 130 processors. With
// tiles of 64 x 64 the layers of 784-512-256-10 have 16, 8 and 2 for a batch of 128.
const busyGroups = 128

// grainFor returns how to cut work for a kind of device, with some kernels for the
// products. A CPU has eight lanes and takes longer to start a workgroup than to do
// a row.
func grainFor(kind compute.Kind, kernels kernelSet) grain {
	if kind == compute.CPU {
		return grain{8, 16, 1, kernels.products}
	}
	return grain{64, 1, busyGroups, kernels.products}
}

// recorder records the commands of a step, or of anything else; the first error
// stops it.
type recorder struct {
	*engine
	commands *compute.Program
	counts   bool // contributions of players are asked for
	err      error
}

func (e *engine) newRecorder() *recorder {
	return &recorder{engine: e, commands: e.device.NewProgram()}
}

// recorded is called with every program that is ready to run, unless it is nil. Tests set it.
var recorded func(*compute.Program)

// finish returns what was recorded, ready to run.
func (r *recorder) finish(timed bool) (*compute.Program, error) {
	if r.err == nil {
		r.err = r.commands.Record(timed)
	}
	if r.err != nil {
		r.commands.Free()
		return nil, r.err
	}
	if recorded != nil {
		recorded(r.commands)
	}
	return r.commands, nil
}

// runOnce runs what was recorded and forgets it.
func (r *recorder) runOnce() error {
	p, err := r.finish(false)
	if err != nil {
		return err
	}
	defer p.Free()
	return p.Run(1)
}

// maxGroups is how many workgroups a grid has at most along the rows, or along either
// side where they number themselves: as many as every device takes. Tests lower it.
var maxGroups = 65535

// dispatch runs a kernel over a grid that is columns wide. Kernels of matrices
// loop over their rows where the grid has fewer.
func (r *recorder) dispatch(k shaders.Kernel, constants []uint32, columns, rows int, push any, buffers ...compute.Buffer) {
	if r.err != nil {
		return
	}
	pipeline, err := r.device.Pipeline(k, append([]uint32{uint32(r.grain.local)}, constants...)...)
	if err != nil {
		r.err = err
		return
	}
	groups := [3]int{blocks(columns, r.grain.local), min(blocks(rows, r.grain.rows), maxGroups), 1}
	r.commands.Dispatch(pipeline, groups, push, buffers...)
}

// dispatchGrid runs a kernel with a workgroup for each column and row. Kernels loop over
// their rows where the grid has fewer.
func (r *recorder) dispatchGrid(k shaders.Kernel, constants []uint32, columns, rows int, push any, buffers ...compute.Buffer) {
	r.dispatchShaped(k, append([]uint32{uint32(r.grain.local)}, constants...), [3]int{columns, min(rows, maxGroups), 1}, push, buffers...)
}

// dispatchShaped runs a kernel in a grid of workgroups.
func (r *recorder) dispatchShaped(k shaders.Kernel, constants []uint32, groups [3]int, push any, buffers ...compute.Buffer) {
	if r.err != nil {
		return
	}
	pipeline, err := r.device.Pipeline(k, constants...)
	if err != nil {
		r.err = err
		return
	}
	r.commands.Dispatch(pipeline, groups, push, buffers...)
}

// dispatchTiles runs the kernel of a matrix product over a matrix of so many rows
// and columns.
func (r *recorder) dispatchTiles(k shaders.Kernel, t tile, rows, columns int, constants []uint32, push any, buffers ...compute.Buffer) {
	if r.err != nil {
		return
	}
	t = t.narrowed(columns)
	pipeline, err := r.device.Pipeline(k, append(t.constants(), constants...)...)
	if err != nil {
		r.err = err
		return
	}
	groups := [3]int{blocks(rows, t.down()*t.rows), blocks(columns, t.across*t.columns), 1}
	r.commands.Dispatch(pipeline, groups, push, buffers...)
}

// dispatchGroups runs so many workgroups of a kernel that numbers them itself, and
// perhaps some more.
func (r *recorder) dispatchGroups(k shaders.Kernel, constants []uint32, count int, push any, buffers ...compute.Buffer) {
	if r.err != nil {
		return
	}
	pipeline, err := r.device.Pipeline(k, constants...)
	if err != nil {
		r.err = err
		return
	}
	r.commands.Dispatch(pipeline, [3]int{min(count, maxGroups), blocks(count, maxGroups), 1}, push, buffers...)
}

// constant returns a truth value as a specialisation constant.
func constant(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// number returns a number as a specialisation constant.
func number(x float64) uint32 { return math.Float32bits(float32(x)) }

// activations is what kernels call the activations.
var activations = map[network.Activation]uint32{
	network.ReLU: shaders.ReLU, network.LeakyReLU: shaders.LeakyReLU, network.GELU: shaders.GELU, network.Tanh: shaders.Tanh, network.ReLU6: shaders.ReLU6,
}

// fill adds the writing of zeros all over a buffer.
func (r *recorder) fill(b compute.Buffer) {
	if r.err == nil {
		r.commands.Fill(b, 0)
	}
}

// rules is what kernels call the optimisers.
var rules = map[backend.OptimiserKind]uint32{
	backend.SGD: shaders.SGD, backend.RMSProp: shaders.RMSProp,
	backend.Adam: shaders.Adam, backend.AdamW: shaders.AdamW,
}

// optimiser returns the specialisation constants of the weight update.
func (e *engine) optimiser() []uint32 {
	o := e.options.Optimiser
	first, second := o.Momentum, 0.
	switch {
	case o.Kind.IsAdam():
		first, second = 1-backend.AdamBeta1, 1-backend.AdamBeta2
	case o.Kind == backend.RMSProp:
		second = 1 - backend.RMSPropMemory
	}
	return []uint32{rules[o.Kind], number(first), number(second), number(backend.AdamEpsilon), number(o.Coupled())}
}

// clips says whether gradients are scaled down where they are too long.
func (e *engine) clips() bool { return e.options.Optimiser.ClipNorm > 0 }

// waits says whether gradients are left for what is done with them before parameters move.
func (e *engine) waits() bool {
	return e.clips() || e.options.Joint || e.graph.Masked() != nil
}
