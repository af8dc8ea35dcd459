package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
)

// measure is what the networks of a task are evaluated by, in percent.
type measure struct {
	name   string  // of a row of a table
	brief  string  // likewise, where there is little room
	axis   string  // of a plot
	praise string  // what follows a figure in a sentence
	least  float64 // figure that is drawn
}

var (
	accuracy = measure{name: "accuracy", brief: "accuracy", axis: "Accuracy, %", praise: " accurate"}
	// explained is R2. It has no lower end; what is below -100 % is drawn there.
	explained = measure{name: "variance explained", brief: "explained", axis: "Variance explained, %", praise: " explained", least: -100}
)

// measureOf returns the measure of a task.
func measureOf(task dataset.Task) measure {
	if task == dataset.Regression {
		return explained
	}
	return accuracy
}

// of returns a network's figure, nil where it has none.
func (m measure) of(q record.Quality) *float64 {
	if m == explained {
		return inPercent(q.R2)
	}
	return q.Accuracy
}

// inTraining and inValidation return the figures of an epoch. Over the training
// part the variance of standardised targets is 1, so the loss is what is not
// explained of it.
func (m measure) inTraining(line record.EpochLine) *float64 {
	if m == explained {
		r2 := 1 - line.Loss
		return inPercent(&r2)
	}
	return line.Accuracy
}

func (m measure) inValidation(line record.EpochLine) *float64 {
	if m == explained {
		return inPercent(line.ValidationR2)
	}
	return line.ValidationAccuracy
}

func inPercent(fraction *float64) *float64 {
	if fraction == nil {
		return nil
	}
	percent := 100 * *fraction
	return &percent
}

// text writes the figure of a network.
func (m measure) text(j record.NetworkResult) string {
	switch figure := m.of(j.Quality); {
	case figure != nil:
		return percent(*figure)
	case j.Loss != nil: // all targets that it was evaluated on are alike
		return "undefined"
	default:
		return "not trained"
	}
}

// sentence writes the figure of a network for the end of a sentence.
func (m measure) sentence(j record.NetworkResult) string {
	if m.of(j.Quality) == nil {
		return m.name + " " + m.text(j)
	}
	return m.text(j) + m.praise
}

// change writes by how much two networks differ, where both have a figure.
func (m measure) change(from, to record.NetworkResult, write func(float64) string) string {
	before, after := m.of(from.Quality), m.of(to.Quality)
	if before == nil || after == nil {
		return ""
	}
	return write(*after - *before)
}

func percent(x float64) string {
	const readable = 1e6 // R2 can lie anywhere below 0
	if math.Abs(x) >= readable {
		return fmt.Sprintf("%.3g %%", x)
	}
	return fmt.Sprintf("%.2f %%", x)
}

// cellName makes a cell of a table of the name of a class or a target, which may hold
// anything: on one line, shortened, and without what a terminal would obey.
func cellName(name string) string { return shorten(graphic(name), longestName) }

// graphic puts a text on one line, without what a terminal would obey.
func graphic(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.Join(strings.Fields(text), " "))
}

// inUnits writes an error in a target's own units, with four digits.
func inUnits(x float64) string {
	const fourDigits, readable = 1e3, 1e12
	if x >= fourDigits && x < readable {
		return Thousands(int(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// shownTargets is how many targets the table of a run lists; result.json has all.
const shownTargets = 8

// uneven is by how many points accuracy and balanced accuracy differ at least where both are
// shown: classes are then of different sizes, and not recognised alike.
const uneven = 1

// isUneven reports whether both accuracies of a network are shown.
func isUneven(q record.Quality) bool {
	return q.Accuracy != nil && q.BalancedAccuracy != nil && math.Abs(*q.Accuracy-*q.BalancedAccuracy) >= uneven
}

// balancedRow is the row of balanced accuracies, nil where it would say nothing new.
func balancedRow(r *record.Result) []string {
	text := func(q record.Quality) string {
		if q.BalancedAccuracy == nil {
			return "not trained"
		}
		return percent(*q.BalancedAccuracy)
	}
	switch {
	case r.Pruned == nil && isUneven(r.Dense.Quality):
		return []string{"balanced accuracy", text(r.Dense.Quality)}
	case r.Pruned != nil && (isUneven(r.Dense.Quality) || isUneven(r.Pruned.Quality)):
		change := ""
		if d, p := r.Dense.BalancedAccuracy, r.Pruned.BalancedAccuracy; d != nil && p != nil {
			change = fmt.Sprintf("%+.2f points", *p-*d)
		}
		return []string{"balanced accuracy", text(r.Dense.Quality), text(r.Pruned.Quality), change}
	}
	return nil
}

// cautions says where a network is worth less than its figure seems to say.
func cautions(name string, q record.Quality, largest float64, classes []string) (lines []string) {
	switch {
	case q.R2 != nil && *q.R2 < 0:
		lines = append(lines, fmt.Sprintf("the %s network predicts worse than the mean of the targets", name))
	case q.Accuracy != nil && largest > 0 && *q.Accuracy <= largest:
		lines = append(lines, fmt.Sprintf("the %s network is no better than the answer that is always the largest class (%s)", name, percent(largest)))
	}
	if len(q.Unrecognised) > 0 {
		var names []string
		for _, class := range q.Unrecognised {
			names = append(names, className(classes, class))
		}
		lines = append(lines, fmt.Sprintf("the %s network gets no sample right of class %s", name, strings.Join(names, ", ")))
	}
	return lines
}

// errorRows returns the rows of a table about the errors of up to [shownTargets]
// targets: name, dense, pruned, change; the last two only where there is a pruned
// network.
func errorRows(r *record.Result) (rows [][]string) {
	for k, name := range r.Data.TargetNames[:min(shownTargets, len(r.Data.TargetNames))] {
		for _, kind := range []struct {
			name string
			of   func(record.Quality) []float64
		}{
			{"RMSE of ", func(q record.Quality) []float64 { return q.RMSE }},
			{"MAE of ", func(q record.Quality) []float64 { return q.MAE }},
		} {
			dense, pruned := kind.of(r.Dense.Quality), []float64(nil)
			if r.Pruned != nil {
				pruned = kind.of(r.Pruned.Quality)
			}
			if dense == nil && pruned == nil { // of runs from before there were such errors
				continue
			}
			row := []string{kind.name + cellName(name), "not trained"}
			if dense != nil {
				row[1] = inUnits(dense[k])
			}
			if pruned != nil {
				change := ""
				if dense != nil && dense[k] > 0 {
					change = fmt.Sprintf("%+.1f %%", 100*(pruned[k]/dense[k]-1))
				}
				row = append(row, inUnits(pruned[k]), change)
			}
			rows = append(rows, row)
		}
	}
	return rows
}
