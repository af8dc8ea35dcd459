package session

import (
	"context"

	"nashprune/game"
	"nashprune/trainer/evidence"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// Market is what a training keeps of its market besides the ledgers.
type Market struct {
	// AtRemoval and AtTheEnd are, for every removed player, the fall of the mean loss
	// over the samples when it is put back alone, with full participation and with its
	// weights and its neighbours' weights for it at its removal. AtRemoval is measured
	// on the network of that round, without all players removed in it, AtTheEnd on the
	// network after the last round. Kept players have zero.
	AtRemoval [][]float64 `json:"-"`
	AtTheEnd  [][]float64 `json:"-"`
	// BestAccuracy is the best accuracy on the validation part, in percent, that a
	// round saw, and Held in how many rounds the demand did not fall, where the target is
	// how far the accuracy may fall.
	BestAccuracy float64 `json:"best_accuracy,omitempty"`
	Held         int     `json:"held,omitempty"`
	// Closing is the state that is certified, by gate.
	Closing []evidence.Closing `json:"-"`
}

// putBack puts the players that were removed since the market had the players before into
// the network of the others, and after the last round all removed players into the
// network of the kept ones.
func (t *Training) putBack(before network.Survivors, last bool) error {
	live := t.Live()
	left, some := make([][]int, len(live)), false
	for l := range live {
		left[l] = without(before[l], live[l])
		some = some || len(left[l]) > 0
	}
	if t.PutBackSamples == nil || !some && !last {
		return nil
	}
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	if t.Departed == nil {
		t.Departed = network.New(t.Plan.Graph)
	}
	cut, err := t.Plan.Graph.Cut(before)
	if err != nil {
		return err
	}
	cut.Scatter(t.Departed, state.Network)
	measure := func(into [][]float64) error {
		all, err := t.PutBackSamples.PutBack(t.Departed, live, left)
		if err != nil {
			return err
		}
		for l, falls := range all {
			for p, i := range left[l] {
				into[l][i] = falls[p]
			}
			if err := t.CheckFinite(falls...); err != nil {
				return err
			}
		}
		return nil
	}
	if err := measure(t.AtRemoval); err != nil || !last {
		return err
	}
	for l, ledger := range t.Ledgers {
		left[l] = without(network.Indices(len(ledger.Records)), live[l])
		t.AtTheEnd = append(t.AtTheEnd, make([]float64, len(ledger.Records)))
	}
	if err := measure(t.AtTheEnd); err != nil {
		return err
	}
	t.Departed = nil
	return nil
}

// without returns the entries of all that are not in some; both increase.
func without(all, some []int) []int {
	var rest []int
	for _, i := range all {
		if len(some) > 0 && some[0] == i {
			some = some[1:]
		} else {
			rest = append(rest, i)
		}
	}
	return rest
}

// playRound plays round k of the market: prices from the worths, a move of all players,
// and removals. The last round certifies the state of the players before it meets the
// demand exactly, folds participations into the weights and restarts the optimiser.
func (t *Training) playRound(k int) error {
	line := record.RoundLine{Training: t.Name, Round: k, Epoch: t.Plan.EpochOf(t.Step), Step: t.Step}
	var observed []int32
	if t.Plan.Config.Worth == game.Outputs {
		observed = t.Plan.observed(k)
	}
	// It takes less than an epoch and is not interrupted, as the certificate.
	moves, err := Move(context.Background(), t.Engine, t.Ledgers, observed, func(worths [][]float64) (game.Clearing, error) {
		if err := t.holdDemand(&line); err != nil {
			return game.Clearing{}, err
		}
		for _, row := range worths {
			if err := t.CheckFinite(row...); err != nil {
				return game.Clearing{}, err
			}
		}
		return t.Plan.clear(worths, k-t.Held), nil
	}, t.Plan.Config.Damping)
	if err != nil {
		return err
	}
	line.Demand, line.Prices, line.Costs, line.Supply = moves.Demands, moves.Prices, moves.Costs, moves.Supply
	last := k == t.Plan.Config.Rounds
	if last {
		if err := t.certify(k - t.Held); err != nil {
			return err
		}
	}
	before, players := t.Live(), network.Sum(t.Players())
	stay := moves.Settle(t.Ledgers, last)
	line.Players = t.Players()
	if err := t.putBack(before, last); err != nil {
		return err
	}
	if network.Sum(line.Players) < players {
		if err := t.remove(before, stay); err != nil {
			return err
		}
	}
	if last {
		if err := t.Engine.Fold(); err != nil {
			return err
		}
		if err := t.Engine.RestartOptimiser(); err != nil {
			return err
		}
	}
	return t.Journal.RoundEnded(t, line)
}

// certify measures the worths of all players over the whole training part and
// how far they are from equilibrium at the price that clears the demand, which has
// fallen for so many rounds. It takes less than an epoch and is not interrupted, so that a round is never
// left half played.
func (t *Training) certify(fallen int) error {
	measured, err := t.Engine.Measure(context.Background())
	if err != nil {
		return err
	}
	worths := make([][]float64, len(measured))
	for l := range measured {
		worths[l] = measured[l].Worths()
	}
	t.Certificate, t.Closing = game.Certificate{}, nil
	clearing := t.Plan.clear(worths, fallen)
	for l, statistics := range measured {
		end := evidence.Closing{
			Players: t.Ledgers[l].Live, Worths: worths[l], Participations: statistics.Participation,
			Demand: clearing.Demands[l], Price: clearing.Prices[l],
		}
		if clearing.Costs != nil {
			end.Cost = clearing.Costs[l]
		}
		t.Certificate.CertifyMarket(game.Market{Price: end.Price}, end.Worths, end.Participations)
		t.Closing = append(t.Closing, end)
	}
	return t.CheckFinite(t.Certificate.TotalGap, t.Certificate.Scale)
}

// FinalCertificate states what is known of a finished market, with its rounds.
func (t *Training) FinalCertificate(rounds []record.RoundLine) *record.Certificate {
	return evidence.MarketCertificate(evidence.FinishedMarket{
		Certificate: t.Certificate, Ledgers: t.Ledgers, Closing: t.Closing, AtRemoval: t.AtRemoval, AtTheEnd: t.AtTheEnd,
		PutBackSamples: t.PutBackSamples, Players: Players(t.Plan, t.Ledgers), Rounds: rounds,
	})
}
