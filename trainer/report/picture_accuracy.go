package report

import (
	"math"

	"nashprune/trainer/record"
)

// Accuracies stand here for the measure of a task (see measure): in regression they are
// the variance explained.

// series is one line of accuracies, in percent over the epochs.
type series struct {
	name   string
	colour string
	dashes string
	points []point
}

// finalAccuracy is the accuracy that a network is evaluated by.
type finalAccuracy struct {
	name     string
	colour   string
	accuracy float64
}

// drawAccuracies draws the accuracies over the epochs, of the run and of its
// baseline, and the final ones that they are evaluated by.
func drawAccuracies(d *drawing, run *Run, epochs scale) {
	metric := measureOf(run.Result.Task)
	lines, evaluated := accuraciesOf(run), finalAccuraciesOf(run)
	percents := accuracyScale(metric, lines, evaluated)
	d.text(point{plotLeft, accuracyTop - 10}, letters{size: headingSize, fill: inkColour, bold: true}, metric.axis)
	const mostTicks = 5
	d.grid(plotLeft, plotRight, percents, percents.ticks(niceStep(percents.high-percents.low, mostTicks)))

	var labels []label
	for _, j := range evaluated {
		labels = append(labels, label{
			text: j.name + " " + percent(j.accuracy), colour: j.colour, bold: true,
			mark: percents.at(max(j.accuracy, percents.low)), room: labelRoom,
		})
	}
	for _, s := range lines {
		if len(s.points) == 0 {
			continue
		}
		placed := inPixels(s.points, epochs, percents)
		d.line(placed, style{stroke: s.colour, width: 1.6, dashes: s.dashes, clip: "accuracies"})
		if len(placed) == 1 {
			const radius = 2.5
			d.circle(point{placed[0].x, min(placed[0].y, accuracyBottom)}, radius, style{fill: paperColour, stroke: s.colour, width: 1.6})
		}
		mark := min(placed[len(placed)-1].y, accuracyBottom)
		labels = append(labels, label{text: s.name, colour: s.colour, mark: mark, room: labelRoom})
	}
	for _, j := range evaluated {
		const radius = 4.5
		d.circle(point{plotRight, percents.at(max(j.accuracy, percents.low))}, radius, style{fill: j.colour, stroke: paperColour, width: 1.5})
	}
	drawLabels(d, labels, accuracyTop-labelRoom, accuracyBottom+labelRoom)
}

// accuraciesOf returns the accuracies of the run's own training and of its
// baseline, in training and, where there are such samples, in validation.
func accuraciesOf(run *Run) []series {
	const dashes = "4 2.5"
	metric := measureOf(run.Result.Task)
	own, colour := record.GameTraining, prunedColour
	if run.ranked() {
		own = record.RankingTraining
	}
	if !run.removes() {
		own, colour = record.DenseTraining, denseColour
	}
	lines := []series{
		{name: "training", colour: colour}, {name: "validation", colour: colour, dashes: dashes},
		{name: "dense, training", colour: denseColour}, {name: "dense, validation", colour: denseColour, dashes: dashes},
	}
	for _, line := range run.Epochs {
		first := 0
		switch line.Training {
		case own:
		case record.DenseTraining:
			first = 2
		default:
			continue
		}
		for i, figure := range []*float64{metric.inTraining(line), metric.inValidation(line)} {
			if figure != nil {
				s := &lines[first+i]
				s.points = append(s.points, point{float64(line.Epoch), max(*figure, metric.least)})
			}
		}
	}
	return lines
}

// finalAccuraciesOf returns the final accuracies, the more important first.
func finalAccuraciesOf(run *Run) []finalAccuracy {
	var evaluated []finalAccuracy
	metric := measureOf(run.Result.Task)
	if p := run.Result.Pruned; p != nil {
		if figure := metric.of(p.Quality); figure != nil {
			evaluated = append(evaluated, finalAccuracy{"pruned", prunedColour, *figure})
		}
	}
	if dense := run.Result.Dense; dense.Source != record.NotTrained {
		if figure := metric.of(dense.Quality); figure != nil {
			evaluated = append(evaluated, finalAccuracy{"dense", denseColour, *figure})
		}
	}
	return evaluated
}

// The accuracy axis shows at least so many points of a percent, and reaches at
// most so far below the lowest evaluated accuracy: what a network does in its first
// epochs would make the end unreadable.
const (
	leastAccuracies = 1.
	belowFinal      = 6.
)

// accuracyScale returns an axis that holds all evaluated accuracies, and of the
// lines what comes after the first epoch and is not too far below those.
func accuracyScale(metric measure, lines []series, evaluated []finalAccuracy) scale {
	low, high := 100., metric.least
	for _, j := range evaluated {
		low, high = min(low, max(j.accuracy, metric.least)), max(high, j.accuracy)
	}
	floor := low - belowFinal
	if len(evaluated) == 0 {
		floor = metric.least
	}
	for _, s := range lines {
		for i, p := range s.points {
			if i > 0 || len(s.points) == 1 {
				low = min(low, max(p.y, floor))
			}
			high = max(high, p.y)
		}
	}
	low = min(low, 100-leastAccuracies)
	high = max(high, low+leastAccuracies)
	const mostSteps = 5
	step := niceStep(high-low, mostSteps)
	return scale{
		low: max(metric.least, math.Floor(low/step)*step), high: min(100, math.Ceil(high/step)*step),
		start: accuracyBottom, end: accuracyTop,
	}
}
