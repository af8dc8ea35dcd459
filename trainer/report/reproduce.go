package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/reproduce"
)

// Paper writes what came of reproducing the paper's table: its rows with the
// readings that come nearest, and what cannot be reproduced. Its errors are those of
// w.
func Paper(w io.Writer, r *reproduce.Report) error {
	var b strings.Builder
	if err := paperTable(&b, r); err != nil {
		return err
	}
	paperColumns(&b, r)
	paperFindings(&b, r)
	return writeTrimmed(w, b.String())
}

func paperTable(w io.Writer, r *reproduce.Report) error {
	table := newTable(w)
	fmt.Fprintln(table, "\tbefore removal\tmasked\tafter removal\tpruned\tkept\t|theta|^2\trelative gap\t\t")
	for i, line := range r.Rows {
		if i > 0 {
			fmt.Fprintln(table, strings.Repeat("\t", 9))
		}
		fmt.Fprintf(table, "%s (beta %g, gamma %g), the paper\t%.2f %%\t\t\t%.2f %%\t%d\t\t\t\t\n", line.Name, line.Beta, line.Gamma, line.Accuracy, line.Sparsity, line.Kept)
		for _, c := range line.Full {
			if c.Diverged == len(c.Runs) {
				fmt.Fprintf(table, "%s\tdiverged\t\t\t\t\t\t\t\t\n", readingText(c.Reading))
				continue
			}
			reached := ""
			if c.Reached {
				reached = "reached"
			}
			several := len(c.Runs)-c.Diverged > 1
			fmt.Fprintf(table, "%s\t%s %%\t%s %%\t%s %%\t%s %%\t%s\t%s\t%s\t%s\t\n", readingText(c.Reading),
				spreadText(c.Before, several), spreadText(c.Masked, several), spreadText(c.After, several), spreadText(c.Sparsity, several),
				keptText(c.Runs), number(c.Norm.Mean), number(c.Gap.Mean), reached)
		}
	}
	return table.Flush()
}

// readingText names a reading in a line of the table.
func readingText(r reproduce.Reading) string {
	benefit := map[game.Benefit]string{game.Printed: "+", game.Descent: "-", game.Absolute: "abs "}[r.Benefit]
	with := map[game.BenefitGradient]string{game.OfTheta: "<dL/dtheta, theta>", game.OfEffective: "dL/ds"}[r.Gradient]
	ascent := map[backend.PaperUpdate]string{backend.GradientAscent: "plain ascent", backend.AdamAscent: "Adam ascent"}[r.Update]
	text := fmt.Sprintf("%s%s, %s %g, %s %g", benefit, with, r.Optimiser, r.LearningRate, ascent, r.Rate)
	if r.Sum {
		text += ", sum"
	}
	if r.Joint {
		text += ", joint"
	}
	return text
}

// spreadText writes a mean in percent, and its deviation where there are several
// seeds.
func spreadText(s reproduce.Spread, several bool) string {
	if !several {
		return fmt.Sprintf("%.2f", s.Mean)
	}
	return fmt.Sprintf("%.2f +- %.2f", s.Mean, s.Deviation)
}

// mostKept is the number of seeds whose layers the table shows.
const mostKept = 3

// keptText lists the players kept in each hidden layer, of the first seeds.
func keptText(runs []reproduce.Run) string {
	var words []string
	for _, run := range runs {
		switch {
		case len(words) == mostKept:
			return strings.Join(words, " ") + " ..."
		case run.Diverged != "":
			words = append(words, "diverged")
		default:
			words = append(words, shape(run.Kept))
		}
	}
	return strings.Join(words, " ")
}

// paperColumns says what the columns are.
func paperColumns(w io.Writer, r *reproduce.Report) {
	seeds := "one seed"
	if r.Seeds > 1 {
		seeds = fmt.Sprintf("%d seeds, means +- standard deviations", r.Seeds)
	}
	fmt.Fprintf(w, `
%s, %s, %d epochs, %s, on the test part; readings chosen on %g %% of the training samples, held out.
before removal: with the last participations of the game. masked: participations below %g set to zero. after removal: without these players.
kept: by hidden layer, a group for each seed. |theta|^2: mean over the players. reached: means before removal within %g points of accuracy and %g of sparsity.
A reading is the benefit, the optimiser of the weights with its rate, and how participations move with lr_s.
sum: by the loss summed over a batch. joint: one objective, loss plus costs, over theta and participations.
relative gap: what all players gain by best responses over their benefits and costs, at the state or the best response.
`, r.Data, r.Model, r.Epochs, seeds, 100*r.Validation, r.Threshold, reproduce.AccuracyBound, reproduce.SparsityBound)
	fmt.Fprintf(w, "All %d readings of each row were screened in %d epochs with one seed, in which weights and plain ascent have %g times the rates, so that both move\n"+
		"as far; Adam ascent, whose steps would come near %g, has its own rate. Of readings that differ in the benefit alone the nearest was taken, and of these the three nearest of each row were run in full.\n",
		r.Readings, r.ScreenEpochs, float64(r.Epochs)/float64(r.ScreenEpochs), r.Threshold)
	if r.LeftOut != "" {
		fmt.Fprintln(w, r.LeftOut)
	}
}

// paperFindings says what can be reproduced, and what cannot.
func paperFindings(b *strings.Builder, r *reproduce.Report) {
	var reached, missed, lost []string
	for _, row := range r.Rows {
		within := slices.IndexFunc(row.Full, func(c reproduce.Candidate) bool { return c.Reached })
		if within >= 0 {
			reached = append(reached, row.Name)
		} else {
			missed = append(missed, row.Name)
		}
		if len(row.Full) > 0 && row.Full[0].Diverged < len(row.Full[0].Runs) {
			if c := row.Full[0]; c.Before.Mean-c.After.Mean > reproduce.AccuracyBound {
				lost = append(lost, fmt.Sprintf("%s from %.2f to %.2f %%", row.Name, c.Before.Mean, c.After.Mean))
			}
		}
	}
	fmt.Fprintln(b)
	if len(reached) > 0 {
		fmt.Fprintf(b, "Reached before removal, each under its own reading: %s.\n", strings.Join(reached, ", "))
	}
	if len(missed) > 0 {
		fmt.Fprintf(b, "NOT reproduced by any reading that was run in full: %s.\n", strings.Join(missed, ", "))
	}
	if len(lost) > 0 {
		fmt.Fprintf(b, "Removing the pruned players takes, under the nearest reading, %s:\nthe network depends on small participations, so accuracy before removal is not that of a pruned network.\n", strings.Join(lost, ", "))
	}
	var reach []string
	for _, row := range r.Rows {
		if row.Gamma > 0 && row.Reach() < 1 {
			reach = append(reach, fmt.Sprintf("%.2f for %s", row.Reach(), row.Name))
		}
	}
	if len(reach) > 0 {
		fmt.Fprintf(b, "By the paper's own numbers lr_s gamma steps is %s: by plain ascent the price gamma alone takes no player from 1 to 0.\n", strings.Join(reach, ", "))
	}
	if s := r.Single; s != nil {
		all := true
		var figures []string
		for i, run := range s.Runs {
			all = all && r.Rows[i].Reached(run.Chosen, run.Sparsity)
			figures = append(figures, fmt.Sprintf("%s %.2f / %.2f %%", r.Rows[i].Name, run.Chosen, run.Sparsity))
		}
		if all {
			fmt.Fprintf(b, "One reading reaches all rows in the screen: %s.\n", readingText(s.Reading))
		} else {
			fmt.Fprintf(b, "NO single reading reaches all rows; the nearest to all in the screen is %s,\nwith accuracy before removal and sparsity of %s.\n", readingText(s.Reading), strings.Join(figures, ", "))
		}
	}
	fmt.Fprintln(b, "The paper states no seeds, and no optimiser, learning rate or initialisation of the weights. Biases without a gate, and other rates, were not tried.")
}

// The figures that [PaperFigure1] and [PaperFigure2] draw, as files of a folder.
const (
	PaperFigure1File = "figure-1.svg"
	PaperFigure2File = "figure-2.svg"
)

// The layout of both figures, in pixels: two by two panels under a title and a legend.
const (
	figureWidth, figureHeight = 900, 660
	panelWidth, panelHeight   = 370, 200
	panelLeft, panelTop       = 62, 118
	panelRight, panelDown     = 440, 276 // from one panel to the next
)

// A line of each row of the paper's table: its colour and dashes, so that lines differ
// without colour.
var rowStyles = []style{
	{stroke: "#36288c", width: 2}, {stroke: "#b53076", width: 2, dashes: "7 3"},
	{stroke: "#e27622", width: 2, dashes: "2 3"}, {stroke: "#00756a", width: 2, dashes: "9 3 2 3"},
}

// panel is a plot with its axes.
type panel struct{ x, y scale }

// panelAt returns panel i of four, whose axes run over the given numbers.
func panelAt(i int, x, y scale) panel {
	left, top := float64(panelLeft+i%2*panelRight), float64(panelTop+i/2*panelDown)
	x.start, x.end = left, left+panelWidth
	y.start, y.end = top+panelHeight, top
	return panel{x, y}
}

// frame draws the panel's heading, a line that explains it, grid and axes.
func (p panel) frame(d *drawing, heading, explained, below string, across, up []float64) {
	d.text(point{p.x.start, p.y.end - 24}, letters{size: headingSize, fill: inkColour, bold: true}, heading)
	d.text(point{p.x.start, p.y.end - 9}, letters{size: tickSize, fill: mutedColour}, explained)
	d.grid(p.x.start, p.x.end, p.y, up)
	d.axis(p.x, p.y.start, across)
	d.text(point{(p.x.start + p.x.end) / 2, p.y.start + 32}, letters{size: textSize, fill: mutedColour, anchor: "middle"}, below)
}

// startFigure begins a figure with its title.
func startFigure(title, subtitle string) *drawing {
	d := newDrawing(figureWidth, figureHeight, title)
	d.paper(figureWidth, figureHeight)
	d.text(point{margin, 34}, letters{size: titleSize - 3, fill: inkColour, bold: true}, title)
	d.text(point{margin, 53}, letters{size: textSize, fill: mutedColour}, subtitle)
	return d
}

// howFar says for the title of a figure how many rows of the paper's table are reached.
func howFar(r *reproduce.Report) string {
	reached := 0
	for _, row := range r.Rows {
		if slices.ContainsFunc(row.Full, func(c reproduce.Candidate) bool { return c.Reached }) {
			reached++
		}
	}
	if reached == len(r.Rows) {
		return "reproduced"
	}
	return fmt.Sprintf("run again (%d of %d rows reached)", reached, len(r.Rows))
}

// PaperFigure1 draws the paper's Figure 1 as an SVG, of the nearest reading of each
// row: accuracy, sparsity, mean participation and active neurons over epochs, with
// the paper's last figures as rings. Its errors are those of w.
func PaperFigure1(w io.Writer, r *reproduce.Report) error {
	d := startFigure("Figure 1 of arXiv:2512.22106, "+howFar(r)+": the nearest reading of each configuration",
		fmt.Sprintf("%s, %s; accuracy on held-out training samples; rings: where the paper ends", shorten(r.Data, longestName), drawnSeed(r)))
	legend(d, r)
	lowest, players := 100., 0.
	for _, row := range r.Rows {
		for _, p := range row.Curve {
			lowest = min(lowest, p.Accuracy)
			players = max(players, float64(p.Active), float64(p.Active)/max(1e-9, 1-p.Sparsity/100))
		}
	}
	lowest = 10 * math.Floor(lowest/10)
	epochs := scale{high: float64(r.Epochs)}
	across := epochs.ticks(max(1, niceStep(epochs.high, 10)))
	for i, plot := range []struct {
		heading, explained string
		numbers            scale
		of                 func(reproduce.Point) float64
		paper              func(reproduce.Row) float64 // NaN where it gives none
	}{
		{"accuracy", "percent, before removal", scale{low: lowest, high: 100}, func(p reproduce.Point) float64 { return p.Accuracy }, func(r reproduce.Row) float64 { return r.Accuracy }},
		{"sparsity", fmt.Sprintf("percent of players below %g", r.Threshold), scale{high: 100}, func(p reproduce.Point) float64 { return p.Sparsity }, func(r reproduce.Row) float64 { return r.Sparsity }},
		{"mean participation", "of all players", scale{high: 1}, func(p reproduce.Point) float64 { return p.MeanParticipation }, nil},
		{"active neurons", "players that are not below it", scale{high: max(1, math.Round(players))}, func(p reproduce.Point) float64 { return float64(p.Active) }, nil},
	} {
		p := panelAt(i, epochs, plot.numbers)
		p.frame(d, plot.heading, plot.explained, "epoch", across, p.y.ticks(niceStep(p.y.high-p.y.low, 5)))
		for k, row := range r.Rows {
			var points []point
			for _, at := range row.Curve {
				points = append(points, point{p.x.at(float64(at.Epoch)), p.y.at(plot.of(at))})
			}
			d.line(thin(points), rowStyles[k%len(rowStyles)])
			if plot.paper != nil && plot.paper(row.Row) >= p.y.low {
				d.circle(point{p.x.end, p.y.at(plot.paper(row.Row))}, 4, style{fill: paperColour, stroke: rowStyles[k%len(rowStyles)].stroke, width: 1.5})
			}
		}
	}
	return d.finish(w)
}

// drawnSeed says which runs of the nearest readings the figures are of.
func drawnSeed(r *reproduce.Report) string {
	for _, row := range r.Rows {
		if len(row.Full) > 0 && row.Full[0].Runs[0].Diverged != "" {
			return "first seed with figures"
		}
	}
	return "seed 1"
}

// legend names the lines of the rows.
func legend(d *drawing, r *reproduce.Report) {
	const y, dash, gap = 74, 30, 26
	x := float64(margin)
	for k, row := range r.Rows {
		d.line([]point{{x, y - 4}, {x + dash, y - 4}}, rowStyles[k%len(rowStyles)])
		d.text(point{x + dash + 6, y}, letters{size: textSize, fill: inkColour}, row.Name)
		x += dash + 6 + textWidth(row.Name, textSize) + gap
	}
}

// PaperFigure2 draws the paper's Figure 2 as an SVG, of the nearest reading of each
// row: a histogram of the last participations with a line at eps. Its errors are
// those of w.
func PaperFigure2(w io.Writer, r *reproduce.Report) error {
	d := startFigure("Figure 2 of arXiv:2512.22106, "+howFar(r)+": participations at the end",
		fmt.Sprintf("%s, %s, nearest reading of each configuration; players a bin of 0.01, spaced by log(1+n); dashed: eps = %s",
			shorten(r.Data, longestName), drawnSeed(r), strconv.FormatFloat(r.Threshold, 'g', -1, 64)))
	most := 1
	for _, row := range r.Rows {
		for _, n := range row.Histogram {
			most = max(most, n)
		}
	}
	for i, row := range r.Rows[:min(4, len(r.Rows))] {
		p := panelAt(i, scale{high: 1}, scale{high: float64(most), logarithmic: true})
		reading := ""
		if len(row.Full) > 0 {
			reading = readingText(row.Full[0].Reading)
		}
		p.frame(d, row.Name, reading, "participation s", p.x.ticks(0.2), p.y.powerTicks())
		for bin, n := range row.Histogram {
			if n == 0 {
				continue
			}
			of := float64(len(row.Histogram))
			d.rectangle(point{p.x.at(float64(bin) / of), p.y.at(float64(n))}, point{p.x.at(float64(bin+1) / of), p.y.start}, 0,
				style{fill: rowStyles[i].stroke})
		}
		eps := p.x.at(r.Threshold)
		d.line([]point{{eps, p.y.start}, {eps, p.y.end}}, style{stroke: inkColour, width: 1, dashes: "4 3"})
	}
	return d.finish(w)
}
