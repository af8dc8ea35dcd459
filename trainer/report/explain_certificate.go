package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// explainCertificate describes a run's certificate, if it was read, and condition
// numbers.
func explainCertificate(w io.Writer, run *Run) error {
	if c := run.Certificate; c != nil {
		if err := explainLayers(w, run); err != nil {
			return err
		}
		if c.Game == game.PaperGame {
			explainStability(w, c)
		}
		if err := explainBids(w, run, c.BidAsk); err != nil {
			return err
		}
	}
	return explainConditions(w, run)
}

// explainLayers describes the certified state.
func explainLayers(w io.Writer, run *Run) error {
	c := run.Certificate
	table := newTable(w)
	if c.Game == game.MarketGame {
		fmt.Fprintln(w)
		explainModel(w, c.Model)
		if c.Model.Checks == 0 {
			return nil
		}
		fmt.Fprintln(w, "The last round that was checked:")
		cost := ""
		if c.Layers[0].Cost > 0 {
			cost = "cost\t"
		}
		fmt.Fprintln(table, run.axis()+"\tplayers\tdemand\tsupply\t"+cost+"price\tpotential\tat equilibrium\tlambda\tgap\t")
	} else {
		fmt.Fprintln(w, "\nThe certified state, at the end, with gradients over all training samples:")
		fmt.Fprintln(table, run.axis()+"\tplayers\tgap\tspectral radius\t")
	}
	for l, layer := range c.Layers {
		fmt.Fprintf(table, "%s\t%d\t", run.gate(l), layer.Players)
		if c.Game == game.MarketGame {
			fmt.Fprintf(table, "%d\t%s\t", layer.Demand, number(layer.Supply))
			if layer.Cost > 0 {
				fmt.Fprintf(table, "%s\t", number(layer.Cost))
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t\n", number(layer.Price), number(layer.Potential), number(layer.Best), number(layer.Lambda), number(layer.Gap))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t\n", number(layer.Gap), optional(layer.SpectralRadius))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if c.Game == game.MarketGame {
		fmt.Fprintln(w, "The potential is strictly concave, so there is one equilibrium. Simultaneous best responses raise the potential with a damping below 2/lambda.")
	}
	if c.MostTempted != nil {
		fmt.Fprintf(w, "Player %s gains most by another participation.\n", run.name(*c.MostTempted))
	}
	return nil
}

// explainModel says on what the verdict on the model rests.
func explainModel(w io.Writer, m *record.ModelClaim) {
	if !m.Closed {
		fmt.Fprintln(w, "The market did not play all its rounds, so its model has no equilibrium.")
	}
	switch m.Checks {
	case 0:
		fmt.Fprintln(w, "No round was checked on other samples, so there is no evidence of an equilibrium of the model.")
	case 1:
		fmt.Fprintf(w, "Equilibrium of the model: 1 round was checked in games that were measured on other samples.\n"+
			"Its gap is %s times the expected one; an interval needs 2 rounds.\n", number(m.Ratio.Mean))
	default:
		fmt.Fprintf(w, "Equilibrium of the model: %d rounds were checked in games that were measured on other samples.\n"+
			"Their gap is %s times the expected one, that between two such games.\n"+
			"The model holds where the interval begins at %g or below and ends at %d or below.\n", m.Checks, interval(*m.Ratio), record.RefusedRatio, record.LargestRatio)
	}
}

// name names a player, by its gate too where that has a name.
func (run *Run) name(p record.PlayerName) string {
	if run.Result.Perceptron() {
		return p.String()
	}
	kind := strings.TrimSuffix(cellName(run.Result.Gates[p.Layer].Kind), "s")
	if kind == "branche" {
		kind = "branch"
	}
	return fmt.Sprintf("%s (%s %s %d)", p, run.gate(p.Layer), kind, p.Index)
}

// explainStability says what the spectral radius means.
func explainStability(w io.Writer, c *record.Certificate) {
	switch radius := c.SpectralRadius; {
	case radius == nil:
		fmt.Fprintln(w, "The spectral radius of all best responses was not computed: a layer has too many players that depend on each other.")
	case *radius == 0:
		fmt.Fprintln(w, "The spectral radius of all best responses is 0: no best response depends on another participation. It does not say how far players are from them.")
	case *radius < 1 && !c.Claimed:
		fmt.Fprintf(w, "The spectral radius of all best responses is %s, below 1: a small change would die out at an equilibrium, and this state is none.\n", number(*radius))
	case *radius < 1:
		fmt.Fprintf(w, "The spectral radius of all best responses is %s, below 1: a small change of participations dies out.\n", number(*radius))
	default:
		fmt.Fprintf(w, "The spectral radius of all best responses is %s, not below 1: a small change of participations does not die out.\n", number(*radius))
	}
}

// contributionsMean says in words what contributions are.
func contributionsMean(c settings.Config) string {
	switch {
	case c.Worth == game.Lottery:
		return "multiplied with random numbers: this market is false on purpose"
	case c.Worth == game.Reverse:
		return "divided by what the player is worth alone, so that those worth least stay: this market is false on purpose"
	case c.Worth == game.Outputs && c.Task == dataset.Regression:
		return "derivatives of the outputs; the market takes the loss for their mean square change, to second order"
	case c.Worth == game.Outputs:
		return "derivatives of the logits; the market takes the loss for that of an undecided network, to second order"
	default:
		return "derivatives of the loss, which the market takes to second order"
	}
}

// explainBids describes what kept and removed players are worth to the network.
func explainBids(w io.Writer, run *Run, b *record.BidAsk) error {
	if b == nil {
		return nil
	}
	asks, bids := 0, 0
	for _, m := range b.Markets {
		asks, bids = asks+len(m.Asks), bids+len(m.Bids)
	}
	held := "held out"
	if b.Part == backend.TrainPart {
		held = "not held out: no --validation"
	}
	cost := ""
	if run.Config.Cost != "" || run.costsDiffer() { // gates share a price, or players have costs of their own
		cost = ", divided by what the player costs"
	}
	fmt.Fprintf(w, `
Equilibrium of the network, after the market, on %s samples of the %s part (%s).
A bid is the fall of the loss when a removed player returns, an ask its rise when a kept one leaves%s.
Each network is trained for the same %s steps first. At an equilibrium no bid is above an ask, and no ask below 0.
Measured were %d asks and %d bids; the lowest and the highest were measured again on other samples.
`, Thousands(b.Samples), b.Part, held, cost, Thousands(b.Steps), asks, bids)
	table := newTable(w)
	fmt.Fprintln(table, run.axis()+"\tkept\tremoved\tlowest ask\tplayer\thighest bid\tplayer\tbid - ask (95 %)\tverdict\t")
	for _, m := range b.Markets {
		var gates []string
		for _, g := range m.Layers {
			gates = append(gates, run.gate(g))
		}
		ask, asking, bid, bidding, excess := "-", "-", "-", "-", "-"
		if m.Ask != nil {
			ask, asking = number(m.Ask.Mean), run.name(m.Ask.PlayerName)
		}
		if m.Bid != nil {
			bid, bidding = number(m.Bid.Mean), run.name(m.Bid.PlayerName)
		}
		if m.Excess != nil {
			excess = interval(*m.Excess)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", strings.Join(gates, ", "), m.Kept, m.Removed, ask, asking, bid, bidding, excess, m.Verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, m := range b.Markets {
		if m.Ask != nil && m.Ask.High < 0 {
			fmt.Fprintf(w, "A profitable deviation: player %s gains at any price if it leaves; its ask is %s.\n", run.name(m.Ask.PlayerName), number(m.Ask.Mean))
		} else if m.Verdict == record.Fails {
			fmt.Fprintf(w, "A profitable deviation: at any price player %s gains if it returns or player %s if it leaves; the bid is %s above the ask.\n", run.name(m.Bid.PlayerName), run.name(m.Ask.PlayerName), number(m.Excess.Mean))
		}
	}
	if b.Constant() {
		fmt.Fprintf(w, "The network is no better than the best constant prediction: its loss is %s below that, and all of the interval must be above 0.\n", interval(b.OverConstant))
	}
	switch {
	case b.LeastGamma == nil:
		fmt.Fprintln(w, "There is no bound on what another set of this size could give: no pair of removed players that was measured lowers the loss.")
	case b.Bound == nil:
		fmt.Fprintf(w, "There is no bound on what another set of this size could give: the least submodularity ratio that was measured is %s; it must be above 0.\n", number(*b.LeastGamma))
	default:
		fmt.Fprintf(w, "Another set of this size could lower the loss by at most %s, if more players never raise it, none bids more than those measured,\n"+
			"and the submodularity ratio is at least %s everywhere.\n"+
			"On the pairs that were measured it is at least %s, with a median of %s.\n",
			number(*b.Bound), number(min(1, *b.LeastGamma)), number(*b.LeastGamma), number(*b.MedianGamma))
	}
	return nil
}

func interval(i record.Interval) string {
	return fmt.Sprintf("%s (%s to %s)", number(i.Mean), number(i.Low), number(i.High))
}

// explainConditions lists the condition numbers that were taken.
func explainConditions(w io.Writer, run *Run) error {
	var b strings.Builder
	table := newTable(&b)
	fmt.Fprint(table, "epoch\t")
	some := false
	for _, line := range run.Epochs {
		if line.ConditionNumbers == nil {
			continue
		}
		if many := len(line.ConditionNumbers) > fewGates; many {
			if !some {
				fmt.Fprintln(table, "least\tgreatest\tabove a million\t")
			}
			some = true
			least, greatest, above := extremes(line.ConditionNumbers)
			fmt.Fprintf(table, "%d\t%s\t%s\t%d of %d\t\n", line.Epoch, optional(least), optional(greatest), above, len(line.ConditionNumbers))
			continue
		}
		if !some {
			for l := range line.ConditionNumbers {
				fmt.Fprintf(table, "layer %d\t", l)
			}
			fmt.Fprintln(table)
		}
		some = true
		fmt.Fprintf(table, "%d\t", line.Epoch)
		for _, x := range line.ConditionNumbers {
			fmt.Fprintf(table, "%s\t", optional(x))
		}
		fmt.Fprintln(table)
	}
	if !some {
		return nil
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nCondition numbers of the weights times participations (-: above a million):\n%s", b.String())
	return err
}

// extremes returns the least and the greatest of the numbers that are known, and how many are
// not.
func extremes(of []*float64) (least, greatest *float64, unknown int) {
	for _, x := range of {
		switch {
		case x == nil:
			unknown++
		case least == nil:
			least, greatest = x, x
		case *x < *least:
			least = x
		case *x > *greatest:
			greatest = x
		}
	}
	return least, greatest, unknown
}

// optional writes a number that may not be known.
func optional(x *float64) string {
	if x == nil {
		return "-"
	}
	return number(*x)
}

// ExplainPlayer writes all that is known of one player of a run whose certificate
// was read. There being no such player is an error of the kind [backend.ErrUsage];
// other errors are those of w.
func ExplainPlayer(w io.Writer, run *Run, name record.PlayerName) error {
	p, err := run.Player(name)
	if err != nil {
		return err
	}
	var b strings.Builder
	c := run.Certificate
	fmt.Fprintf(&b, "Player %s, %s.\n", run.name(p.PlayerName), fate(p))
	switch {
	case run.unmeasured():
		fmt.Fprintln(&b, noneRemoved)
		_, err := io.WriteString(w, b.String())
		return err
	case c.Game == game.MarketGame:
		fmt.Fprintln(&b, inWords(p))
	}
	state := "at the end, over all training samples"
	if c.Game == game.MarketGame {
		state = "in the last round that removed players"
		if p.Round > 0 {
			state = fmt.Sprintf("at its removal, in round %d", p.Round)
		}
	}
	fmt.Fprintf(&b, "\nIts account %s (nashprune help game explains the words):\n", state)
	worth, price := "worth", "price"
	if c.Game == game.PaperGame {
		worth, price = "benefit", "cost"
	}
	table := newTable(&b)
	row := func(name, value, meaning string) { fmt.Fprintf(table, "%s\t%s\t  %s\n", name, value, meaning) }
	if c.Game == game.PaperGame {
		row(worth, number(p.Worth), "of full participation")
		row(price, number(p.Price), "of full participation")
	} else {
		row(worth, number(p.Worth), "marginal value of its first participation, while its rivals play the equilibrium")
		row("ceiling", number(p.Ceiling), "the highest worth that it can have, whatever they play")
		paid := "of full participation"
		if run.costsDiffer() {
			paid = fmt.Sprintf("of full participation: the price of its %s times its cost, %s", run.axis(), number(run.cost(p.PlayerName)))
		}
		row(price, number(p.Price), paid)
	}
	side := "above zero: some participation is better than zero"
	if p.Margin <= 0 {
		side = "not above zero: no participation is better than zero"
	}
	row("margin", number(p.Margin), "slope of its utility at zero, "+side)
	row("participation", number(p.Participation), "")
	row("best response", number(p.BestResponse), "")
	row("utility", number(p.Utility()), fmt.Sprintf("of which %s %s and %s %s", worth, number(p.WorthTerm), price, number(p.PriceTerm)))
	row("gain", number(p.Gain), "by its best response, while all others stay")
	if err := table.Flush(); err != nil {
		return err
	}
	return writeTrimmed(w, b.String())
}

// Player returns a player of a run whose certificate was read.
func (run *Run) Player(name record.PlayerName) (*record.CertifiedPlayer, error) {
	if p := run.Certificate.Player(name); p != nil {
		return p, nil
	}
	gates := run.Result.Gates
	if name.Layer >= len(gates) {
		return nil, backend.Usagef("--player is %s; it must name a %s of %s", name, run.axis(), run.gates())
	}
	return nil, backend.Usagef("--player is %s; %s %s has the players 0 to %d", name, run.axis(), run.gate(name.Layer), gates[name.Layer].Players-1)
}

// gates lists the first gates of a run by their places and, where they have them, their names.
func (run *Run) gates() string {
	const most = 12
	var all []string
	for g := range run.Result.Gates {
		if g == most {
			all = append(all, fmt.Sprintf("%d more", len(run.Result.Gates)-most))
			break
		}
		place := strconv.Itoa(g)
		if !run.Result.Perceptron() {
			place += " (" + run.gate(g) + ")"
		}
		all = append(all, place)
	}
	return strings.Join(all, ", ")
}

// noneRemoved is what is said of the players of a run that is [Run.unmeasured].
const noneRemoved = "No round had to remove a player, so no worth was measured."

// unmeasured reports whether a market removed no player: then all numbers of players are zero.
func (run *Run) unmeasured() bool {
	p := run.Result.Pruned
	return run.Config.Game == game.MarketGame && p != nil && p.Kept == p.Players
}

// inWords says in a sentence what decided on a player of the market.
func inWords(p *record.CertifiedPlayer) string {
	switch p.Reason {
	case game.Dead:
		return "No output depends on it: removing it costs nothing."
	case game.Followed:
		return "It is a part of a player that was removed, and went with it."
	case game.Forced:
		return fmt.Sprintf("Removing it costs %s, more than the price %s; but only so many may stay, and those are worth more.", number(p.Worth), number(p.Price))
	case game.Kept:
		if p.Worth <= p.Price { // rivals reached zero together, or a budget has room to spare
			return fmt.Sprintf("Removing it would cost %s, no more than the price %s; it stays since as many of its gate may.", number(p.Worth), number(p.Price))
		}
		return fmt.Sprintf("Removing it would cost %s, more than the price %s.", number(p.Worth), number(p.Price))
	}
	return fmt.Sprintf("Removing it costs %s, no more than the price %s.", number(p.Worth), number(p.Price))
}

// fate says whether a player stays or when and why it left.
func fate(p *record.CertifiedPlayer) string {
	switch {
	case p.Reason == game.Kept:
		return "kept"
	case p.Round > 0:
		return fmt.Sprintf("removed in round %d of the market, in epoch %d: %s", p.Round, p.Epoch, p.Reason)
	default:
		return fmt.Sprintf("removed at the end, after epoch %d: %s", p.Epoch, p.Reason)
	}
}

// ParsePlayer reads a player's name, GATE:INDEX, where the gate is its place, from 0, or its
// name. Its error is of the kind [backend.ErrUsage].
func (run *Run) ParsePlayer(text string) (record.PlayerName, error) {
	colon := strings.LastIndex(text, ":")
	gate, index := text[:max(colon, 0)], text[colon+1:]
	l, err := strconv.ParseUint(gate, 10, 31)
	if named := slices.IndexFunc(run.Result.Gates, func(g record.Gate) bool { return g.Name == gate }); named >= 0 && err != nil {
		l, err = uint64(named), nil
	}
	i, err2 := strconv.ParseUint(index, 10, 31)
	if err != nil || err2 != nil {
		return record.PlayerName{}, backend.Usagef("--player is %.40q; it must be GATE:INDEX, such as 0:17, with an index from 0 and a %s of %s", text, run.axis(), run.gates())
	}
	return record.PlayerName{Layer: int(l), Index: int(i)}, nil
}
