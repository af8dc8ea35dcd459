package trainer

import (
	"context"
	"errors"
	"fmt"

	"nashprune/trainer/network"
)

// ResultMarket says what drove the market and how the target was met.
type ResultMarket struct {
	Target
	Cost Resource `json:"cost,omitempty"` // what players paid for; absent: every layer was a market of its own
	// Reached is how much of the resource the pruned network takes; latency by the
	// model.
	Reached float64 `json:"reached"`
	// Validation is the accuracy on the validation part of the pruned network and of
	// the dense one, in percent, where the target is how far it may fall.
	Validation *ValidationPair `json:"validation,omitempty"`
	// LatencyModel is what latencies were taken from, where any mattered.
	LatencyModel *LatencyModel `json:"latency_model,omitempty"`
}

// ValidationPair holds two accuracies; that of a network that was not trained is
// absent.
type ValidationPair struct {
	Dense  *float64 `json:"dense,omitempty"`
	Pruned *float64 `json:"pruned,omitempty"`
}

// Drop returns by how many points the accuracy on the validation part fell, where
// both networks were trained.
func (v *ValidationPair) Drop() (points float64, known bool) {
	if v == nil || v.Dense == nil || v.Pruned == nil {
		return 0, false
	}
	return *v.Dense - *v.Pruned, true
}

// settling is the fraction of a market's rounds, the last ones, in which the demand
// no longer falls where the target is how far the accuracy may: whoever still leaves
// then is on the way already, and nobody has to be forced out unseen in the last.
const settling = 0.2

// The part of the drop that is allowed at which the demand is held: while players
// are on their way out, since they will leave and take as much accuracy again with
// them, and once they are gone, since what the networks differ by grows a little
// until the end of the training. And how many times more players may be there than
// are asked for, because of what those on their way out take with them nothing is
// seen yet. All were found on MNIST's validation part (testdata/mnist).
const (
	cautionUnderWay = 0.5
	cautionSettled  = 0.75
	furthestLead    = 1.5
)

// watch looks at the accuracy on the validation part before a round, where the
// target is how far it may fall, and holds the demand for this round where it is too
// far below the best that was seen since the market opened. Both are of the same
// learning rate, so they compare.
func (t *training) watch(line *RoundLine) error {
	if t.plan.target.AccuracyDrop == 0 {
		return nil
	}
	accuracy, err := t.validationAccuracy(context.Background())
	if err != nil {
		return err
	}
	line.ValidationAccuracy = accuracy
	t.BestAccuracy = max(t.BestAccuracy, *accuracy)
	asked, players, caution := t.plan.asked(line.Round-1-t.Held), network.Sum(t.players()), cautionSettled
	if players > asked {
		caution = cautionUnderWay
	}
	rounds := t.plan.config.Rounds
	if line.Round > rounds-int(settling*float64(rounds)) || float64(players) > furthestLead*float64(asked) ||
		t.BestAccuracy-*accuracy > caution*t.plan.target.AccuracyDrop {
		t.Held++
	}
	line.Held = t.Held
	return nil
}

// validationAccuracy evaluates the network as it is, with its participations, on
// the validation part.
func (t *training) validationAccuracy(ctx context.Context) (*float64, error) {
	evaluation, err := t.engine.Evaluate(ctx, ValidationPart, Want{})
	if err != nil {
		return nil, err
	}
	accuracy := evaluation.Accuracy()
	return &accuracy, t.finite(evaluation.Loss)
}

// openMarket fits a plan to the model of latencies, where the market needs one: the
// one that the configuration names, else one that is measured on the engine, which is left
// at the network that it was opened with.
func (r *run) openMarket(ctx context.Context, engine Engine, p plan, start *network.Network) (plan, error) {
	if p.game != MarketGame {
		return p, nil
	}
	var err error
	if r.config.needsLatency() {
		if r.latency == nil {
			r.tell("measuring how latency grows with width")
			if r.latency, err = measureLatencyModel(ctx, engine, r.result.Device.Words(), r.data.Test.Len(), start, r.config.Seed); err != nil {
				if ended(ctx, err) {
					return p, fmt.Errorf("%w before the training began", ErrInterrupted)
				}
				return p, err
			}
			if err := engine.Push(&State{Network: start}); err != nil {
				return p, err
			}
		}
		if p, err = r.plan(p.game); err != nil {
			return p, err
		}
	}
	r.result.Market = &ResultMarket{Target: p.target, Cost: r.config.Cost, LatencyModel: r.latency}
	if p.target.AccuracyDrop > 0 {
		r.result.Market.Validation = new(ValidationPair)
	}
	return p, nil
}

// readLatencyModel reads the model that the configuration names, if it names one.
func (r *run) readLatencyModel() (err error) {
	if r.config.LatencyModel != "" {
		r.latency, err = ReadLatencyModel(r.config.LatencyModel, len(r.hidden)+1)
	}
	return err
}

// belongs says why a line is not one about a round of this market: one that looks at
// accuracies on the validation part knows one of every round, and no other does.
func (m *ResultMarket) belongs(line RoundLine) error {
	a := line.ValidationAccuracy
	if looks := m.AccuracyDrop > 0; (a != nil) != looks || !percentage(a) {
		return fmt.Errorf("round %d says of the validation part what no round does whose target is %s", line.Round, m.Words())
	}
	return nil
}

// market returns what a checkpoint knows of its market and the market's target, nil if
// the run has no market.
func (c *checkpoint) market() (*ResultMarket, error) {
	known, config := c.Result.Market, c.Config
	if config.Game != MarketGame {
		return nil, nil
	}
	if known == nil {
		return nil, errors.New("it does not know what drives its market")
	}
	hidden, err := network.Parse(config.Model)
	if err != nil {
		return nil, err
	}
	known.Target, known.Cost = config.target(len(hidden)), config.Cost
	if v, looks := known.Validation, known.AccuracyDrop > 0; (v != nil) != looks || v != nil && !(percentage(v.Dense) && percentage(v.Pruned)) {
		return nil, fmt.Errorf("its accuracies on the validation part are not those of a market whose target is %s", known.Words())
	}
	if !config.needsLatency() {
		return known, nil
	}
	if known.LatencyModel == nil {
		return nil, errors.New("it has no model of latencies")
	}
	if err := known.LatencyModel.check(len(hidden) + 1); err != nil {
		return nil, fmt.Errorf("its model of latencies is damaged: %w", err)
	}
	return known, nil
}

// concludeMarket says how the network that the market left meets its target.
func (r *run) concludeMarket(ctx context.Context, t *training, final *network.Network) error {
	m := r.result.Market
	if m == nil {
		return nil
	}
	m.Reached = m.Resource.amount(final.Widths(), r.latency)
	if m.Validation == nil {
		return nil
	}
	if err := t.engine.Push(&State{Network: final}); err != nil {
		return err
	}
	var err error
	m.Validation.Pruned, err = t.validationAccuracy(ctx)
	return err
}
