package settings

import (
	"fmt"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
)

// Targets returns the targets that a configuration names besides --keep and
// --sparsity, and their flags.
func (c Config) Targets() (targets []cost.Target, flags []string) {
	for _, t := range []struct {
		cost.Target
		flag string
	}{
		{cost.NewTarget(cost.Parameters, c.MaxParameters), "--max-params"},
		{cost.NewTarget(cost.MACs, c.MaxMACs), "--max-macs"},
		{cost.NewTarget(cost.Bytes, c.MaxBytes), "--max-bytes"},
		{cost.NewTarget(cost.Latency, c.MaxLatencyUS), "--max-latency-us"},
		{cost.Target{Resource: cost.Players, AccuracyDrop: c.MaxAccuracyDrop}, "--max-accuracy-drop"},
	} {
		if t.Target != cost.NewTarget(t.Resource, 0) {
			targets, flags = append(targets, t.Target), append(flags, t.flag)
		}
	}
	return targets, flags
}

// Target returns the one target of a resolved configuration of the market.
func (c Config) Target(gates int) cost.Target {
	if targets, _ := c.Targets(); len(targets) == 1 {
		if targets[0].AccuracyDrop > 0 {
			targets[0].Limit = float64(gates * game.LeastPerLayer)
		}
		return targets[0]
	}
	if c.Shape != "" {
		shares, _ := network.ParseWidths(c.Shape, 1) // which Resolve has checked
		return cost.Target{Resource: cost.Players, Limit: float64(network.Sum(shares))}
	}
	return cost.NewTarget(cost.Players, c.Keep)
}

// resolveTarget decides what drives the market or the ranking and what its players pay for. Sparsity
// stays open where the numbers of players are not known.
func (c Config) resolveTarget(players []int) (Config, error) {
	if c.Worth == "" { // which a file would not distinguish from the default
		c.Worth = game.Effective
	}
	if c.Game != game.MarketGame {
		c.Worth, c.MaxAccuracyDrop = "", 0
	}
	if c.Game == game.RankingGame && c.Criterion == game.OutputSquare {
		c.Worth = game.Outputs
	}
	const branchesMarket = "--players has branches, which a market removes for what they cost; try --max-macs, --max-params or --max-latency-us with --game market"
	branches := slices.Contains(c.PlayerKinds(), network.Branches)
	if branches && c.Game == game.PaperGame { // a branch has no parameters of its own, so theta is nothing
		return c, backend.Usagef(branchesMarket)
	}
	if !c.Game.InRounds() {
		c.Cost, c.MaxParameters, c.MaxMACs, c.MaxBytes, c.MaxLatencyUS, c.LatencyModel = "", 0, 0, 0, 0, ""
		c.Keep, c.Sparsity, c.RoundTo = 0, 0, 1
		if c.Game != game.NoGame || c.Shape == "" {
			c.Shape = ""
			return c, nil
		}
		_, err := c.Shares(players)
		if players == nil {
			err = nil
		}
		return c, err
	}
	targets, flags := c.Targets()
	if c.Keep != 0 {
		flags = append(flags, "--keep")
	}
	if c.Shape != "" && c.RoundTo > 1 {
		return c, backend.Usagef("--shape %s says how many players each gate keeps, and --round-to %d would change it: leave one of them out", c.Shape, c.RoundTo)
	}
	if c.Shape != "" {
		flags = append(flags, "--shape")
		if _, err := c.Shares(players); err != nil && players != nil {
			return c, err
		}
		if c.Cost != "" {
			return c, backend.Usagef("--shape %s says how many players each gate keeps, and with --cost %s one market finds it: leave one of them out", c.Shape, c.Cost)
		}
	}
	switch {
	case c.Pattern != "":
		c.Keep = 0
	case len(flags) > 1:
		return c, backend.Usagef("%s and %s both say how much stays: give one of them", flags[0], flags[1])
	case c.Shape != "":
	case len(targets) == 0 && players == nil:
		if c.Keep < 0 {
			c.Sparsity = 0
		}
		if c.Keep <= 0 {
			return c, nil
		}
	case len(targets) == 0:
		all, given := network.Sum(players), "--keep"
		keep := c.Keep.Players(all)
		switch {
		case c.Keep < 0:
			given = fmt.Sprintf("--keep %v comes to --keep %d", c.Keep, keep)
		case keep == 0:
			keep = int(math.Round(float64(all) * (1 - c.Sparsity)))
			given = fmt.Sprintf("--sparsity %v comes to --keep %d", c.Sparsity, keep)
		}
		if _, err := game.Split(keep, players); err != nil {
			return c, backend.Usagef("%s: %v", given, err)
		}
		c.Keep = cost.Limit(keep)
	case c.Cost == "" && targets[0].Resource != cost.Players && targets[0].Resource != cost.Bytes:
		c.Cost = targets[0].Resource
	}
	switch {
	case branches && c.Mixed():
		return c, backend.Usagef("--players has branches and weights; remove branches in a run of their own, and prune what it leaves with --players weights")
	case branches && (c.Game != game.MarketGame || c.MaxParameters == 0 && c.MaxMACs == 0 && c.MaxLatencyUS == 0):
		return c, backend.Usagef(branchesMarket)
	}
	if c.LatencyModel != "" && !c.NeedsLatency() {
		return c, backend.Usagef("--latency-model is for --cost latency and --max-latency-us: give one of them, too, or leave it out")
	}
	c.Sparsity = 0
	return c, nil
}

// Shares returns how many of the players of each gate are to stay: those of the shape, or
// in proportion to all, to the nearest multiple of RoundTo. Errors are of the kind [backend.ErrUsage].
func (c Config) Shares(players []int) ([]int, error) {
	if c.Shape == "" {
		shares, err := game.Split(int(c.Target(len(players)).Limit), players)
		if err != nil {
			return nil, backend.Usagef("--keep: %v", err)
		}
		for l, share := range shares {
			down := share / c.RoundTo * c.RoundTo
			if down == 0 || 2*(share-down) >= c.RoundTo {
				down += c.RoundTo
			}
			shares[l] = min(down, players[l])
		}
		return shares, nil
	}
	shares, err := network.ParseWidths(c.Shape, 1)
	if err != nil || len(shares) != len(players) {
		return nil, backend.Usagef("--shape is %q; it must be the players that each of the %d gates (nashprune inspect lists them) keeps, such as 25-13", c.Shape, len(players))
	}
	for l, share := range shares {
		if least := min(game.LeastPerLayer, players[l]); share < least || share > players[l] {
			return nil, backend.Usagef("--shape is %q: gate %d, from 0, has %d players and keeps at least %d of them", c.Shape, l, players[l], least)
		}
	}
	return shares, nil
}

// NeedsLatency reports whether the market or the ranking needs a model of latencies.
func (c Config) NeedsLatency() bool { return c.Cost == cost.Latency || c.MaxLatencyUS != 0 }
