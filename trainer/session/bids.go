package session

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"nashprune/game"
	"nashprune/trainer/evidence"
)

// What bids and asks are measured with: see [evidence.BidAskInput].
const (
	bidRepeats = 8
	gateBids   = 6
)

// Bids reports whether bids and asks are measured when the market has closed, if there are
// samples for it.
// With compensation they are not: what reads a removed player has taken over what it gave, so
// that its return would count twice.
func (p Plan) Bids() bool {
	return p.Game == game.MarketGame && !p.playsWeights() && p.Total > 0 && p.Config.CertifySteps > 0 && !p.Config.Compensate.Observes()
}

// A refit takes a hundredth of the steps of the training where the configuration allows
// more, but no fewer than ten. Those of many gates take fewer, so that all together take no
// more steps than the training.
const (
	bidShare  = 100
	fewestBid = 10
)

func (p Plan) bidSteps() int {
	return min(p.Config.CertifySteps, max(p.Total/max(bidShare, p.bidNetworks()), fewestBid))
}

// mostBids returns how many bids, and as many asks, of a gate are measured. Gates that share a market share
// those of two gates, as far as each has two.
func (p Plan) mostBids() int {
	if p.Config.Cost == "" {
		return gateBids
	}
	return min(gateBids, max(2*gateBids/len(p.Graph.MarketWidths()), 2))
}

// bidNetworks returns how many networks bids and asks refit at most: those of [Plan.mostBids], pairs, and
// bidRepeats times one of both of each market; and the kept network every time.
func (p Plan) bidNetworks() int {
	gates, markets := len(p.Graph.MarketWidths()), 1
	if p.Config.Cost == "" {
		markets = gates
	}
	return 2*p.mostBids()*gates + evidence.Pairs + 1 + bidRepeats*(2*markets+1)
}

// BidWork estimates the work of bids and asks that are still to be taken, as [Plan.Work] does. A
// network is evaluated on samples that are held out, which takes a third of the work of steps.
func (t *Training) BidWork() float64 {
	p := t.Plan
	if !p.Bids() || t.BidAsk != nil || t.Step > p.closes {
		return 0
	}
	steps := float64(p.bidSteps()) + float64(min(p.samples, evidence.MostHeldOut))/float64(3*p.Config.Batch)
	return float64(p.bidNetworks()) * steps * p.StepWork(p.closes)
}

// bidsDue reports whether bids and asks are the next that is due.
func (t *Training) bidsDue() bool {
	return t.Plan.Bids() && t.Step == t.Plan.closes && t.BidAsk == nil && evidence.CanBid(t.Data)
}

// takeBids measures bids and asks on the network that the market left, which the engine has
// again afterwards, also where ctx ends and it returns ctx's error.
func (t *Training) takeBids(ctx context.Context) error {
	start := time.Now()
	defer func() { t.Seconds.Certify += time.Since(start).Seconds() }()
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	whole := t.Departed
	if whole == nil { // no player was removed
		whole = state.Network
	}
	c := t.Plan.Config
	in := evidence.BidAskInput{
		Engine: t.Engine, Data: t.Data, Loss: t.Loss, Batch: c.Batch,
		Kept: state.Network, Whole: whole, Live: t.Live(), Removed: t.removed(), Followed: t.followed(),
		Seed: c.Seed, LearningRate: t.Plan.learningRate(t.Step - 1), Steps: t.Plan.bidSteps(), Repeats: bidRepeats, Most: t.Plan.mostBids(), PlayerCosts: t.Plan.PlayerCosts,
	}
	if c.Cost != "" {
		start := c.Cost.Costs(t.Plan.Graph, t.Plan.Graph.Widths(), t.Plan.Latency)
		for g, costs := range c.Cost.Costs(t.Plan.Graph, t.Players(), t.Plan.Latency) {
			if len(costs) == 0 { // of a removed branch
				costs = start[g]
			}
			in.Costs = append(in.Costs, stat.Mean(costs, nil))
		}
	}
	bids, err := evidence.BidAsk(ctx, in)
	if back := t.Engine.Push(state); back != nil {
		return back
	}
	if err != nil {
		return err
	}
	t.BidAsk, t.Departed = bids, nil
	return nil
}

// followed lists the players of each gate that were removed as parts of others.
func (t *Training) followed() [][]int {
	all := make([][]int, len(t.Ledgers))
	for g, ledger := range t.Ledgers {
		for i, r := range ledger.Records {
			if r.Reason == game.Followed {
				all[g] = append(all[g], i)
			}
		}
	}
	return all
}

// removed lists the other removed players of each gate, those nearest to staying first: the
// last removed, of a round the ones of highest worth.
func (t *Training) removed() [][]int {
	var all [][]int
	for _, ledger := range t.Ledgers {
		var gone []int
		for i, r := range ledger.Records {
			if r.Round > 0 && r.Reason != game.Followed {
				gone = append(gone, i)
			}
		}
		slices.SortStableFunc(gone, func(i, j int) int {
			a, b := ledger.Records[i], ledger.Records[j]
			return cmp.Or(cmp.Compare(b.Round, a.Round), cmp.Compare(b.Worth, a.Worth))
		})
		all = append(all, gone)
	}
	return all
}
