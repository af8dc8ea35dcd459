package session

import (
	"context"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/evidence"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
)

// Market is what a training keeps of its market besides the ledgers.
type Market struct {
	// Checks are of the rounds that were checked on other samples, and Layers and
	// MostTempted are about the last of them.
	Checks      []record.RoundCheck     `json:"checks,omitempty"`
	Layers      []record.CertifiedLayer `json:"layers,omitempty"`
	MostTempted *record.PlayerName      `json:"most_tempted,omitempty"`
	// BestAccuracy is the best accuracy on the validation part, in percent, that a
	// round saw, and Held in how many rounds the demand did not fall, where the target is
	// how far the accuracy may fall.
	BestAccuracy float64 `json:"best_accuracy,omitempty"`
	Held         int     `json:"held,omitempty"`
	// BidAsk is what kept and removed players are worth to the network, measured after the
	// last round.
	BidAsk *record.BidAsk `json:"bid_ask,omitempty"`
}

// playRound plays round k of the market: the players are observed, a price clears the
// demand, and players that lose are removed; the nodes that read them may take over what
// they gave. The last round restarts the optimiser.
func (t *Training) playRound(k int) error {
	line := record.RoundLine{Training: t.Name, Round: k, Epoch: t.Plan.EpochOf(t.Step), Step: t.Step}
	if err := t.holdDemand(&line); err != nil {
		return err
	}
	fallen := k - t.Held
	if t.Plan.satisfied(t.Players(), fallen) {
		return t.passRound(k, line)
	}
	// It takes less than an epoch and is not interrupted, so that no round is left half played.
	ctx := context.Background()
	round, err := PlayRound(ctx, t.Engine, t.Plan.observed(k), t.Plan.Config.Worth, t.drawn(), t.Plan.clearing(fallen, t.Live()))
	if err != nil {
		return err
	}
	for g := range round.Worths {
		if err := t.CheckFinite(round.Worths[g]...); err != nil {
			return err
		}
	}
	if t.Plan.checks(k, fallen) {
		if line.Check, err = t.check(ctx, k, fallen, round); err != nil {
			return err
		}
	}
	line.Demand, line.Prices, line.Costs, line.Ascent = round.Demands, round.Prices, round.Costs, round.ascent()
	for g := range round.Interactions {
		supply := 0.
		for _, s := range round.Participations[g] {
			supply += s
		}
		line.Supply = append(line.Supply, supply)
	}
	before := t.Live()
	stay := round.Settle(t.Ledgers)
	for g, ledger := range t.Ledgers {
		played := make([]float64, len(before[g]))
		for i, player := range before[g] {
			played[i] = ledger.Records[player].Participation
		}
		line.Participations = append(line.Participations, record.NewParticipations(len(ledger.Records), before[g], played))
	}
	if err := t.removeLosers(before, stay, round.Inputs); err != nil {
		return err
	}
	line.Players = t.Players()
	return t.endRound(k, line)
}

// passRound is a round in which all players may stay, so that nothing has a price.
func (t *Training) passRound(k int, line record.RoundLine) error {
	line.Players = t.Players()
	line.Demand = line.Players
	for g, ledger := range t.Ledgers {
		ledger.Rounds++
		line.Prices, line.Supply = append(line.Prices, 0), append(line.Supply, float64(line.Players[g]))
	}
	return t.endRound(k, line)
}

// endRound reports a round. The last restarts the optimiser.
func (t *Training) endRound(k int, line record.RoundLine) error {
	if k == t.Plan.Config.Rounds {
		if err := t.Engine.RestartOptimiser(); err != nil {
			return err
		}
	}
	return t.Journal.RoundEnded(t, line)
}

// drawn returns the numbers by which a false market distorts, of the players that are
// still there.
func (t *Training) drawn() [][]float64 {
	if !t.Plan.Config.Worth.Null() {
		return nil
	}
	return t.draws()
}

// draws returns a number from 0 to 1 for each player that is still there. A player's number
// follows from the seed and does not depend on the other players.
func (t *Training) draws() [][]float64 {
	var drawn [][]float64
	for g, ledger := range t.Ledgers {
		draw := random.New(t.Plan.Config.Seed, random.Ranking, 0, uint32(g))
		all := make([]float64, len(ledger.Records))
		for i := range all {
			all[i] = draw.Float64()
		}
		drawn = append(drawn, network.Select(all, ledger.Live))
	}
	return drawn
}

// removeLosers removes the players that do not stay and compensates for them. What they were
// is kept where their bids are taken.
func (t *Training) removeLosers(before, stay network.Survivors, inputs []backend.InputMoments) error {
	if network.Sum(t.Players()) == network.Sum(counts(before)) {
		return nil
	}
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	if t.Plan.Bids() && evidence.CanBid(t.Data) {
		if t.Departed == nil {
			t.Departed = network.New(t.Plan.Graph)
		}
		whole, err := t.Plan.Graph.Cut(before)
		if err != nil {
			return err
		}
		whole.Scatter(t.Departed, state.Network)
	}
	cut, err := state.Network.Graph.Cut(stay)
	if err != nil {
		return err
	}
	for g, ledger := range t.Ledgers { // of removed players parts that would have stayed
		ledger.Follow(placesOf(cut.Gates[g], stay[g]))
	}
	if err := compensation.Apply(t.Plan.Config.Compensate, state.Network, cut, inputs); err != nil {
		return err
	}
	return t.Engine.Push(state.Cut(cut))
}

// placesOf returns the places of some numbers among others, both increasing.
func placesOf(some, others []int) []int {
	places := make([]int, len(some))
	for i, n := range some {
		places[i], _ = slices.BinarySearch(others, n)
	}
	return places
}

func counts(players network.Survivors) []int {
	n := make([]int, len(players))
	for g, some := range players {
		n[g] = len(some)
	}
	return n
}

// check plays the round again on samples of its own, twice, and says how far what the
// round's players play is from the equilibria of these games at their clearing prices, and
// how far the two are from each other's: what is to be expected of a sample.
func (t *Training) check(ctx context.Context, k, fallen int, played Round) (*record.RoundCheck, error) {
	var fresh [2]Round
	check := &record.RoundCheck{}
	for i := range fresh {
		observed := t.Plan.checked(k, i)
		check.Samples += len(observed)
		var err error
		// The true worths, whatever the market plays on.
		if fresh[i], err = PlayRound(ctx, t.Engine, observed, trueWorth(t.Plan.Config.Worth), nil, t.Plan.clearing(fallen, t.Live())); err != nil {
			return nil, err
		}
	}
	t.Layers, t.MostTempted = nil, nil
	var here game.Certificate
	check.Gap, check.Expected = 1, 1
	for i, by := range fresh {
		var accounts [][]game.Account
		c := played.gapBy(by, &accounts)
		here.Join(c)
		check.Gap *= math.Sqrt(c.RelativeGap() + game.Settled)
		check.Expected *= math.Sqrt(fresh[1-i].gapBy(by, nil).RelativeGap() + game.Settled)
		if i > 0 {
			continue
		}
		for g, h := range by.Interactions {
			s, prices := played.Participations[g], by.PlayerPrices(g)
			layer := record.CertifiedLayer{
				Players: len(s), Price: by.Prices[g], Demand: by.Demands[g], Lambda: h.Lambda(),
				Potential: h.Potential(prices, s), Best: h.Potential(prices, by.Participations[g]),
			}
			if by.Costs != nil {
				layer.Cost = by.Costs[g]
			}
			for p, x := range by.Participations[g] {
				layer.Supply += x
				layer.Gap += accounts[g][p].Gain
			}
			t.Layers = append(t.Layers, layer)
		}
		if gate, position := game.MostTempted(accounts); gate >= 0 {
			t.MostTempted = &record.PlayerName{Layer: gate, Index: t.Ledgers[gate].Live[position]}
		}
	}
	t.Checks = append(t.Checks, *check)
	t.Certificate.Join(here)
	return check, t.CheckFinite(here.TotalGap, here.Scale, check.Expected)
}

// gapBy certifies what was played in a round in the game of another, at its prices.
func (r Round) gapBy(other Round, accounts *[][]game.Account) game.Certificate {
	var c game.Certificate
	for g, h := range other.Interactions {
		s := r.Participations[g]
		gate := c.CertifyMarket(h, other.PlayerPrices(g), s, h.Worths(s))
		if accounts != nil {
			*accounts = append(*accounts, gate)
		}
	}
	return c
}

// trueWorth returns what a market that is false on purpose distorts.
func trueWorth(v game.Valuation) game.Valuation {
	if v.Null() {
		return game.Outputs
	}
	return v
}

// FinalCertificate states what is known of a finished market, with its rounds.
func (t *Training) FinalCertificate(rounds []record.RoundLine) *record.Certificate {
	return evidence.MarketCertificate(evidence.FinishedMarket{
		Certificate: t.Certificate, Checks: t.Checks, Layers: t.Layers, MostTempted: t.MostTempted,
		BidAsk: t.BidAsk, Ledgers: t.Ledgers, Players: Players(t.Plan, t.Ledgers), Rounds: rounds,
		Closed: t.Ledgers[0].Rounds == t.Plan.Config.Rounds,
	})
}
