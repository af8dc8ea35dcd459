package report

import (
	"fmt"
	"math"
	"slices"
)

// drawPlayers draws how many players each hidden layer has, in steps, and how
// many the market asks for, on a logarithmic scale.
func drawPlayers(d *drawing, run *Run, epochs scale) {
	start := run.Result.Dense.Shape
	end := start
	if run.removes() {
		end = run.Result.Pruned.Shape
	}
	start, end = start[1:len(start)-1], end[1:len(end)-1]

	const headroom = 1.08                          // so that the widest layer does not lie on the upper edge
	most := slices.Max(append([]int{1}, start...)) // a network may have no gates
	least := slices.Min(append([]int{most}, end...))
	for _, r := range run.Rounds {
		least = min(least, slices.Min(r.Players), slices.Min(r.Demand))
	}
	numbers := scale{
		low: float64(niceFloor(least)), high: headroom * float64(most),
		start: playersBottom, end: playersTop, logarithmic: true,
	}
	heading := "hidden layer"
	if !run.Result.Perceptron() {
		heading = run.axis()
	}
	d.text(point{plotLeft, headingLine}, letters{size: headingSize, fill: inkColour, bold: true}, "Players of each "+heading)
	d.grid(plotLeft, plotRight, numbers, numbers.powerTicks())

	layers := len(start)
	var labels []label
	// Where there are more layers than lines to write in, some are left out.
	every := 1 + (layers-1)/int((playersBottom-playersTop)/labelRoom)
	for l := range layers {
		colour := layerColour(l, layers)
		steps, demand := courseOf(run, l, start[l], end[l])
		d.line(inPixels(demand, epochs, numbers), style{stroke: colour, width: 1, dashes: "3 2"})
		d.line(stairs(inPixels(steps, epochs, numbers)), style{stroke: colour, width: 2})
		if l%every == 0 {
			labels = append(labels, label{
				text: gateLabel(run.axis(), run.gate(l), end[l], start[l]), colour: colour,
				mark: numbers.at(float64(end[l])), room: labelRoom,
			})
		}
	}
	drawLabels(d, labels, playersTop-labelRoom/2, playersBottom+labelRoom/2)
	nameDemand(d, run, epochs, numbers)
}

// gateLabel names a gate and says how many of its players stay, in the room between plot and
// networks. A name that is too long has lost its beginning.
func gateLabel(axis, gate string, kept, players int) string {
	const room = networkLeft - labelLeft - 8
	count := fmt.Sprintf("%s: %s of %s", gate, Thousands(kept), Thousands(players))
	text := axis + " " + count
	if textWidth(text, textSize) > room {
		text = count
	}
	name := []rune(gate)
	for cut := 0; textWidth(text, textSize) > room && cut < len(name); cut++ {
		text = fmt.Sprintf("…%s: %s", string(name[cut:]), Thousands(kept))
	}
	return text
}

// courseOf returns the players and the demand of a hidden layer over the epochs.
func courseOf(run *Run, l, start, end int) (steps, demand []point) {
	steps = []point{{0, float64(start)}}
	if len(run.Rounds) > 0 {
		opens, _ := market(run.Config)
		demand = []point{{opens, float64(start)}}
	}
	for _, r := range run.Rounds {
		x := roundEpoch(run, r.Round)
		steps = append(steps, point{x, float64(r.Players[l])})
		demand = append(demand, point{x, float64(r.Demand[l])})
	}
	return append(steps, point{float64(run.Config.Epochs), float64(end)}), demand
}

// roundEpoch returns when a round takes place, in epochs.
func roundEpoch(run *Run, round int) float64 {
	opens, closes := market(run.Config)
	return opens + float64(round)/float64(run.Config.Rounds)*(closes-opens)
}

// nameDemand writes what the dashed lines are. Left below the lowest of them
// nothing else is drawn, as demand never rises; if there is no room, it goes
// into the heading.
func nameDemand(d *drawing, run *Run, epochs, numbers scale) {
	if len(run.Rounds) == 0 {
		return
	}
	const name, along, gap, below = "demand", 0.45, 3, 11
	r := run.Rounds[int(along*float64(len(run.Rounds)))]
	x, y := epochs.at(roundEpoch(run, r.Round))-gap, numbers.at(float64(slices.Min(r.Demand)))+below
	l := letters{size: tickSize, fill: mutedColour, anchor: "end"}
	if x-textWidth(name, tickSize) < plotLeft {
		d.text(point{plotRight, headingLine}, l, "dashed: demand")
		return
	}
	d.text(point{x, y}, l, name)
}

// inPixels places points of a plot.
func inPixels(points []point, across, up scale) []point {
	placed := make([]point, 0, len(points))
	for _, p := range thin(points) {
		placed = append(placed, point{across.at(p.x), up.at(p.y)})
	}
	return placed
}

// stairs turns a line through points into one that keeps its height until the
// next point and changes there. Heights that stay need no corner.
func stairs(points []point) []point {
	var line []point
	for i, p := range points {
		switch last := i == len(points)-1; {
		case i == 0:
			line = append(line, p)
		case p.y != points[i-1].y:
			line = append(line, point{p.x, points[i-1].y}, p)
		case last:
			line = append(line, p)
		}
	}
	return line
}

// niceFloor returns the largest of 0, 1, 2, 5, 10, 20, ... that is not above n.
func niceFloor(n int) int {
	floor := 0
	for power := 1; power <= n && power < math.MaxInt/10; power *= 10 {
		for _, m := range mantissas {
			if x := int(m) * power; x <= n {
				floor = x
			}
		}
	}
	return floor
}
