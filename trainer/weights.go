package trainer

import (
	"context"
	"io"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
)

// withoutDead ends a market or a ranking of single weights: the removed ones are zero, and what
// no output depends on is removed for good.
func (r *run) withoutDead(gated *network.Network) (outcome, error) {
	if r.config.Pattern != "" { // without an input its neighbours would be in other groups
		return outcome{final: gated, gated: gated, masked: gated}, nil
	}
	o := outcome{gated: gated}
	return o, r.dropDead(&o, gated)
}

// dropDead removes for good what no output depends on. Biases take over what was constant, so that they are
// rounded again to what the file holds.
func (r *run) dropDead(o *outcome, masked *network.Network) (err error) {
	if o.final, o.masked, err = masked.WithoutDead(); err != nil {
		return err
	}
	r.round(o.final)
	r.round(o.masked)
	return nil
}

// removeWeights ends the paper's game of single weights: those below the threshold are zero, the
// others are multiplied with their participations.
func (r *run) removeWeights(ctx context.Context, t *session.Training, gated *network.Network) (outcome, error) {
	measured, err := t.Engine.Measure(ctx)
	if err != nil {
		return outcome{}, err
	}
	g, masked := r.config.Paper(), gated.Clone()
	o := outcome{gated: gated}
	t.Certificate = game.Certificate{}
	for i, p := range gated.Masked() {
		ends, certificate := g.End(measured[i].Field(g), measured[i].Participation, r.config.Threshold)
		t.Certificate.Join(certificate)
		for at, reason := range ends.Reasons {
			if reason != game.Kept {
				masked.Masks[p][at] = 0
			}
		}
		o.ends, o.weights = append(o.ends, ends), append(o.weights, ends.Kept())
	}
	o.claim = record.NewPaperClaim(t.Certificate)
	masked.Fold()
	r.round(masked)
	if err := r.dropDead(&o, masked); err != nil {
		return outcome{}, err
	}
	return o, t.CheckFinite(t.Certificate.TotalGap, t.Certificate.Scale)
}

// concludeWeights writes what is known of each weight, and sums it up in the result.
func (r *run) concludeWeights(t *session.Training, o outcome) error {
	names := record.TensorNames(o.gated.Graph)
	left, _ := o.final.NonZero()
	if o.ends != nil {
		r.result.Weights = record.NewPaperWeights(names, o.ends, o.claim)
		r.result.Weights.Left = left
		return r.write(record.WeightsFile, func(to io.Writer) error { return record.WritePaperWeights(to, names, o.ends) })
	}
	w := record.NewWeights(names, t.Weights)
	w.Pattern, w.Left = r.config.Pattern, left
	if r.config.Game == game.MarketGame {
		w.Metric = r.config.WeightWorth
	}
	r.result.Weights = w
	return r.write(record.WeightsFile, func(to io.Writer) error { return record.WriteWeights(to, names, t.Weights) })
}
