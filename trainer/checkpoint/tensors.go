package checkpoint

import (
	"fmt"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// What a checkpoint holds as tensors: of each parameter P of the network "network.P",
// "first.P", "second.P", "best.P" and "departed.P", where there is one; of each gate G
// what the lists below name. float32 is as it lies on a device; what the host works out
// is float64.

// A ledger is a matrix with a column a player and these rows. A reason is its place in
// [game.Reasons].
const (
	worthRow = iota
	ownRow
	ceilingRow
	priceRow
	participationRow
	roundRow
	reasonRow
	ledgerRows
)

// tensors returns all that the checkpoint holds as tensors.
func (c *Checkpoint) tensors() []safetensors.Tensor {
	var tensors []safetensors.Tensor
	add := func(name string, v []float32, shape ...int) {
		tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Float32: v})
	}
	parameters := func(prefix string, g *network.Graph, values [][]float32) {
		for p, v := range values {
			add(prefix+"."+g.Params[p].Name, v, g.Params[p].Shape...)
		}
	}
	n := c.State.Network
	parameters("network", n.Graph, n.Parameters)
	parameters("first", n.Graph, c.State.First)
	parameters("second", n.Graph, c.State.Second)
	if c.BestNetwork != nil {
		parameters("best", n.Graph, c.BestNetwork.Parameters)
	}
	if c.Departed != nil {
		parameters("departed", c.Departed.Graph, c.Departed.Parameters)
	}
	for p, v := range n.Masks {
		if v != nil {
			add("mask."+n.Params[p].Name, v, n.Params[p].Shape...)
		}
	}
	for i, gate := range n.Gates {
		perPlayer := func(what string, v []float32) { add("gate."+gate.Name+"."+what, v, len(v)) }
		perPlayer("participation", n.Participations[i])
		if c.State.Slopes != nil {
			perPlayer("slope.first", c.State.Slopes[i].First)
			perPlayer("slope.second", c.State.Slopes[i].Second)
		}
		if c.BestNetwork != nil {
			perPlayer("best.participation", c.BestNetwork.Participations[i])
		}
		if c.Departed != nil {
			perPlayer("departed.participation", c.Departed.Participations[i])
		}
	}
	if len(c.State.Slopes) > len(n.Gates) { // those of weights
		for i, p := range n.Masked() {
			slopes, param := c.State.Slopes[len(n.Gates)+i], n.Params[p]
			add("slope.first."+param.Name, slopes.First, param.Shape...)
			add("slope.second."+param.Name, slopes.Second, param.Shape...)
		}
	}
	return append(tensors, c.marketTensors()...)
}

// marketTensors returns what the position knows of each player.
func (c *Checkpoint) marketTensors() []safetensors.Tensor {
	var tensors []safetensors.Tensor
	for i, ledger := range c.Position.Ledgers {
		add := func(what string, v []float64, shape ...int) {
			name := "gate." + c.State.Network.Gates[i].Name + "." + what
			tensors = append(tensors, safetensors.Tensor{Name: name, Shape: shape, Float64: slices.Grow(v, 1)}) // not nil, also without players
		}
		players := len(ledger.Records)
		rows := make([]float64, ledgerRows*players)
		for k, r := range ledger.Records {
			for row, x := range map[int]float64{
				worthRow: r.Worth, ownRow: r.Own, ceilingRow: r.Ceiling, priceRow: r.Price, participationRow: r.Participation, roundRow: float64(r.Round),
				reasonRow: float64(slices.Index(game.Reasons, r.Reason)),
			} {
				rows[row*players+k] = x
			}
		}
		add("ledger", rows, ledgerRows, players)
		add("live", floats(ledger.Live), len(ledger.Live))
		add("rounds", []float64{float64(ledger.Rounds)}, 1)
	}
	return append(tensors, record.WeightTensors(record.TensorNames(c.Whole), c.Position.Weights)...)
}

func floats(v []int) []float64 {
	x := make([]float64, len(v))
	for i, n := range v {
		x[i] = float64(n)
	}
	return x
}

// taker hands out tensors by name and shape, and remembers the first that is missing.
type taker struct {
	named map[string]safetensors.Tensor
	err   error
}

// has reports whether there is a tensor of a name.
func (t *taker) has(name string) bool {
	_, ok := t.named[name]
	return ok
}

func (t *taker) take(name string, shape []int) safetensors.Tensor {
	found, ok := t.named[name]
	if (!ok || shape != nil && !slices.Equal(found.Shape, shape)) && t.err == nil {
		t.err = fmt.Errorf("it holds no tensor %s of shape %v", name, shape)
	}
	delete(t.named, name)
	return found
}

func (t *taker) float32(name string, shape ...int) []float32 {
	v := t.take(name, shape).Float32
	if v == nil && t.err == nil {
		t.err = fmt.Errorf("its tensor %s is not of float32", name)
	}
	return v
}

// float64 takes a tensor of any shape where none is given.
func (t *taker) float64(name string, shape ...int) []float64 {
	v := t.take(name, shape).Float64
	if v == nil && t.err == nil {
		t.err = fmt.Errorf("its tensor %s is not of float64", name)
	}
	return v
}

// parameters takes numbers in the shapes of a graph's parameters.
func (t *taker) parameters(prefix string, g *network.Graph) [][]float32 {
	var values [][]float32
	for _, p := range g.Params {
		values = append(values, t.float32(prefix+"."+p.Name, p.Shape...))
	}
	return values
}

// take is the inverse of tensors. The graphs are known.
func (c *Checkpoint) take(list []safetensors.Tensor) error {
	if c.Graph == nil {
		return fmt.Errorf("it describes no network")
	}
	t := &taker{named: map[string]safetensors.Tensor{}}
	for _, tensor := range list {
		t.named[tensor.Name] = tensor
	}
	first := c.Graph.Params[0].Name // whose presence says that of all
	n := &network.Network{Graph: c.Graph, Parameters: t.parameters("network", c.Graph)}
	c.State = &backend.State{Network: n, Steps: c.Steps}
	if t.has("first." + first) {
		c.State.First = t.parameters("first", c.Graph)
	}
	if t.has("second." + first) {
		c.State.Second = t.parameters("second", c.Graph)
	}
	if t.has("best." + first) {
		c.BestNetwork = &network.Network{Graph: c.Graph, Parameters: t.parameters("best", c.Graph)}
	}
	if c.Whole == nil || len(c.Whole.Gates) != len(n.Gates) {
		return fmt.Errorf("it does not describe the network before removals, with the %d gates of the network", len(n.Gates))
	}
	if t.has("departed." + first) {
		c.Departed = &network.Network{Graph: c.Whole, Parameters: t.parameters("departed", c.Whole)}
	}
	if masked := c.Graph.Masked(); masked != nil {
		n.Masks = make([][]float32, len(c.Graph.Params))
		for _, p := range masked {
			n.Masks[p] = t.float32("mask."+c.Graph.Params[p].Name, c.Graph.Params[p].Shape...)
		}
		var err error
		if c.Position.Weights, err = record.TakeWeights(record.TensorNames(c.Whole), t.named); err != nil && t.err == nil {
			t.err = err
		}
		if c.BestNetwork != nil {
			c.BestNetwork.Masks = n.Masks // it is of an epoch after the last removal
		}
	}
	for i, gate := range n.Gates {
		name := func(what string) string { return "gate." + gate.Name + "." + what }
		perPlayer := func(what string) []float32 { return t.float32(name(what), gate.Players) }
		n.Participations = append(n.Participations, perPlayer("participation"))
		if t.has(name("slope.first")) {
			c.State.Slopes = append(c.State.Slopes, backend.SlopeMoments{First: perPlayer("slope.first"), Second: perPlayer("slope.second")})
		}
		if c.BestNetwork != nil {
			c.BestNetwork.Participations = append(c.BestNetwork.Participations, perPlayer("best.participation"))
		}
		if c.Departed != nil {
			c.Departed.Participations = append(c.Departed.Participations, t.float32(name("departed.participation"), c.Whole.Gates[i].Players))
		}
		if t.has(name("ledger")) {
			c.takeLedger(t, name)
		}
	}
	slopes := len(n.Gates)
	for _, p := range n.Masked() {
		if param := n.Params[p]; t.has("slope.first." + param.Name) {
			of := func(what string) []float32 { return t.float32("slope."+what+"."+param.Name, param.Shape...) }
			c.State.Slopes = append(c.State.Slopes, backend.SlopeMoments{First: of("first"), Second: of("second")})
			slopes++
		}
	}
	if weights := slopes - len(n.Gates); c.State.Slopes != nil && (len(c.State.Slopes) != slopes || weights != 0 && weights != len(n.Masked())) {
		return fmt.Errorf("it knows of the players of some gates alone")
	}
	return t.err
}

// takeLedger takes what is known of the players of a gate.
func (c *Checkpoint) takeLedger(t *taker, name func(string) string) {
	whole := t.named[name("ledger")]
	rows := t.float64(name("ledger"))
	if rows == nil {
		return
	}
	if len(whole.Shape) != 2 || whole.Shape[0] != ledgerRows {
		if t.err == nil {
			t.err = fmt.Errorf("its ledger %s has shape %v", name("ledger"), whole.Shape)
		}
		return
	}
	players := whole.Shape[1]
	at := func(row, k int) float64 { return rows[row*players+k] }
	ledger := &game.Ledger{Live: ints(t.float64(name("live")))}
	for k := range players {
		reason := int(at(reasonRow, k))
		if reason < 0 || reason >= len(game.Reasons) {
			t.err = fmt.Errorf("player %d of %s has reason number %d", k, name("ledger"), reason)
			return
		}
		ledger.Records = append(ledger.Records, game.Record{
			Worth: at(worthRow, k), Own: at(ownRow, k), Ceiling: at(ceilingRow, k), Price: at(priceRow, k), Participation: at(participationRow, k),
			Round: int(at(roundRow, k)), Reason: game.Reasons[reason],
		})
	}
	if rounds := t.float64(name("rounds"), 1); len(rounds) == 1 {
		ledger.Rounds = int(rounds[0])
	}
	c.Position.Ledgers = append(c.Position.Ledgers, ledger)
}

func ints(v []float64) []int {
	n := make([]int, len(v))
	for i, x := range v {
		n[i] = int(x)
	}
	return n
}
