package trainer

import (
	"context"
	"fmt"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
)

// openMarket fits a plan to the model of latencies, where the market or the ranking needs one: the
// one that the configuration names, else one that is measured.
func (r *run) openMarket(ctx context.Context, p session.Plan, start *network.Network) (session.Plan, error) {
	if !p.Game.InRounds() || p.Game != game.MarketGame && !r.config.NeedsLatency() {
		return p, nil
	}
	var err error
	if r.config.NeedsLatency() {
		if r.latency == nil {
			r.announce("measuring how latency grows with width")
			if r.latency, err = r.measureLatency(ctx, start); err != nil {
				return p, interrupted(ctx, err, "before the training began")
			}
		}
		if p, err = r.plan(p.Game); err != nil {
			return p, err
		}
	}
	r.result.Market = &record.Market{Target: p.Target, Cost: r.config.Cost, LatencyModel: r.latency, PlayerCosts: r.PlayerCosts}
	if p.Target.AccuracyDrop > 0 {
		r.result.Market.Validation = new(record.ValidationPair)
	} else if t := p.Target; t.Resource != cost.Players && t.Resource != cost.Bytes {
		if dense := t.Resource.Amount(r.graph, r.graph.Widths(), r.latency); dense <= t.Limit {
			r.note(fmt.Sprintf("target: the dense network takes %.0f, and %.0f are allowed: no player has to leave", dense, t.Limit))
		}
	}
	return p, nil
}

// measureLatency measures a model of latencies of the parts of a network.
func (r *run) measureLatency(ctx context.Context, whole *network.Network) (*cost.Model, error) {
	engine, err := r.openInference(whole)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	return cost.MeasureModel(ctx, engine, r.result.Device.Words(), r.data.Test.Len(), whole, r.config.Seed)
}

// concludeMarket says how the network that the market left meets its target.
func (r *run) concludeMarket(ctx context.Context, t *session.Training, final *network.Network) error {
	m := r.result.Market
	if m == nil {
		return nil
	}
	if m.Resource == cost.Bytes {
		bytes, err := r.fileBytes(final)
		m.Reached = float64(bytes)
		return err
	}
	if t.Weights != nil {
		m.Reached = float64(network.Sum(t.Players()))
		return nil
	}
	m.Reached = m.Resource.Amount(r.graph, final.Graph.Widths(), r.latency)
	if m.Validation == nil {
		return nil
	}
	if err := t.Engine.Push(&backend.State{Network: final}); err != nil {
		return err
	}
	var err error
	m.Validation.Pruned, err = t.ValidationAccuracy(ctx)
	return err
}
