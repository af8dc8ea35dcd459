package report

import (
	"math"

	"nashprune/trainer"
)

// series is one line of accuracies, in percent over the epochs.
type series struct {
	name   string
	colour string
	dashes string
	points []point
}

// judgement is the accuracy that a network is judged by.
type judgement struct {
	name     string
	colour   string
	accuracy float64
}

// drawAccuracies draws the accuracies over the epochs, of the run and of its
// baseline, and the final ones that they are judged by.
func drawAccuracies(d *drawing, run *Run, epochs scale) {
	lines, judged := accuraciesOf(run), judgementsOf(run)
	percents := accuracyScale(lines, judged)
	d.text(point{plotLeft, accuracyTop - 10}, letters{size: headingSize, fill: inkColour, bold: true}, "Accuracy, %")
	const mostTicks = 5
	drawGrid(d, percents, percents.ticks(niceStep(percents.high-percents.low, mostTicks)))

	var labels []label
	for _, j := range judged {
		labels = append(labels, label{
			text: j.name + " " + percent(&j.accuracy), colour: j.colour, bold: true,
			mark: percents.at(j.accuracy), room: labelRoom,
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
	for _, j := range judged {
		const radius = 4.5
		d.circle(point{plotRight, percents.at(j.accuracy)}, radius, style{fill: j.colour, stroke: paperColour, width: 1.5})
	}
	drawLabels(d, labels, accuracyTop-labelRoom, accuracyBottom+labelRoom)
}

// accuraciesOf returns the accuracies of the run's own training and of its
// baseline, in training and, where there are such samples, in validation.
func accuraciesOf(run *Run) []series {
	const dashes = "4 2.5"
	own, colour := trainer.GameTraining, prunedColour
	if !run.hasGame() {
		own, colour = trainer.DenseTraining, denseColour
	}
	lines := []series{
		{name: "training", colour: colour}, {name: "validation", colour: colour, dashes: dashes},
		{name: "dense, training", colour: denseColour}, {name: "dense, validation", colour: denseColour, dashes: dashes},
	}
	for _, line := range run.Epochs {
		first := 0
		switch line.Training {
		case own:
		case trainer.DenseTraining:
			first = 2
		default:
			continue
		}
		training, validation := &lines[first], &lines[first+1]
		training.points = append(training.points, point{float64(line.Epoch), line.Accuracy})
		if line.ValidationAccuracy != nil {
			validation.points = append(validation.points, point{float64(line.Epoch), *line.ValidationAccuracy})
		}
	}
	return lines
}

// judgementsOf returns the final accuracies, the more important first.
func judgementsOf(run *Run) []judgement {
	var judged []judgement
	if p := run.Result.Pruned; p != nil {
		judged = append(judged, judgement{"pruned", prunedColour, *p.Accuracy})
	}
	if dense := run.Result.Dense; dense.Accuracy != nil && dense.Source != trainer.NotTrained {
		judged = append(judged, judgement{"dense", denseColour, *dense.Accuracy})
	}
	return judged
}

// The accuracy axis shows at least so many points of a percent, and reaches at
// most so far below the lowest judged accuracy: what a network does in its first
// epochs would make the end unreadable.
const (
	leastAccuracies = 1.
	belowJudged     = 6.
)

// accuracyScale returns an axis that holds all judged accuracies, and of the
// lines what comes after the first epoch and is not too far below those.
func accuracyScale(lines []series, judged []judgement) scale {
	low, high := math.Inf(1), 0.
	for _, j := range judged {
		low, high = min(low, j.accuracy), max(high, j.accuracy)
	}
	floor := low - belowJudged
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
		low: max(0, math.Floor(low/step)*step), high: min(100, math.Ceil(high/step)*step),
		start: accuracyBottom, end: accuracyTop,
	}
}
