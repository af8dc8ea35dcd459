package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
)

// metricMeanings says what weights are worth.
var metricMeanings = map[game.Metric]string{
	game.FisherMetric: "w^2 E[g^2], with the derivatives g of single samples",
	game.RootMetric:   "w^2 sqrt(E[g^2]), with the derivatives g of single samples",
	game.AdamMetric:   "w^2 sqrt(v), with the second moment v of the optimiser",
}

// weightWords names worths and prices, or scores and cuts.
func weightWords(run *Run) (worth, price string) {
	if run.ranked() {
		return "score", "cut"
	}
	return "worth", "price"
}

// explainWeights describes a run whose players were single weights, by tensor.
func explainWeights(w io.Writer, run *Run) error {
	var b strings.Builder
	p, weights := run.Result.Pruned, run.Result.Weights
	if weights.Paper != nil {
		return explainPaperWeights(w, run)
	}
	worth, price := weightWords(run)
	fmt.Fprintf(&b, "%s of %s weights stay, in %s rounds.\n", Thousands(p.Kept), Thousands(p.Players), Thousands(len(run.Rounds)))
	b.WriteString(leftWords(weights, p.Kept))
	if run.ranked() {
		fmt.Fprintf(&b, "There was no game: weights were ranked by %s.\n", p.Criterion)
	} else {
		fmt.Fprintf(&b, "A weight's worth is %s.\n", metricMeanings[weights.Metric])
		fmt.Fprintln(&b, "It does not depend on what other weights play, so who is priced out is dominated. No equilibrium of the network is claimed.")
	}
	if weights.Pattern != "" {
		fmt.Fprintf(&b, "By the pattern %s the best of each group have their places, and the %s is that of all others.\n", weights.Pattern, price)
	}
	fmt.Fprintf(&b, "\nAll %ss and the last %s:\n", worth, price)
	table := newTable(&b)
	row(table, "tensor", "weights", "kept", "dead", "last "+price, "kept: lowest", "median", "highest", "removed: lowest", "median", "highest")
	for i, t := range weights.Tensors {
		cells := []string{cellName(t.Name), Thousands(run.Result.Gates[i].Players), Thousands(t.Kept), Thousands(t.Dead), number(t.Price)}
		for _, q := range [][]float64{t.Stayed, t.Removed} {
			if len(q) < quantiles {
				cells = append(cells, "-", "-", "-")
				continue
			}
			cells = append(cells, number(q[0]), number(q[quantiles/2]), number(q[quantiles-1]))
		}
		row(table, cells...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nThe rounds, by tensor:\n")
	table = newTable(&b)
	row(table, "round", "epoch", "weights", price)
	step := max(1, len(run.Rounds)/shownRounds)
	for i, r := range run.Rounds {
		if (i+1)%step != 0 && i != 0 && i != len(run.Rounds)-1 {
			continue
		}
		quoted := r.Prices
		if run.ranked() {
			quoted = r.Cuts
		}
		if len(slices.Compact(slices.Clone(quoted))) == 1 {
			quoted = quoted[:1]
		}
		row(table, strconv.Itoa(r.Round), strconv.Itoa(r.Epoch), byGate(r.Players), numbers(quoted))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\n--player '%s[0,0]' shows one weight.\n", cellName(weights.Tensors[0].Name))
	return writeTrimmed(w, b.String())
}

// leftWords says how many of the weights that stay the network has.
func leftWords(w *record.Weights, kept int) string {
	if w.Left == 0 || w.Left >= kept { // older results do not say
		return ""
	}
	return fmt.Sprintf("The network has %s of them: the others went with neurons and inputs that no output depends on.\n", Thousands(w.Left))
}

// explainPaperWeights describes a run in which single weights played the paper's game.
func explainPaperWeights(w io.Writer, run *Run) error {
	var b strings.Builder
	p, weights := run.Result.Pruned, run.Result.Weights
	fmt.Fprintf(&b, "%s of %s weights stay: their participation is not below %s.\n", Thousands(p.Kept), Thousands(p.Players), number(run.Config.Threshold))
	b.WriteString(leftWords(weights, p.Kept))
	claim := "The game is not in equilibrium"
	if weights.Paper.Claimed {
		claim = "The game is in equilibrium"
	}
	fmt.Fprintf(&b, "%s: the gains that are left, over what is realised, are %s; the bound is %s.\n", claim, number(weights.Paper.RelativeGap), number(weights.Paper.Bound))
	fmt.Fprintf(&b, "\nAll participations, and why weights were removed:\n")
	table := newTable(&b)
	row(table, "tensor", "weights", "kept", "dominated", "below threshold", "lowest s", "quarter", "median", "three quarters", "highest")
	for i, t := range weights.Tensors {
		players := run.Result.Gates[i].Players
		row(table, append([]string{cellName(t.Name), Thousands(players), Thousands(t.Kept), Thousands(t.Dominated), Thousands(players - t.Kept - t.Dominated)},
			numberCells(t.Participations)...)...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nThe benefit of full participation:\n")
	table = newTable(&b)
	row(table, "tensor", "kept: lowest", "quarter", "median", "three quarters", "highest", "removed: lowest", "quarter", "median", "three quarters", "highest")
	for _, t := range weights.Tensors {
		row(table, append(append([]string{cellName(t.Name)}, numberCells(t.Stayed)...), numberCells(t.Removed)...)...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\n--player '%s[0,0]' shows one weight.\n", cellName(weights.Tensors[0].Name))
	return writeTrimmed(w, b.String())
}

// numberCells returns the cells of quantiles, which may be missing.
func numberCells(q []float64) []string {
	cells := slices.Repeat([]string{"-"}, quantiles)
	for i, x := range q[:min(len(q), quantiles)] {
		cells[i] = number(x)
	}
	return cells
}

// quantiles is how many numbers a [record.WeightTensor] says of a distribution.
const quantiles = 5

// Weight is what a run says of one weight.
type Weight struct {
	Tensor string      `json:"tensor"`
	Index  []int       `json:"index"`
	Round  int         `json:"round,omitempty"` // in which it was removed
	Epoch  int         `json:"epoch,omitempty"`
	Worth  float64     `json:"worth"` // or its score
	Price  float64     `json:"price"` // or the cut
	Reason game.Reason `json:"reason"`
	// Participation is that at the end of the paper's game.
	Participation *float64 `json:"participation,omitempty"`
}

// ReadWeight reads what the folder of a run says of the weight TENSOR[INDICES]. What names none
// is an error of the kind [backend.ErrUsage].
func (run *Run) ReadWeight(dir, name string) (*Weight, error) {
	tensors := run.Result.Weights.Tensors
	open := strings.LastIndex(name, "[")
	place := slices.IndexFunc(tensors, func(t record.WeightTensor) bool { return open >= 0 && t.Name == name[:open] })
	if place < 0 || !strings.HasSuffix(name, "]") {
		return nil, backend.Usagef("--player %.60q: want TENSOR[INDICES], such as %s[0,0]; indices count from 0, and the result lists the tensors", name, tensors[0].Name)
	}
	t := tensors[place]
	w, at := &Weight{Tensor: t.Name}, 0
	words := strings.Split(strings.TrimSuffix(name[open+1:], "]"), ",")
	for d, word := range words {
		i, err := strconv.ParseUint(strings.TrimSpace(word), 10, 31)
		if err != nil || len(words) != len(t.Shape) || int(i) >= t.Shape[d] {
			return nil, backend.Usagef("--player %.60q: %s has shape %v; indices count from 0", name, t.Name, t.Shape)
		}
		w.Index, at = append(w.Index, int(i)), at*t.Shape[d]+int(i)
	}
	return w, run.readFile(dir, record.WeightsFile, func(from io.Reader) error {
		var names []record.TensorName
		for _, t := range tensors {
			names = append(names, t.TensorName)
		}
		if run.Result.Weights.Paper != nil {
			all, err := record.ReadPaperWeights(from, names)
			if err != nil {
				return err
			}
			s, participation := all[place], float64(all[place].Participations[at])
			w.Worth, w.Price, w.Reason, w.Participation = float64(s.Worths[at]), float64(s.Prices[at]), s.Reasons[at], &participation
			return nil
		}
		all, err := record.ReadWeights(from, names)
		if err != nil {
			return err
		}
		if len(all) != len(tensors) {
			return fmt.Errorf("it is about %d tensors, and there are %d", len(all), len(tensors))
		}
		s := all[place]
		w.Round, w.Worth, w.Price, w.Reason = int(s.Rounds[at]), float64(s.Worths[at]), s.Price(at), s.Reason(at)
		if run.ranked() && w.Round > 0 {
			w.Reason = game.RankedOut
		}
		if i := w.Round - 1; i >= 0 && i < len(run.Rounds) {
			w.Epoch = run.Rounds[i].Epoch
		}
		return nil
	})
}

// ExplainWeight writes all about one weight.
func ExplainWeight(w io.Writer, run *Run, of *Weight) error {
	worth, price := weightWords(run)
	indices := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(of.Index)), ","), "[]")
	name := fmt.Sprintf("%s[%s]", cellName(of.Tensor), indices)
	if of.Participation != nil {
		_, err := fmt.Fprintf(w, "%s: %s: its participation is %s; full participation has a benefit of %s and a cost of %s\n",
			name, of.Reason, number(*of.Participation), number(of.Worth), number(of.Price))
		return err
	}
	if of.Round == 0 {
		kept := "kept"
		switch pattern := run.Result.Weights.Pattern; {
		case of.Worth > of.Price:
		case pattern != "":
			kept += " by its place in its group of " + pattern
		default: // the price is the worth of removed ones
			kept += " as the first of equal ones"
		}
		_, err := fmt.Fprintf(w, "%s: %s: its %s is %s, the last %s %s\n", name, kept, worth, number(of.Worth), price, number(of.Price))
		return err
	}
	_, err := fmt.Fprintf(w, "%s: removed in round %d, in epoch %d, %s: its %s %s was not above the %s %s\n",
		name, of.Round, of.Epoch, of.Reason, worth, number(of.Worth), price, number(of.Price))
	return err
}
