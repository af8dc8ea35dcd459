//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// read returns the float32 numbers of a buffer.
func (e *engine) read(b compute.Buffer) ([]float32, error) {
	v := make([]float32, b.Size()/4)
	return v, e.device.Read(b, bytesOf(v))
}

// readPlayers returns the first rows of a matrix of a gate's players, so many, each without
// its padding; the others are nil.
func (e *engine) readPlayers(g *gate, from compute.Buffer, count int) ([shaders.PlayerRows][]float32, error) {
	var rows [shaders.PlayerRows][]float32
	width := padded(g.players)
	v, err := e.read(from.Part(0, 4*count*width))
	for r := range count {
		rows[r] = v[r*width:][:g.players]
	}
	return rows, err
}

func (e *engine) Push(s *backend.State) (err error) {
	defer convert(&err)
	if e.activations != nil && e.graph == s.Network.Graph {
		err = e.reset()
	} else {
		err = e.build(lower(s.Network.Graph, e.trainedRows()))
	}
	if err != nil {
		return err
	}
	e.steps, e.sparse = s.Steps, false
	first, second := s.First, s.Second
	if e.options.Inference {
		first = nil
	}
	if e.options.Inference || !e.options.Optimiser.Kind.HasSecond() {
		second = nil
	}
	for _, m := range e.matrices() {
		for _, tensor := range []struct {
			from [][]float32
			to   compute.Buffer
		}{{s.Network.Parameters, m.theta}, {first, m.first}, {second, m.second}} {
			if tensor.from == nil {
				continue
			}
			if err := e.device.Write(tensor.to, bytesOf(m.lay(network.Select(tensor.from, m.params)...))); err != nil {
				return err
			}
		}
	}
	if err := e.pushSparse(s.Network); err != nil {
		return err
	}
	if err := e.pushWeights(s); err != nil {
		return err
	}
	for i, g := range e.gates {
		width := padded(g.players)
		players := make([]float32, g.bytes()/4)
		copy(players[shaders.Participation*width:], s.Network.Participations[i])
		if len(s.Slopes) > i {
			copy(players[shaders.FirstSlope*width:], s.Slopes[i].First)
			copy(players[shaders.SecondSlope*width:], s.Slopes[i].Second)
		}
		if err := e.device.Write(g.rows, bytesOf(players)); err != nil {
			return err
		}
	}
	return nil
}

// reset makes ready for another state of the graph that is there: moments that the state does not
// have are zero. Recorded steps stay, but those that depend on which weights are zero.
func (e *engine) reset() error {
	for m, p := range e.programs {
		if m.sparse {
			p.Free()
			delete(e.programs, m)
		}
	}
	if e.options.Inference {
		return nil
	}
	return e.RestartOptimiser()
}

// pullTensors returns the numbers in the shape of some matrices by the place of the graph's
// parameters.
func (e *engine) pullTensors(matrices []*matrix, of func(*matrix) compute.Buffer) ([][]float32, error) {
	tensors := make([][]float32, len(e.graph.Params))
	for _, m := range matrices {
		v, err := e.read(of(m))
		if err != nil {
			return nil, err
		}
		weight, bias := m.lift(v)
		for i, p := range m.params {
			tensors[p] = [][]float32{weight, bias}[i]
		}
	}
	return tensors, nil
}

func (e *engine) Pull() (_ *backend.State, err error) {
	defer convert(&err)
	s := &backend.State{Network: &network.Network{Graph: e.graph}, Steps: e.steps}
	if s.Network.Parameters, err = e.pullTensors(e.matrices(), ofTheta); err != nil {
		return nil, err
	}
	if s.Network.Masks, err = e.pullOfWeights(ofMask); err != nil {
		return nil, err
	}
	if e.options.Inference {
		return s, e.pullPlayers(s)
	}
	if s.First, err = e.pullTensors(e.matrices(), ofFirst); err != nil {
		return nil, err
	}
	if e.options.Optimiser.Kind.HasSecond() {
		if s.Second, err = e.pullTensors(e.matrices(), ofSecond); err != nil {
			return nil, err
		}
	}
	if err := e.pullPlayers(s); err != nil {
		return nil, err
	}
	return s, e.pullSlopes(s)
}

// pullPlayers reads participations and slopes of the players of gates.
func (e *engine) pullPlayers(s *backend.State) error {
	for _, g := range e.gates {
		rows, err := e.readPlayers(g, g.rows, shaders.PlayerRows)
		if err != nil {
			return err
		}
		s.Network.Participations = append(s.Network.Participations, rows[shaders.Participation])
		s.Slopes = append(s.Slopes, backend.SlopeMoments{First: rows[shaders.FirstSlope], Second: rows[shaders.SecondSlope]})
	}
	return nil
}
