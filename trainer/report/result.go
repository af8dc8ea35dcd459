// Package report shows a person what a run found. Everything that a
// run found is computed elsewhere; here it is only laid out.
//
// The page of a report ([Page]) is one HTML file. Its plots are SVG that is drawn here and
// readable without a script. A policy in its head forbids every request, also one that a name
// in the run might smuggle in. Colours are variables of page.css, with values for light and
// dark, and are distinct for people who see colours in another way; marks differ in shape or
// dashes, too. The script only links what is there: it marks a selected player. Every plot has
// its numbers in a table, since a screen reader says nothing of a drawing.
package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
)

// Result writes a run's result as a table: the dense network beside the pruned
// one, then what removal changed, how far from equilibrium the game ended, and
// where the time went. Its errors are those of w.
func Result(w io.Writer, r *record.Result) error {
	var b strings.Builder
	table := newTable(&b)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")+"\t") }
	dense, metric := r.Dense, measureOf(r.Task)
	if r.Pruned == nil {
		row("", "dense")
		row("shape", networkShape(dense.Shape))
		row(metric.name, metric.text(dense))
		if cells := balancedRow(r); cells != nil {
			row(cells...)
		}
		for _, cells := range errorRows(r) {
			row(cells...)
		}
		row("parameters", Thousands(dense.Parameters))
		row("size", size(dense.Bytes))
		row(latencyName(dense), microseconds(dense.LatencyUS))
		for _, l := range runtimeLatencies(r) {
			row(runtimeName(r, l), microseconds(l.DenseUS))
		}
	} else {
		pruned := r.Pruned
		row("", "dense", "pruned", "")
		row("players", Thousands(pruned.Players), Thousands(pruned.Kept), fmt.Sprintf("%.2f %% removed", pruned.Sparsity))
		if r.Weights == nil { // else no layer has another width
			row("shape", networkShape(dense.Shape), networkShape(pruned.Shape), "")
		}
		change := metric.change(dense, pruned.NetworkResult, func(points float64) string { return fmt.Sprintf("%+.2f points", points) })
		row(metric.name, metric.text(dense), metric.text(pruned.NetworkResult), change)
		if cells := balancedRow(r); cells != nil {
			row(cells...)
		}
		for _, cells := range errorRows(r) {
			row(cells...)
		}
		row("parameters", Thousands(dense.Parameters), Thousands(pruned.Parameters), times(dense.Parameters, pruned.Parameters, "fewer", "more"))
		if pruned.ZeroWeights > 0 {
			row("of them zero", Thousands(dense.ZeroWeights), Thousands(pruned.ZeroWeights))
		}
		row("size", size(dense.Bytes), size(pruned.Bytes), times(dense.Bytes, pruned.Bytes, "smaller", "larger"))
		row("multiplications", Thousands(dense.MACs), Thousands(pruned.MACs), times(dense.MACs, pruned.MACs, "fewer", "more"))
		row(latencyName(dense), microseconds(dense.LatencyUS), microseconds(pruned.LatencyUS), times(dense.LatencyUS, pruned.LatencyUS, "faster", "slower"))
		for _, l := range runtimeLatencies(r) {
			row(runtimeName(r, l), microseconds(l.DenseUS), microseconds(l.PrunedUS), times(l.DenseUS, l.PrunedUS, "faster", "slower"))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	name, last := "dense", dense
	if r.Pruned != nil {
		name, last = "pruned", r.Pruned.NetworkResult
	}
	if n := len(last.Confusion); n > 0 && n <= shownConfused {
		fmt.Fprintf(&b, "\nClasses of the samples, and what the %s network takes them for:\n", name)
		if err := confusionTable(&b, last.Confusion, r.Data.ClassNames); err != nil {
			return err
		}
	}
	b.WriteString("\n" + notes(r))
	return writeTrimmed(w, b.String())
}

// runtimeLatencies are those of another program, if the run has any.
func runtimeLatencies(r *record.Result) []record.RuntimeLatency {
	if r.Runtime == nil {
		return nil
	}
	return r.Runtime.Latencies
}

func runtimeName(r *record.Result, l record.RuntimeLatency) string {
	return fmt.Sprintf("%s, %d", cellName(r.Runtime.Name), l.Batch)
}

// newTable returns a writer that aligns cells, each ended by a tab, to the right.
func newTable(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
}

// writeTrimmed writes text without the spaces that a table leaves at the ends of
// its lines.
func writeTrimmed(w io.Writer, text string) error {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n"))
	return err
}

// notes is the text below the table.
func notes(r *record.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "data:         %s, %s training samples, evaluated on %s\n", r.Data.Name, Thousands(r.Data.Train), evaluatedOn(r.Data))
	if s := r.Source; s != nil {
		fmt.Fprintf(&b, "source:       %s, %s of %s, SHA-256 %.12s\n", cellName(s.Path), s.Format, strings.Join(s.Types, ", "), s.Digest)
		for _, words := range []string{s.Derived, s.Warning} {
			if words != "" {
				fmt.Fprintf(&b, "              %s\n", words)
			}
		}
	}
	for i, line := range structured(r) {
		fmt.Fprintf(&b, "%-14s%s\n", []string{"structured:", ""}[i], line)
	}
	lines := append(slices.Clone(r.Data.Notes), cautions("dense", r.Dense.Quality, r.Data.LargestClass, r.Data.ClassNames)...)
	if r.Pruned != nil {
		lines = append(lines, cautions("pruned", r.Pruned.Quality, r.Data.LargestClass, r.Data.ClassNames)...)
	}
	for _, line := range lines {
		fmt.Fprintf(&b, "note:         %s\n", line)
	}
	fmt.Fprintf(&b, "device:       %s\n", r.Device.Words())
	for i := range max(0, len(r.Devices)-1) {
		next := r.Devices[i+1]
		fmt.Fprintf(&b, "              before step %d of the %s training: %s\n", next.FromStep, next.Training, r.Devices[i].Words())
	}
	if in := r.Runtime; in != nil {
		fmt.Fprintf(&b, "runtime:      %s %s, one thread of the CPU\n", cellName(in.Name), cellName(in.Version))
		if in.Problem != "" {
			fmt.Fprintf(&b, "              no times: %s\n", cellName(in.Problem))
		}
	}
	if g, p := r.Gated, r.Pruned; g != nil && p != nil {
		metric, output := measureOf(r.Task), "logit"
		if r.Regression() {
			output = "standardised prediction"
		}
		before := record.NetworkResult{Quality: g.Quality, Loss: p.Loss}
		fmt.Fprintf(&b, "removal:      check passed: %s before, %s after; ", metric.text(before), metric.text(p.NetworkResult))
		if g.MaxLogitDifference == 0 {
			fmt.Fprintf(&b, "no %s changed\n", output)
		} else {
			fmt.Fprintf(&b, "a %s changed by %.2g at most, %.2g %% of what float32 rounding allows", output, g.MaxLogitDifference, 100*g.BoundUsed)
			if g.BoundedSamples > 0 {
				fmt.Fprintf(&b, " on %d samples", g.BoundedSamples)
			}
			fmt.Fprintln(&b)
		}
	}
	b.WriteString(gatesNote(r))
	b.WriteString(targetNote(r))
	if e := r.Equilibrium; e != nil {
		fmt.Fprintf(&b, "equilibrium:  %s\n", gaps(e))
		if e.Model != "" { // of a market
			fmt.Fprintf(&b, "best choice:  %s\n", networkClaim(e))
		}
		if e.Model == record.Fails || e.Network == record.Fails {
			fmt.Fprintln(&b, "              nashprune explain says why")
		}
		fmt.Fprintf(&b, "players:      %s\n", reasons(e))
	}
	during := "game"
	if p := r.Pruned; p != nil && p.Criterion != "" {
		fmt.Fprintf(&b, "players:      %s kept, %s ranked out by %s; without a game\n", Thousands(p.Kept), Thousands(p.Players-p.Kept), p.Criterion)
		during = "removal"
	}
	b.WriteString(bestEpochs(r))
	s := r.Seconds
	fmt.Fprintf(&b, "time:         %.1f s in all; training %.1f s", s.Total, s.Train)
	if s.Game > 0 && s.Game < s.Train { // the paper's game takes all of it
		fmt.Fprintf(&b, " (%s %.1f, of which rounds %.1f; tail %.1f)", during, s.Game, s.Rounds, s.Tail)
	}
	if s.Certify > 0 {
		fmt.Fprintf(&b, ", bids and asks %.1f s", s.Certify)
	}
	if s.Baseline > 0 {
		fmt.Fprintf(&b, ", dense baseline %.1f s", s.Baseline)
	}
	fmt.Fprintf(&b, ", evaluation %.1f s\n", s.Evaluate)
	return b.String()
}

// gatesNote says how many players each gate keeps, where gates have names.
func gatesNote(r *record.Result) string {
	if r.Perceptron() || r.Pruned == nil {
		return ""
	}
	var parts []string
	for _, g := range r.Gates {
		parts = append(parts, fmt.Sprintf("%s: %s of %s %s", cellName(g.Name), Thousands(g.Kept), Thousands(g.Players), cellName(g.Kind)))
	}
	between := ", "
	if len(parts) > fewGates {
		between = "\n              "
	}
	return "gates:        " + strings.Join(parts, between) + "\n"
}

// structured says what the first of two runs removed, and how well the network did before it.
func structured(r *record.Result) []string {
	s := r.Structured
	if s == nil {
		return nil
	}
	lines := []string{fmt.Sprintf("%s of %s players stay after the first run, %s of %s parameters (at most %s); the dense network is what it left",
		Thousands(s.Kept), Thousands(s.Players), Thousands(s.Parameters), Thousands(s.Dense), Thousands(s.MaxParameters))}
	if metric := measureOf(r.Task); metric.of(s.Before) != nil {
		lines = append(lines, fmt.Sprintf("the network of all %s parameters has %s", Thousands(s.Dense), metric.text(record.NetworkResult{Quality: s.Before})))
	}
	return lines
}

// bestEpochs says which epochs the networks are from, where --patience chose them.
func bestEpochs(r *record.Result) string {
	var parts []string
	if p := r.Pruned; p != nil && p.Best != nil {
		parts = append(parts, fmt.Sprintf("the pruned network is from epoch %d (loss %.4g)", p.Best.Epoch, p.Best.ValidationLoss))
	}
	if best := r.Dense.Best; best != nil {
		parts = append(parts, fmt.Sprintf("the dense network is from epoch %d (loss %.4g)", best.Epoch, best.ValidationLoss))
	}
	if parts == nil {
		return ""
	}
	return fmt.Sprintf("best epoch:   %s, where the loss that is trained was lowest on the validation part, after the last removal\n", strings.Join(parts, ", "))
}

// gaps says whether the players of the game were in equilibrium.
func gaps(e *record.Equilibrium) string {
	switch {
	case e.Model == record.Holds:
		return fmt.Sprintf("yes: its relative gap on other samples is %.2g, less than %d times what the choice of samples explains", e.RelativeGap, record.LargestRatio)
	case e.Model == record.Fails:
		return fmt.Sprintf("no: its relative gap on other samples is %.2g, more than the choice of samples explains", e.RelativeGap)
	case e.Model != "" && e.Checked == 0 && e.Dead+e.Dominated+e.PricedOut+e.Forced+e.Followed == 0:
		return "undecided: no round had to remove a player"
	case e.Model != "" && e.Checked == 0:
		return "undecided: no round was checked on other samples; it takes three times as many samples as a round observes, and four rounds"
	case e.Model != "":
		return fmt.Sprintf("undecided: its relative gap on other samples is %.2g; it takes more rounds that are checked to say whether the choice of samples explains it", e.RelativeGap)
	case e.Claimed:
		return fmt.Sprintf("yes: its relative gap is %.2g, under the limit %g", e.RelativeGap, game.EquilibriumBound)
	default:
		return fmt.Sprintf("no: its relative gap is %.2g, not under the limit %g", e.RelativeGap, game.EquilibriumBound)
	}
}

// networkClaim says what bids and asks came to, or why there are none.
func networkClaim(e *record.Equilibrium) string {
	if e.Constant {
		return "no: the network is no better than a constant prediction"
	}
	switch e.Network {
	case record.Holds:
		return "yes: no removed player that was measured would lower the loss by more than a kept one does"
	case record.Fails:
		return "no: a removed player would lower the loss by more than a kept one, or a kept one raises it"
	case "":
		return "not tested: it takes training, --compensate none, --certify-steps above 0, and 4 or more samples"
	default:
		return "undecided: the difference between removed and kept players is within the noise"
	}
}

// reasons counts the kept players, and the removed ones by reason, without empty reasons.
func reasons(e *record.Equilibrium) string {
	var parts []string
	removed := 0
	for _, reason := range []struct {
		count int
		name  string
	}{{e.Dead, "without any effect"}, {e.Dominated, "never worth the price"}, {e.PricedOut, "not worth the price"}, {e.Forced, "worth the price, but less than those that stay"}, {e.BelowThreshold, "below the threshold"}, {e.Followed, "parts of others"}} {
		if reason.count > 0 {
			parts = append(parts, Thousands(reason.count)+" "+reason.name)
			removed += reason.count
		}
	}
	if parts == nil {
		return Thousands(e.Kept) + " kept"
	}
	return fmt.Sprintf("%s kept; %s removed: %s", Thousands(e.Kept), Thousands(removed), strings.Join(parts, ", "))
}

// Eval writes how a saved network does on the samples it was tried on, in all
// and by class or target. Its errors are those of w.
func Eval(w io.Writer, r *record.EvalResult) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	row("model", r.Model)
	if len(r.Network.Shape) > leastShape { // single weights have no gates
		row("shape", networkShape(r.Network.Shape))
	}
	parameters := Thousands(r.Network.Parameters)
	if zero := r.Network.ZeroWeights; zero > 0 {
		parameters += fmt.Sprintf(" (%s of them zero)", Thousands(zero))
	}
	row("parameters", parameters)
	row("data", fmt.Sprintf("%s, %s test samples", r.Data, Thousands(r.Samples)))
	for _, note := range r.Notes {
		row("note", note)
	}
	metric, loss := measureOf(r.Task), ""
	figure := metric.text(r.Network)
	if r.Correct != nil {
		figure += fmt.Sprintf(" (%s correct)", Thousands(*r.Correct))
	}
	if r.Regression() {
		figure += " (R2 over all targets, standardised)"
		loss = " (mean squared error of standardised targets)"
	}
	row(metric.name, figure)
	if isUneven(r.Network.Quality) {
		row("balanced accuracy", percent(*r.Network.BalancedAccuracy))
	}
	for _, line := range cautions("saved", r.Network.Quality, r.LargestClass, r.ClassNames) {
		row("note", line)
	}
	if r.Network.Loss != nil {
		row("loss", fmt.Sprintf("%.6g%s", *r.Network.Loss, loss))
	}
	row(latencyName(r.Network), microseconds(r.Network.LatencyUS))
	for k, rmse := range r.Network.RMSE {
		if k < len(r.TargetNames) {
			row("RMSE of "+cellName(r.TargetNames[k]), inUnits(rmse))
		}
	}
	for k, mae := range r.Network.MAE {
		if k < len(r.TargetNames) {
			row("MAE of "+cellName(r.TargetNames[k]), inUnits(mae))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := classTables(&b, r.Network.Classes, r.ClassNames); err != nil {
		return err
	}
	return writeTrimmed(w, b.String())
}

// evaluatedOn says which samples accuracies are of: 4,000 test samples.
func evaluatedOn(d record.Data) string {
	count := d.Test
	if d.EvaluatedOn == backend.ValidationPart {
		count = d.Validation
	}
	return fmt.Sprintf("%s %s samples", Thousands(count), d.EvaluatedOn)
}

// fewGates is how many gates have a number of their own on a line; of more the line has what
// they come to together.
const fewGates = 6

// networkShape writes the shape of a network: inputs, players of each gate, outputs.
func networkShape(widths []int) string {
	if gates := len(widths) - leastShape; gates > fewGates {
		return fmt.Sprintf("%d-(%d gates)-%d", widths[0], gates, widths[len(widths)-1])
	}
	return shape(widths)
}

// byGate writes a number a gate, or their sum.
func byGate(numbers []int) string {
	if len(numbers) <= fewGates {
		return shape(numbers)
	}
	total := 0
	for _, n := range numbers {
		total += n
	}
	return Thousands(total)
}

func shape(widths []int) string {
	parts := make([]string, len(widths))
	for i, width := range widths {
		parts[i] = strconv.Itoa(width)
	}
	return strings.Join(parts, "-")
}

// Thousands groups digits: 535,818.
func Thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func size(bytes int) string {
	switch {
	case bytes >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.2f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}

func microseconds(us float64) string { return Thousands(int(us+0.5)) + " us" }

func latencyName(j record.NetworkResult) string { return fmt.Sprintf("time for %d", j.LatencyBatch) }

// times says how many times before is of after, or after of before where it is
// the larger. It is empty where one of them is nothing.
func times[T int | float64](before, after T, less, more string) string {
	if before <= 0 || after <= 0 {
		return ""
	}
	factor, word := float64(before)/float64(after), less
	if factor < 1 {
		factor, word = 1/factor, more
	}
	_, counted := any(before).(int) // and not measured, so that a small difference is one
	switch {
	case factor < leastFactor && counted && before != after:
		return fmt.Sprintf("%.2g %% %s", 100*math.Abs(float64(before)-float64(after))/float64(before), word)
	case factor < leastFactor:
		return "the same"
	case factor < manyTimes:
		return fmt.Sprintf("%.1f times %s", factor, word)
	default:
		return fmt.Sprintf("%s times %s", Thousands(int(min(factor, math.MaxInt32)+0.5)), word)
	}
}

const (
	// leastFactor is the smallest factor that is shown: below it 1.0 would be printed.
	leastFactor = 1.05
	// manyTimes is from where on tenths say nothing.
	manyTimes = 100
)
