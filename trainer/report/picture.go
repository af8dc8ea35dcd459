package report

import (
	"fmt"
	"io"
	"strings"

	"nashprune/game"
	"nashprune/trainer/settings"
)

// The picture's layout, in pixels. The plots stand above each other and share
// the epochs along their lower edge; their labels stand on their right, and the
// networks right of those.
const (
	pictureWidth  = 960
	pictureHeight = 420
	margin        = 28

	titleLine    = 38
	subtitleLine = 59
	headingLine  = 90

	plotLeft       = 66
	plotRight      = 500
	labelLeft      = plotRight + 20
	bandTop        = 98
	playersTop     = 124
	playersBottom  = 240
	accuracyTop    = 276
	accuracyBottom = 372

	networkLeft  = 668
	networkRight = pictureWidth - margin
)

// Sizes of letters, in pixels.
const (
	titleSize   = 20
	headingSize = 12.5
	textSize    = 11.5
	tickSize    = 10.5
)

// labelRoom is the height of a line of labels, in pixels.
const labelRoom = 14

// Colours. The two networks differ in lightness too, and so do the layers, so that marks
// differ without colour.
const (
	paperColour  = "#ffffff"
	edgeColour   = "#d5d9de"
	inkColour    = "#1c2126"
	mutedColour  = "#59636e"
	gridColour   = "#dfe3e8"
	ghostColour  = "#eceff2"
	bandColour   = "#f6f7f8"
	gameColour   = "#e9f0f8"
	prunedColour = "#00756a"
	denseColour  = "#6b7480"
)

// layerColours are the colours of the first, the middle and the last hidden
// layer; others lie between them.
var layerColours = [...][3]float64{{54, 40, 140}, {181, 48, 118}, {226, 118, 34}}

// layerColour returns the colour of hidden layer l, from 0, of so many.
func layerColour(l, layers int) string {
	along := 0.
	if layers > 1 {
		along = float64(l) / float64(layers-1) * float64(len(layerColours)-1)
	}
	i := min(int(along), len(layerColours)-2)
	var mixed [3]int
	for c := range mixed {
		from, to := layerColours[i][c], layerColours[i+1][c]
		mixed[c] = int(from + (along-float64(i))*(to-from) + 0.5)
	}
	return fmt.Sprintf("#%02x%02x%02x", mixed[0], mixed[1], mixed[2])
}

// Picture writes an SVG of 960 by 420 pixels that shows a run, with a game or
// without: the players of each hidden layer and the accuracies, or the variance
// explained in regression, over the epochs, and the dense network beside the pruned
// one. The same run gives the same
// bytes. It is an error if the run contradicts itself; other errors are those
// of w.
func Picture(w io.Writer, run *Run) error {
	if err := run.check(); err != nil {
		return fmt.Errorf("the run makes no picture: %w", err)
	}
	title := headline(run)
	d := newDrawing(pictureWidth, pictureHeight, title)
	fmt.Fprintf(d, `<clipPath id="accuracies"><rect x="%d" y="%d" width="%d" height="%d"/></clipPath>`+"\n",
		plotLeft, accuracyTop, plotRight-plotLeft, accuracyBottom-accuracyTop)
	d.paper(pictureWidth, pictureHeight)
	d.text(point{margin, titleLine}, letters{size: titleSize, fill: inkColour, bold: true}, title)
	d.text(point{margin, subtitleLine}, letters{size: headingSize, fill: mutedColour}, circumstances(run))

	epochs := scale{high: float64(run.Config.Epochs), start: plotLeft, end: plotRight}
	drawPhases(d, run, epochs)
	drawPlayers(d, run, epochs)
	drawAccuracies(d, run, epochs)
	drawEpochs(d, epochs)
	drawNetworks(d, run)
	return d.finish(w)
}

// headline says in one line what came out.
func headline(run *Run) string {
	dense, pruned, metric := run.Result.Dense, run.Result.Pruned, measureOf(run.Result.Task)
	if pruned == nil {
		return fmt.Sprintf("%s players and no game: %s", Thousands(players(dense.Shape)), metric.sentence(dense))
	}
	found := []string{}
	for _, ratio := range []string{
		timesSign(times(dense.Parameters, pruned.Parameters, "smaller", "larger")),
		timesSign(times(dense.LatencyUS, pruned.LatencyUS, "faster", "slower")),
	} {
		if strings.Contains(ratio, "×") {
			found = append(found, ratio)
		}
	}
	found = append(found, metric.sentence(pruned.NetworkResult))
	return fmt.Sprintf("%s of %s %s stay: %s", Thousands(pruned.Kept), Thousands(pruned.Players), run.playersName(), strings.Join(found, ", "))
}

// playersName is what the players are called.
func (run *Run) playersName() string {
	if run.Result.Weights != nil {
		return "weights"
	}
	return "players"
}

// timesSign writes 26.7× fewer for 26.7 times fewer.
func timesSign(text string) string { return strings.Replace(text, " times ", "× ", 1) }

// longestName is how many letters of a data set or a device the subtitle has
// room for.
const longestName = 30

// circumstances says what the figures are of.
func circumstances(run *Run) string {
	r, epochs := run.Result, "epochs"
	if run.Config.Epochs == 1 {
		epochs = "epoch"
	}
	return fmt.Sprintf("%s, %s %s, seed %d  ·  %s on %s  ·  latency of %d samples on %s", shorten(r.Data.Name, longestName),
		Thousands(run.Config.Epochs), epochs, r.Seed, measureOf(r.Task).name, evaluatedOn(r.Data), r.Dense.LatencyBatch, shorten(r.Device.Name, longestName))
}

// shorten leaves out the middle of a text that is too long.
func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	half := (most - 1) / 2
	return string(runes[:half]) + "…" + string(runes[len(runes)-half:])
}

// players adds up the hidden layers of a shape.
func players(shape []int) int {
	total := 0
	for _, width := range shape[1 : len(shape)-1] {
		total += width
	}
	return total
}

// market returns when the market opens and closes, in epochs.
func market(c settings.Config) (opens, closes float64) {
	epochs := float64(c.Epochs)
	opens = c.WarmUp * epochs
	return opens, min(epochs, opens+c.GameShare*epochs)
}

// drawPhases draws a band for each phase of the run, behind both plots, and
// its name.
func drawPhases(d *drawing, run *Run, epochs scale) {
	type phase struct {
		name     string
		from, to float64
		colour   string
	}
	end := float64(run.Config.Epochs)
	var phases []phase
	switch run.Config.Game {
	case game.MarketGame, game.RankingGame:
		opens, closes := market(run.Config)
		name := "market"
		if run.Config.Game == game.RankingGame {
			name = fmt.Sprintf("no game: ranked by %s", run.Config.Criterion)
		}
		rounds := fmt.Sprintf("%s, %s rounds", name, Thousands(run.Config.Rounds))
		if run.Config.Rounds == 1 {
			rounds = name + ", 1 round"
		}
		phases = []phase{{"warm-up", 0, opens, bandColour}, {rounds, opens, closes, gameColour}, {"tail", closes, end, bandColour}}
	case game.PaperGame:
		phases = []phase{{"the paper's game, all along; players leave at the end", 0, end, gameColour}}
	default:
		phases = []phase{{"no game", 0, end, bandColour}}
	}
	var names []label
	for _, p := range phases {
		from, to := epochs.at(p.from), epochs.at(p.to)
		if to-from < 1 {
			continue
		}
		d.rectangle(point{from, bandTop}, point{to, accuracyBottom}, 0, style{fill: p.colour})
		const gap = 8
		names = append(names, label{text: p.name, mark: (from + to) / 2, room: textWidth(p.name, tickSize) + gap})
	}
	for _, name := range spread(names, plotLeft, plotRight) {
		d.text(point{name.at, bandTop + 14}, letters{size: tickSize, fill: mutedColour, anchor: "middle"}, name.text)
	}
}

// drawEpochs draws the axis that both plots share.
func drawEpochs(d *drawing, epochs scale) {
	const mostTicks = 10
	d.axis(epochs, accuracyBottom, epochs.ticks(max(1, niceStep(epochs.high, mostTicks))))
	d.text(point{(plotLeft + plotRight) / 2, accuracyBottom + 33}, letters{size: textSize, fill: mutedColour, anchor: "middle"}, "epoch")
}

// drawLabels writes labels right of a plot, each with a line to its mark.
func drawLabels(d *drawing, labels []label, top, bottom float64) {
	for _, l := range spread(labels, top, bottom) {
		d.line([]point{{plotRight + 5, l.mark}, {plotRight + 9, l.mark}, {labelLeft - 6, l.at}, {labelLeft - 3, l.at}},
			style{stroke: l.colour, width: 1})
		ink := inkColour
		if l.bold {
			ink = l.colour
		}
		d.text(point{labelLeft, l.at + 4}, letters{size: textSize, fill: ink, bold: l.bold}, l.text)
	}
}
