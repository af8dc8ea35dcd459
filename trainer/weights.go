package trainer

import (
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
	final, masked, err := gated.WithoutDead()
	return outcome{final: final, gated: gated, masked: masked}, err
}

// concludeWeights writes what is known of each weight, and sums it up in the result.
func (r *run) concludeWeights(t *session.Training, gated *network.Network) error {
	names := session.TensorNames(gated.Graph)
	w := record.NewWeights(names, t.Weights)
	w.Pattern = r.config.Pattern
	if r.config.Game == game.MarketGame {
		w.Metric = r.config.WeightWorth
	}
	r.result.Weights = w
	return r.write(record.WeightsFile, func(to io.Writer) error { return record.WriteWeights(to, names, t.Weights) })
}
