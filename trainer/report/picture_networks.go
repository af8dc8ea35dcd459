package report

import (
	"math"
	"slices"
	"strconv"

	"nashprune/trainer/record"
)

// Where the networks and the table below them are, in pixels.
const (
	columnHeight = 66 // of the widest layer
	denseMiddle  = 134
	prunedMiddle = 246
	tableTop     = 324
	tableRow     = 20
)

// drawNetworks draws the dense and the pruned network as columns, one a layer,
// whose heights are the square roots of the widths, and what they do in numbers.
func drawNetworks(d *drawing, run *Run) {
	dense, metric := run.Result.Dense, measureOf(run.Result.Task)
	if !run.removes() {
		drawNetwork(d, "Network", dense.Shape, dense.Shape, denseMiddle, denseColour)
		drawTable(d, tableTop-(prunedMiddle-denseMiddle), [][]string{
			{metric.brief, metric.text(dense)},
			{"parameters", brief(dense.Parameters)},
			append([]string{"latency"}, latencies(dense)...),
		})
		return
	}
	pruned := run.Result.Pruned.NetworkResult
	drawNetwork(d, "Dense", dense.Shape, dense.Shape, denseMiddle, denseColour)
	drawNetwork(d, "Pruned", pruned.Shape, dense.Shape, prunedMiddle, prunedColour)
	took := latencies(dense, pruned)
	drawTable(d, tableTop, [][]string{
		{"", "dense", "pruned", ""},
		{metric.brief, metric.text(dense), metric.text(pruned), metric.change(dense, pruned, points)},
		{"parameters", brief(dense.Parameters), brief(pruned.Parameters),
			timesSign(times(dense.Parameters, pruned.Parameters, "fewer", "more"))},
		{"latency", took[0], took[1], timesSign(times(dense.LatencyUS, pruned.LatencyUS, "faster", "slower"))},
	})
}

// drawNetwork draws the layers of a network around a height, with shadows of
// the widths that they had.
func drawNetwork(d *drawing, name string, shape, had []int, middle float64, colour string) {
	d.text(point{networkLeft, middle - columnHeight/2 - 11}, letters{size: headingSize, fill: colour, bold: true}, name)
	count := Thousands(players(shape)) + " players"
	if players(shape) == 1 {
		count = "1 player"
	}
	d.text(point{networkRight, middle - columnHeight/2 - 11}, letters{size: textSize, fill: mutedColour, anchor: "end"}, count)

	pitch := (networkRight - networkLeft) / float64(len(shape))
	const widest, part = 30, 0.5 // of a column, and of the room that it has
	half := min(widest, part*pitch) / 2
	tallest := math.Sqrt(float64(max(1, slices.Max(had))))
	// Half the height of a layer. In proportion to the widths themselves the
	// outputs would vanish beside the inputs.
	height := func(width int) float64 { return columnHeight / 2 * math.Sqrt(float64(width)) / tallest }
	at := func(l int) float64 { return networkLeft + pitch*(float64(l)+0.5) }
	longest := 0.
	for l, width := range shape {
		longest = max(longest, textWidth(Thousands(width), tickSize))
		if l > 0 {
			from, to := height(shape[l-1]), height(width)
			d.polygon([]point{
				{at(l-1) + half, middle - from}, {at(l) - half, middle - to},
				{at(l) - half, middle + to}, {at(l-1) + half, middle + from},
			}, style{fill: colour, opacity: 0.13})
		}
	}
	const thinnest = 0.75 // half the height at which an empty layer still shows
	for l, width := range shape {
		fill := mutedColour
		if l > 0 && l < len(shape)-1 {
			fill = layerColour(l-1, len(shape)-2)
		}
		if had[l] > width {
			d.rectangle(point{at(l) - half, middle - height(had[l])}, point{at(l) + half, middle + height(had[l])}, 2, style{fill: ghostColour})
		}
		h := max(thinnest, height(width))
		d.rectangle(point{at(l) - half, middle - h}, point{at(l) + half, middle + h}, min(2, h), style{fill: fill})
		if longest <= pitch {
			d.text(point{at(l), middle + columnHeight/2 + 13}, letters{size: tickSize, fill: inkColour, anchor: "middle"}, Thousands(width))
		}
	}
}

// Where the columns of the dense network's and the pruned one's figures end.
const (
	denseRoom  = 118
	prunedRoom = 173
)

// drawTable writes rows of a name, the dense network's figure, the pruned one's
// and how they compare.
func drawTable(d *drawing, top float64, rows [][]string) {
	ends := []float64{0, networkLeft + denseRoom, networkLeft + prunedRoom, networkRight}
	if len(rows[0]) == 2 { // nothing to compare with
		ends[1] = networkRight
	}
	for i, row := range rows {
		y := top + tableRow*float64(i)
		if i > 0 {
			d.line([]point{{networkLeft, y - 14}, {networkRight, y - 14}}, style{stroke: gridColour, width: 1})
		}
		for column, cell := range row {
			l := letters{size: textSize, fill: inkColour, anchor: "end"}
			at := point{ends[column], y}
			switch {
			case column == 0:
				l.fill, l.anchor, at.x = mutedColour, "", networkLeft
			case column == 3:
				l.fill, l.bold = prunedColour, true
			case row[0] == "":
				l.fill = mutedColour
			}
			if cell != "" {
				d.text(at, l, cell)
			}
		}
	}
}

// points writes a difference of percentages, with as many digits as there is room for.
func points(difference float64) string {
	const least = 0.005 // of two digits after the point
	sign, digits := "+", 2
	if math.Abs(difference) >= 9.995 {
		digits = 1
	}
	switch {
	case math.Abs(difference) < least:
		return "the same"
	case difference < 0:
		sign = "−"
	}
	return sign + strconv.FormatFloat(math.Abs(difference), 'f', digits, 64) + " points"
}

// brief writes a count, in millions from there on: all digits would run into the name
// of their row.
func brief(n int) string {
	const million = 1e6
	switch {
	case n >= 10*million:
		return strconv.FormatFloat(float64(n)/million, 'f', 1, 64) + " M"
	case n >= million:
		return strconv.FormatFloat(float64(n)/million, 'f', 2, 64) + " M"
	}
	return Thousands(n)
}

// latencies writes the latencies of networks in one unit, and a dash for one that was not measured.
func latencies(networks ...record.NetworkResult) []string {
	unit, name := 1., " µs"
	for _, n := range networks {
		if n.LatencyUS >= 1e5 { // from here on microseconds are too long to read
			unit, name = 1e3, " ms"
		}
	}
	var words []string
	for _, n := range networks {
		switch is := n.LatencyUS / unit; {
		case is == 0:
			words = append(words, "-")
		case is < 1:
			words = append(words, strconv.FormatFloat(is, 'g', 2, 64)+name)
		case is < 10:
			words = append(words, strconv.FormatFloat(is, 'f', 1, 64)+name)
		default:
			words = append(words, Thousands(int(is+0.5))+name)
		}
	}
	return words
}
