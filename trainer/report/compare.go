package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"nashprune/trainer/compare"
	"nashprune/trainer/record"
)

// Compare writes a comparison as tables, one for each size and shape: what every
// method came to over the seeds and how far it is from the market, and the search
// before it. Its errors are those of w.
func Compare(w io.Writer, r *compare.Report) error {
	var b strings.Builder
	metric := measureOf(r.Task)
	fmt.Fprintf(&b, "data:    %s, %s training samples, evaluated on %s\n", r.Data.Name, Thousands(r.Data.Train), evaluatedOn(r.Data))
	fmt.Fprintf(&b, "network: %s, %s epochs, %s\n", r.Model, Thousands(r.Epochs), seeds(r.Seeds))
	if r.MostSeeds > len(r.Seeds) {
		fmt.Fprintf(&b, "seeds:   %d for methods within %d point of the best of their table, and for the market there\n", r.MostSeeds, compare.Closeness)
	}
	fmt.Fprintf(&b, "device:  %s\n", strings.Join(r.Devices(), "; "))
	if mean, deviation := compare.Summary(r.Dense); mean != nil {
		fmt.Fprintf(&b, "dense:   %s %s, without removals; its settings are not searched\n", figure(mean, deviation), metric.name)
	}
	fmt.Fprintf(&b, `
+-: the standard deviation (sd) over the seeds.
to the market: the mean over the seeds of the difference to the market of the same table, seed by seed. The
intervals of a table hold together with 95 %% (Student's t, Bonferroni). * marks those that exclude zero.
model, network: of how many seeds these parts of the market's certificate hold, fail and are undecided.
null: a market that is false on purpose. A certificate must fail it; it is left out where the best method is named.
`)
	for i := 0; i < len(r.Entries); {
		table := r.Table(r.Entries[i].Shape, r.Entries[i].Keep)
		if err := compareEntries(&b, r, table, metric); err != nil {
			return err
		}
		i += len(table)
	}
	if err := compareSearch(&b, r.Search, metric); err != nil {
		return err
	}
	return writeTrimmed(w, b.String())
}

// compareEntries writes the table of a size and shape.
func compareEntries(w io.Writer, r *compare.Report, entries []*compare.Entry, metric measure) error {
	first := entries[0]
	fmt.Fprintf(w, "\n%s players, %s:\n", Thousands(first.Keep), shapeWords(r, first.Shape, first.Keep))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "method\tseeds\t%s +- sd\tto the market\t\tmodel\tnetwork\tlayers\tparameters\tMACs\tlatency\tsetting\n", metric.brief)
	for _, e := range entries {
		layers, parameters, macs := kept(e)
		latency := "-"
		if e.LatencyUS > 0 {
			latency = microseconds(e.LatencyUS)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name(e), len(e.Runs), figure(e.Mean, e.Deviation),
			difference(e.Difference), verdict(e),
			certified(e, func(r compare.SeedRun) record.Verdict { return r.Model }), certified(e, func(r compare.SeedRun) record.Verdict { return r.Network }),
			layers, parameters, macs, latency, e.Setting)
	}
	return table.Flush()
}

// name marks the null markets.
func name(e *compare.Entry) string {
	if e.Null {
		return e.Method + " (null)"
	}
	return e.Method
}

// certified counts the runs in which a part of the certificate holds, fails and is
// undecided.
func certified(e *compare.Entry, part func(compare.SeedRun) record.Verdict) string {
	counts := map[record.Verdict]int{}
	for _, run := range e.Runs {
		counts[part(run)]++
	}
	if counts[""] == len(e.Runs) {
		return "-"
	}
	return fmt.Sprintf("%d/%d/%d", counts[record.Holds], counts[record.Fails], counts[record.Undecided])
}

// shapeWords says how a shape of a size comes about.
func shapeWords(r *compare.Report, of compare.Shape, keep int) string {
	switch of {
	case compare.Free:
		return "the method finds the layers"
	case compare.Equal:
		return "in proportion to the layers"
	case compare.Parameters:
		return "the method finds the layers, for as many parameters as in proportion to them"
	case compare.Latency:
		return "the method finds the layers, which take as long as in proportion to them by the model of latencies"
	}
	for _, w := range r.Winners {
		if w.Shape != of || w.Keep != keep {
			continue
		}
		words := fmt.Sprintf("the layers that %s found (%s), which is the best there", w.Method, shape(w.Layers))
		switch of {
		case compare.ParametersWinner:
			words = "as many parameters: " + words
		case compare.LatencyWinner:
			words = "as long: " + words
		}
		return words
	}
	return "the layers of the best method, of which there is none"
}

// figure writes mean and deviation.
func figure(mean, deviation *float64) string {
	switch {
	case mean == nil:
		return "diverged"
	case deviation == nil:
		return percent(*mean)
	default:
		return fmt.Sprintf("%.2f +- %.2f %%", *mean, *deviation)
	}
}

func difference(d *compare.Difference) string {
	switch {
	case d == nil:
		return "-"
	case d.Low == nil:
		return fmt.Sprintf("%+.2f", d.Mean)
	case d.ExcludesZero():
		return fmt.Sprintf("%+.2f [%+.2f, %+.2f]*", d.Mean, *d.Low, *d.High)
	default:
		return fmt.Sprintf("%+.2f [%+.2f, %+.2f]", d.Mean, *d.Low, *d.High)
	}
}

// fewestSeeds is from how many seeds on a table says which of two methods is better: the interval of
// two asks that both differences are nearly equal, as they often are by chance.
const fewestSeeds = 3

// verdict says in words what an interval allows to say.
func verdict(e *compare.Entry) string {
	switch d := e.Difference; {
	case d == nil:
		return ""
	case d.Pairs == 1:
		return "one seed: open"
	case d.Low == nil:
		return "no spread: open"
	case !d.ExcludesZero():
		return "includes zero: open"
	case d.Pairs > 0 && d.Pairs < fewestSeeds:
		return fmt.Sprintf("%d seeds are too few to say: open", d.Pairs)
	case d.Mean < 0:
		return "the market is better"
	default:
		return "the market is worse"
	}
}

// kept writes what is left, of the first seed where seeds differ.
func kept(e *compare.Entry) (layers, parameters, macs string) {
	for _, run := range e.Runs {
		if run.Layers != nil {
			return shape(run.Layers), Thousands(run.Parameters), Thousands(run.MACs)
		}
	}
	return "-", "-", "-"
}

// compareSearch writes what the settings were chosen by.
func compareSearch(w io.Writer, s *compare.Search, metric measure) error {
	if s == nil {
		fmt.Fprintf(w, "\nNo settings were searched: every method has its middle one.\n")
		return nil
	}
	fmt.Fprintf(w, `
Settings were chosen with seed %d, by %s on %s samples held out of the training part; * marks the chosen one:
`, s.Seed, metric.name, Thousands(s.Held))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i < len(s.Trials); {
		first := s.Trials[i]
		fmt.Fprintf(table, "%s\t%s\t%s", Thousands(first.Keep), first.Shape, first.Method)
		for ; i < len(s.Trials) && s.Trials[i].Method == first.Method && s.Trials[i].Shape == first.Shape && s.Trials[i].Keep == first.Keep; i++ {
			t := s.Trials[i]
			found, mark := "diverged", ""
			if t.Figure != nil {
				found = percent(*t.Figure)
			}
			if t.Chosen {
				mark = "*"
			}
			fmt.Fprintf(table, "\t%s: %s%s", t.Setting, found, mark)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func seeds(s []uint64) string {
	if len(s) == 1 {
		return fmt.Sprintf("seed %d", s[0])
	}
	return fmt.Sprintf("seeds %d to %d", s[0], s[len(s)-1])
}
