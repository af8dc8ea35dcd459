package report

import (
	"fmt"
	"io"
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
		explainStability(w, c)
		if err := explainPutBack(w, c.PutBack, run.Config); err != nil {
			return err
		}
	}
	return explainConditions(w, run)
}

// explainLayers describes the certified state.
func explainLayers(w io.Writer, run *Run) error {
	c := run.Certificate
	when := "at the end"
	if c.Game == game.MarketGame {
		when = "before the forced removals of the last round"
	}
	fmt.Fprintf(w, "\nThe certified state, %s, with worths over all training samples:\n", when)
	table := newTable(w)
	if c.Game == game.MarketGame {
		cost := ""
		if c.Layers[0].Cost > 0 {
			cost = "cost\t"
		}
		fmt.Fprintln(table, run.axis()+"\tplayers\tdemand\tsupply\t"+cost+"price\tgap\tspectral radius\t")
	} else {
		fmt.Fprintln(table, run.axis()+"\tplayers\tgap\tspectral radius\t")
	}
	for l, layer := range c.Layers {
		fmt.Fprintf(table, "%s\t%d\t", run.gate(l), layer.Players)
		if c.Game == game.MarketGame {
			fmt.Fprintf(table, "%d\t%s\t", layer.Demand, number(layer.Supply))
			if layer.Cost > 0 {
				fmt.Fprintf(table, "%s\t", number(layer.Cost))
			}
			fmt.Fprintf(table, "%s\t", number(layer.Price))
		}
		fmt.Fprintf(table, "%s\t%s\t\n", number(layer.Gap), optional(layer.SpectralRadius))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if c.MostTempted != nil {
		p := c.Player(*c.MostTempted)
		fmt.Fprintf(w, "Player %s gains most: %s by playing %s instead of %s.\n", run.name(p.PlayerName), number(p.Gain), number(p.BestResponse), number(p.Participation))
	}
	return nil
}

// name names a player, by its gate too where that has a name.
func (run *Run) name(p record.PlayerName) string {
	if run.Result.Perceptron() {
		return p.String()
	}
	return fmt.Sprintf("%s (%s:%d)", p, run.gate(p.Layer), p.Index)
}

// explainStability says what the spectral radius means.
func explainStability(w io.Writer, c *record.Certificate) {
	switch radius := c.SpectralRadius; {
	case radius == nil:
		fmt.Fprintln(w, "The spectral radius of all best responses was not computed: a layer has too many players that depend on each other.")
	case c.Game == game.PaperGame && *radius == 0:
		fmt.Fprintln(w, "The spectral radius of all best responses is 0: no best response depends on another participation. It does not say how far players are from them.")
	case *radius < 1 && !c.Claimed:
		fmt.Fprintf(w, "The spectral radius of all best responses is %s, below 1: a small change would die out at an equilibrium, and this state is none.\n", number(*radius))
	case *radius < 1:
		fmt.Fprintf(w, "The spectral radius of all best responses is %s, below 1: a small change of participations dies out.\n", number(*radius))
	default:
		fmt.Fprintf(w, "The spectral radius of all best responses is %s, not below 1: a small change of participations does not die out.\n", number(*radius))
	}
}

// worthMeans says in words what a worth is.
func worthMeans(c settings.Config) string {
	switch {
	case c.Worth == game.Outputs && c.Task == dataset.Regression:
		return "twice the mean square of the change of the outputs without the player"
	case c.Worth == game.Outputs:
		return "twice the increase of an undecided network's loss without the player, to second order"
	default:
		return "twice the increase of the loss without the player, to second order"
	}
}

// explainPutBack describes the change of the loss when removed players are put back.
func explainPutBack(w io.Writer, s *record.PutBackSummary, c settings.Config) error {
	if s == nil {
		return nil
	}
	fmt.Fprintf(w, `
Put back one at a time with full participation, on %s samples of the %s part.
The number that lower the loss by less than the price that they refused:
`, Thousands(s.Samples), s.Part)
	table := newTable(w)
	fmt.Fprintln(table, "\tplayers\tat their removal\t\tat the end of the market\t\t")
	for _, row := range []struct {
		reason game.Reason
		count  record.PutBackCount
	}{{game.Dominated, s.Dominated}, {game.PricedOut, s.PricedOut}, {game.Forced, s.Forced}} {
		if n := row.count.Players; n > 0 {
			fmt.Fprintf(table, "%s\t%s\t%s\t%.1f %%\t%s\t%.1f %%\t\n", row.reason, Thousands(n),
				Thousands(row.count.AtRemoval), 100*float64(row.count.AtRemoval)/float64(n),
				Thousands(row.count.AtTheEnd), 100*float64(row.count.AtTheEnd)/float64(n))
		}
	}
	if err := table.Flush(); err != nil || c.Worth != game.Outputs || c.Task == dataset.Regression {
		return err
	}
	_, err := fmt.Fprint(w, "Prices are in terms of the loss of an undecided network; the loss of a network that is sure changes less.\n")
	return err
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
	state := "in the certified state, over all training samples"
	if p.Round > 0 && p.Round < run.Config.Rounds {
		state = fmt.Sprintf("at its removal, in round %d", p.Round)
	}
	fmt.Fprintf(&b, "\nIts account %s:\n", state)
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
		row(worth, number(p.Worth), worthMeans(run.Config))
		row(price, number(p.Price), "of full participation")
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
	if c.Game == game.MarketGame {
		row("feedback", number(p.Feedback), "change of its best response by its own participation; above 1 it is unstable")
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if back := p.PutBack; back != nil {
		fmt.Fprintf(&b, "\nPut back with full participation, for which it refused to pay %s, on %s samples of the %s part:\n", number(back.Refused), Thousands(c.PutBack.Samples), c.PutBack.Part)
		fmt.Fprintf(&b, "at its removal, the loss would have %s; at the end of the market, it would have %s.\n", change(back.AtRemoval, back.Refused), change(back.AtTheEnd, back.Refused))
	}
	return writeTrimmed(w, b.String())
}

// Player returns a player of a run whose certificate was read.
func (run *Run) Player(name record.PlayerName) (*record.CertifiedPlayer, error) {
	if p := run.Certificate.Player(name); p != nil {
		return p, nil
	}
	gates := run.Result.Gates
	last := len(gates) - 1
	return nil, backend.Usagef("--player is %s, and the network has no such player; %ss and players count from 0, and the last is %d:%d",
		name, run.axis(), last, gates[last].Players-1)
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

// change says how the loss changes by a fall, against the price.
func change(fall, price float64) string {
	switch {
	case fall <= 0:
		return "risen by " + number(-fall)
	case fall < price:
		return "fallen by " + number(fall) + ", less than the price"
	default:
		return "fallen by " + number(fall) + ", no less than the price"
	}
}

// ParsePlayer reads a player's name, LAYER:INDEX. Its error is of the kind
// [backend.ErrUsage].
func ParsePlayer(text string) (record.PlayerName, error) {
	layer, index, _ := strings.Cut(text, ":")
	l, err := strconv.ParseUint(layer, 10, 31)
	i, err2 := strconv.ParseUint(index, 10, 31)
	if err != nil || err2 != nil {
		return record.PlayerName{}, backend.Usagef("--player %.40q: want LAYER:INDEX, such as 0:17, both from 0", text)
	}
	return record.PlayerName{Layer: int(l), Index: int(i)}, nil
}
