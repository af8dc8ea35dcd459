//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"

	"nashprune/game"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

func (e *engine) Observe(ctx context.Context, order []int32) (_ *backend.Observation, err error) {
	defer convert(&err)
	if err := e.runSteps(ctx, observing, order); err != nil {
		return nil, err
	}
	o := &backend.Observation{}
	for _, g := range e.gates {
		v, err := e.read(g.interactions.Part(0, interactionBytes(g.players)))
		if err != nil {
			return nil, err
		}
		var h game.Interactions
		for _, n := range game.Blocks(g.players) {
			h = append(h, unpad(v, n, n))
			v = v[padded(n)*padded(n):]
		}
		o.Interactions = append(o.Interactions, h)
	}
	for _, r := range e.readers {
		x := r.input
		v, err := e.read(x.moments.Part(0, x.momentBytes()))
		if err != nil {
			return nil, err
		}
		m := backend.InputMoments{Node: r.node, Mean: unpad(v[len(v)-padded(x.width):], 1, x.width)}
		if x.squared() {
			m.Square = unpad(v, x.width, x.width)
		}
		o.Inputs = append(o.Inputs, m)
	}
	return o, nil
}

// unpad returns the first rows of a matrix of so many columns, without their padding.
func unpad(v []float32, rows, columns int) []float64 {
	numbers := make([]float64, 0, rows*columns)
	for r := range rows {
		for _, x := range v[r*padded(columns):][:columns] {
			numbers = append(numbers, float64(x))
		}
	}
	return numbers
}

// observe takes the effects of players in a batch, and the inputs of nodes that read
// players, into their moments.
func (r *recorder) observe() {
	for _, g := range r.playing() {
		if g.single() { // else the backward pass has left them
			r.effects(g, g.points[0])
		}
	}
	for _, g := range r.playing() {
		r.moments(g.effects, g.stride(), game.BlockSize/4, true, false, g.interactions)
	}
	for _, t := range r.tensors {
		if t.observed {
			r.moments(t.values, t.stride(), t.stride(), t.squared(), true, t.moments)
		}
	}
}

// effects computes the effects of a gate's players at its only point, where the derivative is
// that of u.
func (r *recorder) effects(g *gate, at *point) {
	r.dispatch(shaders.Effects, nil, g.stride(), r.batchRows, shaders.EffectsPush{Stride: uint32(g.stride())},
		r.state, at.to.derivative, at.affine, g.effects)
}

// moments takes numbers of a batch, in rows of so many vec4, into their moments, of which
// the second ones are those of blocks of columns.
func (r *recorder) moments(x compute.Buffer, stride, block int, squares, means bool, into compute.Buffer) {
	if r.err != nil || stride == 0 {
		return
	}
	t, rows := r.grain.gradient.narrowed(min(block, stride)), 1
	if squares {
		rows = 4 * min(block, stride)
	}
	pipeline, err := r.device.Pipeline(shaders.Moments, append(t.constants(), constant(squares), constant(means))...)
	if err != nil {
		r.err = err
		return
	}
	groups := [3]int{blocks(rows, t.down()*t.rows), blocks(min(block, stride), t.across*t.columns), blocks(stride, block)}
	r.commands.Dispatch(pipeline, groups, shaders.MomentsPush{Stride: uint32(stride), Block: uint32(block)}, r.state, into, x, x)
}

// mostSweeps is how often the players of a block move in a dispatch at most: with the sum
// before the first move these are as many turns of loops as there may be.
const mostSweeps = maxTurns/(game.BlockSize+1) - 1

// play returns the program of a play: numbers of the host to the device, moves, and back.
func (e *engine) play(sweeps int) (*compute.Program, error) {
	if p := e.plays[sweeps]; p != nil {
		return p, nil
	}
	var hosts, devices []compute.Buffer
	for _, g := range e.gates {
		hosts, devices = append(hosts, g.asked, g.charged), append(devices, g.participation, g.price)
	}
	host, _ := compute.Span(hosts...)
	device, _ := compute.Span(devices...)
	r := e.newRecorder()
	r.commands.Copy(host, device)
	for left := sweeps; left > 0; left -= mostSweeps {
		for _, g := range e.gates {
			if g.players == 0 {
				continue
			}
			r.dispatchGroups(shaders.Play, []uint32{game.BlockSize / 4}, len(game.Blocks(g.players)),
				shaders.PlayPush{Players: uint32(g.players), Sweeps: uint32(min(left, mostSweeps)), Ridge: game.Ridge},
				g.interactions, g.participation, g.price)
		}
	}
	r.commands.Copy(device, host)
	p, err := r.finish(false)
	if err == nil {
		e.plays[sweeps] = p
	}
	return p, err
}

func (e *engine) Play(prices, from [][]float64, sweeps int) (_ [][]float64, err error) {
	defer convert(&err)
	if len(e.gates) == 0 {
		return nil, nil
	}
	p, err := e.play(sweeps)
	if err != nil {
		return nil, err
	}
	for i, g := range e.gates {
		asked, charged := view[float32](g.asked.Bytes()), view[float32](g.charged.Bytes())
		for j, s := range from[i] {
			asked[j], charged[j] = float32(s), float32(prices[i][j])
		}
	}
	if err := p.Run(1); err != nil {
		return nil, err
	}
	var moved [][]float64
	for _, g := range e.gates {
		moved = append(moved, widen(view[float32](g.asked.Bytes())[:g.players]))
	}
	return moved, nil
}
