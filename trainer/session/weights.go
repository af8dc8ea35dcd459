package session

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sort"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
)

// playsWeights reports whether the players are single weights.
func (p Plan) playsWeights() bool { return p.Game.InRounds() && p.Graph.Masked() != nil }

// aimWeights works out how many weights each market keeps: one market has all of them, or each
// tensor has its own.
func (p *Plan) aimWeights() error {
	sizes := p.Graph.MarketWidths()
	p.Target = p.Config.Target(len(sizes))
	switch pattern := p.Config.WeightPattern(); {
	case pattern.Of > 0:
		keep := 0
		for _, param := range p.Graph.Masked() {
			p.Graph.Params[param].Groups(pattern.Of, func(group []int) { keep += min(pattern.Keep, len(group)) })
		}
		p.Target.Limit, p.shares = float64(keep), []int{keep}
	case p.Target.Resource == cost.Bytes:
		return p.aimBytes()
	case p.Config.Shape != "":
		var err error
		p.shares, err = p.Config.Shares(sizes)
		return err
	default:
		p.shares = []int{int(p.Target.Limit)}
	}
	return nil
}

// aimBytes fits a plan to its target of bytes. It works out how many weights stay if all tensors
// keep the same part: of a weight there are four bytes and its place, of a row where it begins, if
// that takes less than the tensor. What is removed with dead units makes the file smaller still:
// see fitBytes.
func (p *Plan) aimBytes() error {
	if p.FileBytes == nil {
		return errors.New("a target of bytes takes the sizes of files")
	}
	empty, full := network.New(p.Graph), network.New(p.Graph)
	for _, parameter := range full.Parameters {
		for i := range parameter {
			parameter[i] = 1
		}
	}
	least, err := p.FileBytes(empty)
	if err != nil {
		return err
	}
	dense, err := p.FileBytes(full)
	if err != nil {
		return err
	}
	if p.Target = p.Target.Of(float64(dense)); float64(least) > p.Target.Limit {
		return backend.Usagef("--max-bytes is %s; without any weights the file has %d bytes already: allow more", p.Target.Given(), least)
	}
	players := network.Sum(p.Graph.MarketWidths())
	fits := func(keep int) bool {
		bytes := float64(least)
		for _, param := range p.Graph.Params {
			dense := 4 * float64(param.Size())
			if param.Plays {
				dense = min(dense, 2*dense*float64(keep)/float64(players)+4*float64(param.Shape[0]+1))
			}
			bytes += dense
		}
		return bytes <= p.Target.Limit
	}
	p.shares = []int{max(1, sort.Search(players, func(less int) bool { return !fits(less + 1) }))}
	return nil
}

// playWeights is round k of a market of single weights, or of a ranking of them. Weights that
// are removed are zero from then on, with their moments.
func (t *Training) playWeights(k int) error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	worths, err := t.weightWorths(state, k)
	if err != nil {
		return err
	}
	bidders := t.bidders(worths)
	line := record.RoundLine{Training: t.Name, Round: k, Epoch: t.Plan.EpochOf(t.Step), Step: t.Step}
	markets := [][]game.Bidders{bidders}
	if len(t.Plan.shares) > 1 {
		markets = nil
		for i := range bidders {
			markets = append(markets, bidders[i:i+1])
		}
	}
	for m, market := range markets {
		players := 0
		for _, s := range market {
			players += len(s.Worths)
		}
		demand := game.Demand(players, t.Plan.shares[m], float64(k)/float64(t.Plan.Config.Rounds))
		if t.Plan.Target.Resource == cost.Bytes {
			if demand, err = t.fitBytes(state.Network, market, demand, k == t.Plan.Config.Rounds); err != nil {
				return err
			}
		}
		price := game.ClearSeparable(market, t.Plan.Config.WeightPattern(), demand)
		for range market {
			line.Prices = append(line.Prices, price)
		}
	}
	if t.Plan.Game == game.RankingGame {
		line.Cuts, line.Prices = line.Prices, nil
	}
	for i, p := range t.Plan.Graph.Masked() {
		for at, round := range t.Weights[i].Rounds {
			if round == 0 {
				continue
			}
			for _, tensors := range [][][]float32{state.Network.Parameters, state.Network.Masks, state.First, state.Second} {
				if tensors != nil {
					tensors[p][at] = 0
				}
			}
		}
	}
	if err := t.Engine.Push(state); err != nil {
		return err
	}
	line.Players = t.Players()
	line.Demand = line.Players
	return t.endRound(k, line)
}

// fitBytes returns the demand of a round: what is planned while the file of the network is then
// beyond its limit, but in the last round, else as many weights as fit. So no round removes more
// than the limit asks for. Demands are tried on copies of the books. No weight that stays is taken
// for zero, since training goes on.
func (t *Training) fitBytes(n *network.Network, market []game.Bidders, planned int, last bool) (demand int, err error) {
	fits := func(demand int) bool {
		trial, bidders := n.Clone(), slices.Clone(market)
		for i := range bidders {
			books := *bidders[i].Separable
			books.Worths, books.Rounds, books.Prices = slices.Clone(books.Worths), slices.Clone(books.Rounds), slices.Clone(books.Prices)
			bidders[i].Separable = &books
		}
		game.ClearSeparable(bidders, game.Pattern{}, demand)
		for i, p := range n.Masked() {
			for at, round := range bidders[i].Rounds {
				trial.Parameters[p][at] = 0
				if round == 0 {
					trial.Parameters[p][at] = 1
				}
			}
		}
		bytes, failed := t.Plan.FileBytes(trial)
		err = cmp.Or(err, failed)
		return bytes <= int(t.Plan.Target.Limit)
	}
	if !last && !fits(planned) {
		return planned, err
	}
	demand = sort.Search(network.Sum(t.Players()), func(less int) bool { return !fits(less + 1) })
	return demand, err
}

// bidders returns the players with what they are worth in this round.
func (t *Training) bidders(worths [][]float32) []game.Bidders {
	var bidders []game.Bidders
	of := t.Plan.Config.WeightPattern().Of
	for i, p := range t.Plan.Graph.Masked() {
		bidders = append(bidders, game.Bidders{
			Separable: t.Weights[i], Now: worths[i],
			Groups: func(visit func([]int)) { t.Plan.Graph.Params[p].Groups(of, visit) },
		})
	}
	return bidders
}

// weightWorths returns the worths of weights in round k, or their scores, by tensor.
func (t *Training) weightWorths(state *backend.State, k int) ([][]float32, error) {
	g, c := state.Network.Graph, t.Plan.Config
	masked := g.Masked()
	if t.Plan.Game == game.RankingGame && !c.Criterion.MeansFisher() {
		return t.weightScores(state.Network), nil
	}
	metric := c.WeightWorth
	if t.Plan.Game == game.RankingGame {
		metric = game.FisherMetric
	}
	var squares [][]float32
	if metric.Observes() {
		// It takes less than an epoch and is not interrupted, so that no round is left half played.
		var err error
		if squares, err = t.Engine.ObserveWeights(context.Background(), t.Plan.observed(k)); err != nil {
			return nil, err
		}
	} else {
		squares = network.Select(state.Second, masked)
	}
	var worths [][]float32
	for i, p := range masked {
		row := metric.Worths(state.Network.Parameters[p], squares[i])
		for _, w := range row {
			if x := float64(w); math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, t.diverged(x)
			}
		}
		worths = append(worths, row)
	}
	return worths, nil
}

// weightScores returns what weights are ranked by without observing them.
func (t *Training) weightScores(n *network.Network) [][]float32 {
	var scores [][]float32
	for i, p := range n.Masked() {
		row := make([]float32, len(n.Parameters[p]))
		draw := random.New(t.Plan.Config.Seed, random.Ranking, 1, uint32(i))
		for at, w := range n.Parameters[p] {
			if t.Plan.Config.Criterion == game.Random {
				row[at] = float32(draw.Float64())
			} else {
				row[at] = float32(math.Abs(float64(w)))
			}
		}
		scores = append(scores, row)
	}
	return scores
}
