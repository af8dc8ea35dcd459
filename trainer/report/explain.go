package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nashprune/game"
	"nashprune/trainer/record"
)

// Explain writes why players were removed: counts by layer and reason, the market round
// by round, and the players closest to the price on both sides. A run without a game is
// an error, unless it ranked its players; other errors are those of w.
//
// It includes the run's certificate where that is known.
func Explain(w io.Writer, run *Run) error {
	if run.Result.Weights != nil {
		return explainWeights(w, run)
	}
	if run.ranked() {
		return explainRanking(w, run)
	}
	if !run.removes() || run.Result.Equilibrium == nil {
		return errNoGame
	}
	e, p := run.Result.Equilibrium, run.Result.Pruned
	var b strings.Builder
	fmt.Fprintf(&b, "Of %s players %s (nashprune help game explains the words).\n", Thousands(p.Players), reasons(e))
	fmt.Fprintf(&b, "%s\n\n", strings.Join(answers(e), "\n"))
	explain := explainMarket
	if run.Config.Game == game.PaperGame {
		explain = explainPaper
	}
	if err := errors.Join(explain(&b, run), explainCertificate(&b, run)); err != nil {
		return err
	}
	return writeTrimmed(w, b.String())
}

// answers says what the certificate came to, a question and its answer each.
func answers(e *record.Equilibrium) []string {
	all := []string{fmt.Sprintf("Is the game in equilibrium? %s.", capital(gaps(e)))}
	if e.Model != "" { // of a market
		all = append(all, fmt.Sprintf("Are the kept players the best choice for the network? %s.", capital(networkClaim(e))))
	}
	return all
}

// capital begins a sentence with a capital letter.
func capital(sentence string) string { return strings.ToUpper(sentence[:1]) + sentence[1:] }

// explainMarket describes the layers of a market.
func explainMarket(w io.Writer, run *Run) error {
	table := newTable(w)
	parts := slices.ContainsFunc(run.Players, func(p record.Player) bool { return p.Reason == game.Followed })
	followed := func(cell any) string { // in a column of its own, where there are any
		if !parts {
			return ""
		}
		return fmt.Sprint(cell, "\t")
	}
	fmt.Fprintln(table, run.axis()+"\tplayers\tkept\tdead\tdominated\tpriced out\tforced\t"+followed("followed")+"last price\tlowest kept worth\t")
	for l, players := range byLayer(run) {
		counts := map[game.Reason]int{}
		for _, p := range players {
			counts[p.Reason]++
		}
		price, lowest := lowestKept(players)
		if run.unmeasured() {
			price, lowest = "-", "-"
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s%s\t%s\t\n", run.gate(l), len(players), counts[game.Kept], counts[game.Dead], counts[game.Dominated],
			counts[game.PricedOut], counts[game.Forced], followed(counts[game.Followed]), price, lowest)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprint(w, `
A player's worth is the marginal value of its first participation while its rivals play the equilibrium of the round.
Its ceiling is the highest worth that it can have, whatever they play.
dead:        no output depends on the player.
dominated:   its ceiling is at most the price: zero is best, whatever its rivals play.
priced out:  its worth is at most the price: zero is best, given what its rivals play.
forced:      its worth is above the price, but the demand is met by players that are worth more.
`)
	if parts {
		fmt.Fprintln(w, "followed:    it is a part of a player that was removed, as a feature is of its channel or a filter of its branch.")
	}
	fmt.Fprintf(w, "Contributions are %s.\n", contributionsMean(run.Config))
	fmt.Fprint(w, explainMarketRules(&run.Result))
	if err := explainRounds(w, run); err != nil {
		return err
	}
	if run.unmeasured() {
		_, err := fmt.Fprintln(w, "\n"+noneRemoved)
		return err
	}
	kept, left := byMargin(run.Players)
	columns := []string{"worth", "price"}
	return errors.Join(run.listPlayers(w, "Kept players closest to removal", columns, kept),
		run.listPlayers(w, "Last removed players", columns, left))
}

// explainPaper describes the layers of the paper's game by their last participations.
func explainPaper(w io.Writer, run *Run) error {
	table := newTable(w)
	fmt.Fprintln(table, run.axis()+"\tplayers\tkept\tdominated\tbelow threshold\t")
	for l, players := range byLayer(run) {
		counts := map[game.Reason]int{}
		for _, p := range players {
			counts[p.Reason]++
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t\n", run.gate(l), len(players), counts[game.Kept], counts[game.Dominated], counts[game.BelowThreshold])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, `
Players are removed at the end of the run if their participation is then below %g.
dominated:        the player was removed, and no participation is better for it than zero.
below threshold:  the player was removed, and some participation is better for it than zero.
Benefit and cost are those of full participation.
`, run.Config.Threshold)
	kept, left := sides(run.Players)
	gain := func(p record.Player) float64 { return p.Worth - p.Price }
	nearest := func(a, b record.Player) int { // to the threshold from above
		return cmp.Or(cmp.Compare(a.Participation, b.Participation), cmp.Compare(gain(a), gain(b)))
	}
	slices.SortStableFunc(kept, nearest)
	slices.SortStableFunc(left, func(a, b record.Player) int { return nearest(b, a) })
	columns := []string{"benefit", "cost"}
	return errors.Join(run.listPlayers(w, "Kept players closest to removal", columns, kept),
		run.listPlayers(w, "Removed players closest to staying", columns, left))
}

// axis is the heading of what [Run.gate] names.
func (run *Run) axis() string {
	if run.Result.Perceptron() {
		return "layer"
	}
	return "gate"
}

// gate names a gate: in a multilayer perceptron it is a hidden layer with a number.
func (run *Run) gate(gate int) string { return cellName(run.Result.GateName(gate)) }

// axes is the heading of columns with a number a gate, whose names it lists where they
// have some and are few.
func (run *Run) axes() string {
	if gates := len(run.Result.Gates); gates > fewGates {
		return fmt.Sprintf("all %d %ss together; prices from the lowest to the highest", gates, run.axis())
	}
	if run.Result.Perceptron() {
		return run.axis()
	}
	var names []string
	for g := range run.Result.Gates {
		names = append(names, run.gate(g))
	}
	return "gate (" + strings.Join(names, ", ") + ")"
}

// byLayer sorts the players of a run by their hidden layers.
func byLayer(run *Run) [][]record.Player {
	layers := make([][]record.Player, len(run.Result.Gates))
	for _, p := range run.Players {
		layers[p.Layer] = append(layers[p.Layer], p)
	}
	return layers
}

// sides splits players into the kept and the removed ones.
func sides(players []record.Player) (kept, left []record.Player) {
	for _, p := range players {
		if p.Reason == game.Kept {
			kept = append(kept, p)
		} else {
			left = append(left, p)
		}
	}
	return kept, left
}

// byMargin returns the kept players, the smallest margin of worth over price first, and
// the removed ones, the last first and of these the largest margin, with dead ones at the end.
func byMargin(players []record.Player) (kept, left []record.Player) {
	kept, left = sides(players)
	left = slices.DeleteFunc(left, func(p record.Player) bool { return p.Reason == game.Followed }) // which have no margin of their own
	margin := func(p record.Player) float64 { return p.Worth - p.Price }
	dead := func(p record.Player) int {
		if p.Reason == game.Dead {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(kept, func(a, b record.Player) int { return cmp.Compare(margin(a), margin(b)) })
	slices.SortStableFunc(left, func(a, b record.Player) int {
		return cmp.Or(cmp.Compare(b.Epoch, a.Epoch), cmp.Compare(dead(a), dead(b)), cmp.Compare(margin(b), margin(a)))
	})
	return kept, left
}

// lowestKept writes the price and the worth of the kept player of a layer that is worth
// least, "-" where none is kept.
func lowestKept(players []record.Player) (price, worth string) {
	kept, _ := sides(players)
	if len(kept) == 0 {
		return "-", "-"
	}
	worst := slices.MinFunc(kept, func(a, b record.Player) int { return cmp.Compare(a.Worth, b.Worth) })
	return number(worst.Price), number(worst.Worth)
}

// shownRounds is about how many rounds of the market are listed.
const shownRounds = 10

func explainRounds(w io.Writer, run *Run) error {
	rounds := run.Rounds
	if len(rounds) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nThe market, by %s. Supply is the sum of participations at the price; gaps are relative, on other samples:\n", run.axes())
	table := newTable(w)
	names, more := marketColumns(rounds)
	row(table, append([]string{"round", "epoch", "demand", "supply", "players", "price", "gap", "expected"}, names...)...)
	step := max(1, len(rounds)/shownRounds)
	for i, r := range rounds {
		if (i+1)%step != 0 && i != 0 && i != len(rounds)-1 {
			continue
		}
		cells := []string{strconv.Itoa(r.Round), strconv.Itoa(r.Epoch), byGate(r.Demand), supplies(r.Supply), byGate(r.Players), numbers(r.Prices)}
		row(table, slices.Concat(cells, roundGaps(r), more(r))...)
	}
	return table.Flush()
}

// roundGaps writes the relative gap of a round that was checked, and the one to be expected.
func roundGaps(r record.RoundLine) []string {
	if r.Check == nil {
		return []string{"-", "-"}
	}
	return []string{number(r.Check.Gap), number(r.Check.Expected)}
}

// shownPlayers is the number of players on each side of the price that are listed.
const shownPlayers = 5

// listPlayers lists the first players under a title; columns are the names of
// what players.csv calls worth and price.
func (run *Run) listPlayers(w io.Writer, title string, columns []string, players []record.Player) error {
	if len(players) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	table := newTable(w)
	fmt.Fprintf(table, "%s:index\t%s\tparticipation\tepoch\treason\t\n", run.axis(), strings.Join(columns, "\t"))
	for _, p := range players[:min(shownPlayers, len(players))] {
		epoch := "-"
		if p.Epoch > 0 {
			epoch = strconv.Itoa(p.Epoch)
		}
		fmt.Fprintf(table, "%s:%d\t%s\t%s\t%s\t%s\t%s\t\n", run.gate(p.Layer), p.Index, number(p.Worth), number(p.Price), number(p.Participation), epoch, p.Reason)
	}
	return table.Flush()
}

// supplies writes what the markets supply, or their sum where there are many.
func supplies(of []float64) string {
	if len(of) <= fewGates {
		return numbers(of)
	}
	total := 0.
	for _, x := range of {
		total += x
	}
	return number(total)
}

// numbers writes one number a gate, or the range of many.
func numbers(of []float64) string {
	if len(of) > fewGates {
		return number(slices.Min(of)) + ".." + number(slices.Max(of))
	}
	words := make([]string, len(of))
	for l, x := range of {
		words[l] = number(x)
	}
	return strings.Join(words, " ")
}

// number writes a worth, price or participation with three digits.
func number(x float64) string { return strconv.FormatFloat(x+0, 'g', 3, 64) } // no -0
