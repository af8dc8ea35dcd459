package record

import (
	"fmt"

	"nashprune/trainer/cost"
)

// Percentage says whether x is a percentage, which NaN is not, or absent.
func Percentage(x *float64) bool { return x == nil || *x >= 0 && *x <= 100 }

// Market says what drove the market, or a ranking within a latency, and how the target was met.
type Market struct {
	cost.Target
	Cost cost.Resource `json:"cost,omitempty"` // what players paid for; absent: every layer was a market of its own
	// PlayerCosts are what the price is multiplied with, a player each, by the names of gates; players
	// of other gates cost 1.
	PlayerCosts map[string][]float64 `json:"player_costs,omitempty"`
	// Reached is how much of the resource the pruned network takes; latency by the
	// model.
	Reached float64 `json:"reached"`
	// Validation is the accuracy on the validation part of the pruned network and of
	// the dense one, in percent, where the target is how far it may fall.
	Validation *ValidationPair `json:"validation,omitempty"`
	// LatencyModel is what latencies were taken from, where any mattered.
	LatencyModel *cost.Model `json:"latency_model,omitempty"`
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

// Belongs says why a line is not one about a round of this market: one that looks at
// accuracies on the validation part knows one of every round, and no other does.
func (m *Market) Belongs(line RoundLine) error {
	a := line.ValidationAccuracy
	if looks := m.AccuracyDrop > 0; (a != nil) != looks || !Percentage(a) {
		return fmt.Errorf("round %d says of the validation part what no round does whose target is %s", line.Round, m.Resource)
	}
	return nil
}
