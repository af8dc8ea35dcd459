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
	worth, price := weightWords(run)
	fmt.Fprintf(&b, "%s of %s weights stay, in %s rounds.\n", Thousands(p.Kept), Thousands(p.Players), Thousands(len(run.Rounds)))
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
