package report

import (
	"fmt"
	"slices"
	"strings"

	"nashprune/trainer/cost"
	"nashprune/trainer/record"
)

// targetNote says what drove a market and how its target was met, in a line of its own;
// nothing of a market with a given number of players for each layer.
func targetNote(r *record.Result) string {
	m := r.Market
	if m == nil || r.Pruned == nil || m.Cost == "" && m.AccuracyDrop == 0 && m.Resource == cost.Players && m.Reached == m.Limit {
		return ""
	}
	met, place := "", "market"
	if r.Pruned.Criterion != "" {
		place = "ranking"
	}
	switch {
	case m.Resource == cost.Bytes:
		return fmt.Sprintf("target:       %s: pruned.safetensors has %s; one market of all weights\n", targetWords(m.Target), Thousands(int(m.Reached)))
	case m.AccuracyDrop > 0:
		met = accuracyDrop(m.Validation)
		if r.MissedDrop() {
			met += ", NOT met"
		}
	case m.Resource == cost.Latency:
		met = fmt.Sprintf("%s by the model, %s measured", microseconds(m.Reached), microseconds(r.Pruned.LatencyUS))
		if r.MissedLatency() {
			met += ", NOT met"
		}
	case m.Resource != cost.Players:
		met = Thousands(int(m.Reached)) + " are left"
	case m.Reached != m.Limit: // by --round-to, or by features that left with their channels
		met = Thousands(int(m.Reached)) + " stay"
	}
	if m.AccuracyDrop == 0 && m.Resource != cost.Players && r.Pruned.Kept == r.Pruned.Players {
		met += ", and no player had to leave"
	}
	line := "target:       " + targetWords(m.Target)
	if met != "" {
		line += ": " + met
	}
	return line + "; " + strings.Replace(costWords(m.Cost), "market", place, 1) + "\n" + modelNote(m.LatencyModel)
}

// targetWords says what is asked for: at most 50 % of 41,013,888 multiply-accumulates.
func targetWords(t cost.Target) string {
	amount := func(x float64) string { return Thousands(int(x)) }
	unit := string(t.Resource)
	switch {
	case t.AccuracyDrop > 0:
		return fmt.Sprintf("at most %v points less on the validation part", t.AccuracyDrop)
	case t.Resource == cost.Players:
		return amount(t.Limit) + " players"
	case t.Resource == cost.Latency:
		unit = "us for a batch"
		amount = func(x float64) string {
			if x < 1000 {
				return fmt.Sprintf("%.4g", x)
			}
			return Thousands(int(x + 0.5))
		}
	case t.Resource == cost.MACs:
		unit = "multiply-accumulates"
	}
	switch {
	case t.Percent == 0:
		return fmt.Sprintf("at most %s %s", amount(t.Limit), unit)
	case t.Dense == 0:
		return fmt.Sprintf("at most %v %% of the dense network's %s", t.Percent, unit)
	}
	return fmt.Sprintf("at most %v %% of %s %s", t.Percent, amount(t.Dense), unit)
}

// accuracyDrop says by how much the accuracy on the validation part fell.
func accuracyDrop(v *record.ValidationPair) string {
	drop, known := v.Drop()
	switch {
	case known:
		return fmt.Sprintf("%+.2f points, from %.2f %% to %.2f %%", -drop, *v.Dense, *v.Pruned)
	case v != nil && v.Pruned != nil:
		return fmt.Sprintf("%.2f %% there (--baseline also trains the dense network and compares)", *v.Pruned)
	default:
		return ""
	}
}

// costWords says what players pay for.
func costWords(paid cost.Resource) string {
	switch paid {
	case "":
		return "a market a gate"
	case cost.Players:
		return "one market, in which all players cost the same"
	case cost.Latency:
		return "one market, in which players pay for their time"
	case cost.MACs:
		return "one market, in which players pay for their multiplications"
	default:
		return "one market, in which players pay for their parameters"
	}
}

// modelNote says what latencies were estimated from.
func modelNote(m *cost.Model) string {
	if m == nil {
		return ""
	}
	steps := ""
	if m.Step > 0 {
		steps = fmt.Sprintf(", with steps %d units apart", m.Step)
	}
	return fmt.Sprintf("time model:   of %d samples on %s%s; error %.0f %% (root mean square of %d shapes), at most %.0f %%\n",
		m.Batch, oneLine(m.Device), steps, 100*m.Error, m.Shapes, 100*m.MaxError)
}

// unitPrice returns the one price of a round, of a unit of cost: what the gate pays
// that pays most, since those that keep the least may pay less, and where costs come in
// steps gates have prices of their own.
func unitPrice(r record.RoundLine) float64 {
	price := 0.
	for l, cost := range r.Costs {
		price = max(price, r.Prices[l]/cost)
	}
	return price
}

// costsDiffer reports whether players of a gate have costs of their own.
func (run *Run) costsDiffer() bool {
	return run.Result.Market != nil && run.Result.Market.PlayerCosts != nil
}

// cost returns what a player costs beside the others of its gate.
func (run *Run) cost(p record.PlayerName) float64 {
	if row := run.Result.Market.PlayerCosts[run.Result.Gates[p.Layer].Name]; p.Index < len(row) {
		return row[p.Index]
	}
	return 1
}

// marketColumns returns what a table of rounds shows besides the columns that every
// market has.
func marketColumns(rounds []record.RoundLine) (names []string, cells func(record.RoundLine) []string) {
	costs := slices.ContainsFunc(rounds, func(r record.RoundLine) bool { return r.Costs != nil })
	accuracies := slices.ContainsFunc(rounds, func(r record.RoundLine) bool { return r.ValidationAccuracy != nil })
	if costs {
		names = append(names, "cost", "price of a unit")
	}
	if accuracies {
		names = append(names, "validation", "rounds held")
	}
	return names, func(r record.RoundLine) (row []string) {
		if costs {
			row = append(row, numbers(r.Costs), number(unitPrice(r)))
		}
		if accuracies {
			accuracy := "-"
			if r.ValidationAccuracy != nil {
				accuracy = fmt.Sprintf("%.2f %%", *r.ValidationAccuracy)
			}
			row = append(row, accuracy, fmt.Sprint(r.Held))
		}
		return row
	}
}

// explainMarketRules says how the market was set up, where that is not one market a
// layer with a number of players to keep.
func explainMarketRules(r *record.Result) string {
	m := r.Market
	if m == nil {
		return ""
	}
	var b strings.Builder
	if m.Cost != "" {
		b.WriteString("All gates share one market: a player pays the price of a unit times what a player of its gate costs on average.\n" +
			"Players win by their worths at the equilibrium: in each gate those n stay whose worths exceed by most what n players cost together.\n" +
			"At least two of each gate stay, of branches none. What then still fits in the budget stays too, by worth per cost.\n" +
			"A gate in which another number stays than participates pays its own clearing price.\n")
	}
	if m.PlayerCosts != nil {
		b.WriteString("Players have costs of their own: each pays the price below times its cost, and those of the highest worth for their cost stay.\n")
	}
	if m.Cost == cost.Latency && m.LatencyModel != nil && m.LatencyModel.Step > 0 {
		fmt.Fprintf(&b, "Time grows in steps, %d units apart, so the players behind a step stay or leave together.\n", m.LatencyModel.Step)
	}
	if m.AccuracyDrop > 0 {
		fmt.Fprintf(&b, "The demand fell only in rounds in which the accuracy on the validation part was well within %g points of the best of the earlier rounds.\n", m.AccuracyDrop)
	}
	return b.String()
}
