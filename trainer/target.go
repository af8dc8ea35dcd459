package trainer

import (
	"math"
	"slices"
	"strconv"

	"nashprune/game"
	"nashprune/trainer/network"
)

// Resource names something that a network takes up: what a target of the market
// bounds, and what a player pays for.
type Resource string

const (
	Players    Resource = "players"
	Parameters Resource = "parameters" // weights and biases
	MACs       Resource = "macs"       // multiply-accumulates a sample
	Latency    Resource = "latency"    // microseconds for a batch, by a LatencyModel
)

// amount returns how much of a resource a network of the given widths takes, from
// the inputs to the logits. The model is for latencies alone.
func (r Resource) amount(widths []int, model *LatencyModel) float64 {
	switch r {
	case Parameters:
		return float64(network.ParametersOf(widths))
	case MACs:
		return float64(network.MACsOf(widths))
	case Latency:
		return model.Time(widths)
	default:
		return float64(network.Sum(widths[1 : len(widths)-1]))
	}
}

// leastCost is the least that the players of a layer cost on average, as a part of what
// those of the most expensive layer do: a measured model of latencies cannot tell a
// hundredth from nothing.
const leastCost = 0.01

// costs returns for each hidden layer of a network of the given widths what it takes up
// more with one player more, for each number of players that are there before, from 0:
// for all of them the same but of latencies, where a model may have steps.
func (r Resource) costs(widths []int, model *LatencyModel) [][]float64 {
	part := slices.Clone(widths)
	costs, whole, most := make([][]float64, len(widths)-2), make([]float64, len(widths)-2), 0.
	for l := range costs {
		part[l+1] = 0
		before := r.amount(part, model)
		for n := range widths[l+1] {
			part[l+1] = n + 1
			amount := r.amount(part, model)
			costs[l] = append(costs[l], amount-before)
			whole[l] += amount - before
			before = amount
		}
		most = max(most, whole[l]/float64(widths[l+1]))
	}
	if most == 0 { // players that cost nothing all cost the same
		most = 1 / leastCost
	}
	for l := range costs {
		if least := leastCost * most; whole[l] < least*float64(widths[l+1]) {
			costs[l] = slices.Repeat([]float64{least}, widths[l+1])
		}
	}
	return costs
}

// Target is what drives the market: a resource, and how much of it the network
// may take in the end.
type Target struct {
	Resource Resource `json:"resource"`
	Limit    float64  `json:"limit"`
	// AccuracyDrop is by how many points the validation accuracy may fall, where the
	// demand falls only as long as it does not; the limit is then the least network.
	AccuracyDrop float64 `json:"accuracy_drop,omitempty"`
}

// budget returns how much of its resource the network may take when the fraction t
// of the game has passed, B + (A-B)(1-t)^3, where A is what it takes at the start and B
// the limit. Of players it is a whole number, as [game.Demand] has it.
func (t Target) budget(start, fraction float64) float64 {
	if t.Resource == Players {
		return float64(game.Demand(int(start), int(t.Limit), fraction))
	}
	if start <= t.Limit {
		return t.Limit
	}
	rest := 1 - min(max(fraction, 0), 1)
	return t.Limit + (start-t.Limit)*rest*rest*rest
}

// targets returns the targets that a configuration names besides --keep and
// --sparsity, and their flags.
func (c Config) targets() (targets []Target, flags []string) {
	for _, t := range []struct {
		Target
		flag string
	}{
		{Target{Resource: Parameters, Limit: float64(c.MaxParameters)}, "--max-params"},
		{Target{Resource: MACs, Limit: float64(c.MaxMACs)}, "--max-macs"},
		{Target{Resource: Latency, Limit: c.MaxLatencyUS}, "--max-latency-us"},
		{Target{Resource: Players, AccuracyDrop: c.MaxAccuracyDrop}, "--max-accuracy-drop"},
	} {
		if t.Limit != 0 || t.AccuracyDrop != 0 {
			targets, flags = append(targets, t.Target), append(flags, t.flag)
		}
	}
	return targets, flags
}

// target returns the one target of a resolved configuration of the market.
func (c Config) target(hidden int) Target {
	if targets, _ := c.targets(); len(targets) == 1 {
		if targets[0].AccuracyDrop > 0 {
			targets[0].Limit = float64(hidden * game.LeastPerLayer)
		}
		return targets[0]
	}
	if c.Shape != "" {
		shares, _ := network.Parse(shapePrefix + c.Shape) // which Resolve has checked
		return Target{Resource: Players, Limit: float64(network.Sum(shares))}
	}
	return Target{Resource: Players, Limit: float64(c.Keep)}
}

// resolveTarget decides what drives the market and what its players pay for.
func (c Config) resolveTarget(hidden []int) (Config, error) {
	if c.Worth == "" { // which a file would not tell from the default
		c.Worth = game.Effective
	}
	if c.Game != MarketGame {
		c.Worth, c.Cost, c.LatencyModel = "", "", ""
		c.MaxParameters, c.MaxMACs, c.MaxLatencyUS, c.MaxAccuracyDrop = 0, 0, 0, 0
	}
	if !c.Game.inRounds() {
		c.Keep, c.Sparsity, c.Shape = 0, 0, ""
		return c, nil
	}
	targets, flags := c.targets()
	if c.Keep > 0 {
		flags = append(flags, "--keep")
	}
	if c.Shape != "" {
		flags = append(flags, "--shape")
		if _, err := c.shares(hidden); err != nil {
			return c, err
		}
		if c.Cost != "" {
			return c, Usagef("--shape %s says how many players each layer keeps, and with --cost %s one market finds it: leave one of them out", c.Shape, c.Cost)
		}
	}
	switch {
	case len(flags) > 1:
		return c, Usagef("%s and %s both say how much stays: give one of them", flags[0], flags[1])
	case c.Shape != "":
	case len(targets) == 0 && c.Keep == 0:
		c.Keep = int(math.Round(float64(network.Sum(hidden)) * (1 - c.Sparsity)))
		if _, err := game.Split(c.Keep, hidden); err != nil {
			return c, Usagef("--sparsity %v comes to --keep %d: %v", c.Sparsity, c.Keep, err)
		}
	case len(targets) == 0:
		if _, err := game.Split(c.Keep, hidden); err != nil {
			return c, Usagef("--keep: %v", err)
		}
	case c.Cost == "" && targets[0].Resource != Players:
		c.Cost = targets[0].Resource
	}
	if c.LatencyModel != "" && !c.needsLatency() {
		return c, Usagef("--latency-model is for --cost latency and --max-latency-us: give one of them, too, or leave it out")
	}
	c.Sparsity = 0
	return c, nil
}

// shapePrefix makes a shape what [network.Parse] takes.
const shapePrefix = "mlp:"

// shares returns how many of the players of each hidden layer are to stay: those of
// the shape, or in proportion to the widths. Errors are of the kind [ErrUsage].
func (c Config) shares(hidden []int) ([]int, error) {
	if c.Shape == "" {
		shares, err := game.Split(int(c.target(len(hidden)).Limit), hidden)
		if err != nil {
			return nil, Usagef("--keep: %v", err)
		}
		return shares, nil
	}
	shares, err := network.Parse(shapePrefix + c.Shape)
	if err != nil || len(shares) != len(hidden) {
		return nil, Usagef("--shape is %q: it is the players that each of the %d hidden layers keeps, such as 25-13", c.Shape, len(hidden))
	}
	for l, share := range shares {
		if share < game.LeastPerLayer || share > hidden[l] {
			return nil, Usagef("--shape is %q: hidden layer %d has %d players and keeps at least %d of them", c.Shape, l, hidden[l], game.LeastPerLayer)
		}
	}
	return shares, nil
}

// needsLatency tells whether the market needs a model of latencies.
func (c Config) needsLatency() bool { return c.Cost == Latency || c.MaxLatencyUS > 0 }

// aim fits the plan to its target. It is an error of the kind [ErrUsage] when not
// even the least network meets it.
func (p *plan) aim() error {
	hidden := p.widths[1 : len(p.widths)-1]
	p.target = p.config.target(len(hidden))
	if p.latency == nil && p.config.needsLatency() {
		return nil // nothing can be said before it is measured
	}
	if p.target.Resource == Players {
		var err error
		p.shares, err = p.config.shares(hidden)
		return err
	}
	p.shares = make([]int, len(hidden))
	for l := range hidden {
		p.shares[l] = game.LeastPerLayer
	}
	if !p.fits(1)(p.shares) {
		least := p.target.Resource.amount(p.between(p.shares), p.latency)
		_, flags := p.config.targets()
		if p.target.Resource == Latency {
			return Usagef("%s %v is less than the least network takes, with %d players a layer, %.4g us by the model of %s",
				flags[0], p.target.Limit, game.LeastPerLayer, least, p.latency.Device)
		}
		return Usagef("%s %.0f is less than the least network has, with %d players a layer: %.0f",
			flags[0], p.target.Limit, game.LeastPerLayer, least)
	}
	// How many players each layer will keep, nobody knows. Progress expects that all
	// shrink alike.
	for part := 1.; part > 0.001; part *= 0.99 {
		like := make([]int, len(hidden))
		for l, width := range hidden {
			like[l] = max(game.LeastPerLayer, int(part*float64(width)))
		}
		if p.fits(1)(like) {
			p.shares = like
			break
		}
	}
	return nil
}

// between returns the widths from the inputs to the logits of a network with so
// many players in each hidden layer.
func (p plan) between(hidden []int) []int {
	return append(append([]int{p.widths[0]}, hidden...), p.widths[len(p.widths)-1])
}

// fits returns whether a network with so many players a layer is within what the
// target leaves when a fraction of the game has passed.
func (p plan) fits(fraction float64) func(players []int) bool {
	r := p.target.Resource
	budget := p.target.budget(r.amount(p.widths, p.latency), fraction)
	return func(players []int) bool { return r.amount(p.between(players), p.latency) <= budget }
}

// asked returns how many players the market asks for, where its target counts them,
// when the demand has fallen for so many rounds.
func (p plan) asked(fallen int) int {
	if p.config.Cost == "" {
		return network.Sum(p.demands(fallen))
	}
	start := p.target.Resource.amount(p.widths, p.latency)
	return int(p.target.budget(start, float64(fallen)/float64(p.config.Rounds)))
}

// clear clears the market for players of the given worths when the demand has
// fallen for so many rounds.
func (p plan) clear(worths [][]float64, fallen int) game.Clearing {
	if p.config.Cost == "" {
		return game.ClearLayers(worths, p.demands(fallen))
	}
	players := make([]int, len(worths))
	for l, layer := range worths {
		players[l] = len(layer)
	}
	costs := p.config.Cost.costs(p.between(players), p.latency)
	return game.ClearTogether(worths, costs, p.fits(float64(fallen)/float64(p.config.Rounds)))
}

// Words says what is asked for: at most 20000 parameters.
func (t Target) Words() string {
	switch {
	case t.AccuracyDrop > 0:
		return "at most " + strconv.FormatFloat(t.AccuracyDrop, 'g', -1, 64) + " points less on the validation part"
	case t.Resource == Players:
		return strconv.Itoa(int(t.Limit)) + " players"
	case t.Resource == Latency:
		return "at most " + strconv.FormatFloat(t.Limit, 'g', -1, 64) + " us for a batch"
	default:
		return "at most " + strconv.Itoa(int(t.Limit)) + " " + string(t.Resource)
	}
}
