package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/compare"
)

// FrontFile is the picture of a comparison, beside its report.
const FrontFile = "front.svg"

// The layout of the picture, in pixels: three panels of the same scales, each with its
// labels on its right.
const (
	frontHeight = 470
	frontTop    = 116
	frontBottom = 400
	frontWidth  = 112
	frontLabels = 12 // from a panel to its labels
)

// frontPanels are the left edges of the panels, and what they show.
var frontPanels = []struct {
	left    float64
	shape   compare.Shape
	heading string
}{
	{50, compare.Free, "Layers that methods find"},
	{364, compare.Equal, "In proportion to the layers"},
	{678, compare.Parameters, "As many parameters as those"},
}

// methodColours are those of the methods in the order of a report, without the market,
// which has one of its own.
var methodColours = []string{
	"#8c8f94", "#b2182b", "#d6604d", "#e08214", "#5e3c99", "#c51b7d", "#de77ae", "#1b7837", "#2166ac", "#0f0f0f",
	"#8c510a", "#bf812d", "#01665e", "#35978f", "#4d4d4d", "#762a83", "#9970ab", "#1a1a80", "#5aae61",
}

// SaveFront draws a comparison into its folder.
func SaveFront(dir string, r *compare.Report) error {
	return atomicfile.Write(filepath.Join(dir, FrontFile), func(w io.Writer) error { return Front(w, r) })
}

// Front writes an SVG of 960 by 470 pixels that shows how well every method does with
// how many players, mean and deviation over the seeds, at the shapes that do not follow
// from a winner. Errors are those of w.
func Front(w io.Writer, r *compare.Report) error {
	metric := measureOf(r.Task)
	d := newDrawing(pictureWidth, frontHeight, fmt.Sprintf("%s by players kept, on %s", metric.name, shorten(r.Data.Name, longestName)))
	d.paper(pictureWidth, frontHeight)
	d.text(point{margin, titleLine}, letters{size: titleSize, fill: inkColour, bold: true}, "How well methods prune")
	d.text(point{margin, subtitleLine}, letters{size: headingSize, fill: mutedColour}, fmt.Sprintf(
		"%s, %s, %s epochs, %s  ·  %s on %s, mean and deviation", shorten(r.Data.Name, longestName), r.Model, Thousands(r.Epochs), seeds(r.Seeds), metric.name, evaluatedOn(r.Data)))
	up := frontScale(r, metric)
	for _, panel := range frontPanels {
		drawFront(d, r, panel.shape, panel.left, up)
		d.text(point{panel.left, frontTop - 14}, letters{size: headingSize, fill: inkColour, bold: true}, panel.heading)
	}
	return d.finish(w)
}

// frontLine is a method in a panel.
type frontLine struct {
	name    string
	colour  string
	width   float64
	entries []compare.Entry
}

// frontLines returns the methods of a panel that came to anything, the market last so
// that it lies on top.
func frontLines(r *compare.Report, shape compare.Shape) []frontLine {
	var lines []frontLine
	at, colours := map[string]int{}, map[string]string{}
	for _, e := range r.Entries {
		drawn := frontLine{name: e.Method, colour: prunedColour, width: 2.6}
		if e.Method != compare.Reference {
			if colours[e.Method] == "" {
				colours[e.Method] = methodColours[len(colours)%len(methodColours)]
			}
			drawn.colour, drawn.width = colours[e.Method], 1.4
		}
		if e.Mean == nil || e.Shape != shape {
			continue
		}
		if _, ok := at[drawn.name]; !ok {
			at[drawn.name] = len(lines)
			lines = append(lines, drawn)
		}
		line := &lines[at[drawn.name]]
		line.entries = append(line.entries, e)
	}
	slices.Reverse(lines)
	return lines
}

// frontScale returns an axis that holds the market's figures, and of the others what is
// not too far below.
func frontScale(r *compare.Report, metric measure) scale {
	low, high, market := math.Inf(1), metric.least, math.Inf(1)
	for _, e := range r.Entries {
		if e.Mean == nil {
			continue
		}
		low, high = min(low, *e.Mean), max(high, *e.Mean)
		if e.Method == compare.Reference {
			market = min(market, *e.Mean)
		}
	}
	low = max(metric.least, low)
	if !math.IsInf(market, 1) {
		low = max(low, market-belowFinal)
	}
	const mostSteps = 8
	low = min(low, 100-leastAccuracies)
	high = max(high, low+leastAccuracies)
	step := niceStep(high-low, mostSteps)
	return scale{low: math.Floor(low/step) * step, high: min(100, math.Ceil(high/step)*step), start: frontBottom, end: frontTop}
}

// drawFront draws one panel: fewer players on the right, where methods differ most.
func drawFront(d *drawing, r *compare.Report, shape compare.Shape, left float64, up scale) {
	lines := frontLines(r, shape)
	most, least := 0, math.MaxInt
	for _, e := range r.Entries {
		most, least = max(most, e.Keep), min(least, e.Keep)
	}
	across := scale{low: -math.Log(float64(most)), high: -math.Log(float64(least)), start: left + 8, end: left + frontWidth - 8}
	place := func(e compare.Entry, y float64) point {
		return point{across.at(-math.Log(float64(e.Keep))), up.at(max(y, up.low))}
	}
	d.grid(left, left+frontWidth, up, up.ticks(niceStep(up.high-up.low, 8)))
	d.line([]point{{left, frontBottom}, {left + frontWidth, frontBottom}}, style{stroke: mutedColour, width: 1})
	seen := map[int]bool{}
	for _, e := range r.Entries {
		if seen[e.Keep] {
			continue
		}
		seen[e.Keep] = true
		x := place(e, 0).x
		d.line([]point{{x, frontBottom}, {x, frontBottom + 4}}, style{stroke: mutedColour, width: 1})
		d.text(point{x, frontBottom + 16}, letters{size: tickSize, fill: mutedColour, anchor: "middle"}, tickLabel(float64(e.Keep)))
	}
	d.text(point{left + frontWidth/2, frontBottom + 33}, letters{size: textSize, fill: mutedColour, anchor: "middle"}, "players kept")

	var labels []label
	below := false
	for i, l := range lines {
		var points []point
		for _, e := range l.entries {
			points = append(points, place(e, *e.Mean))
			if e.Deviation != nil {
				d.line([]point{place(e, *e.Mean-*e.Deviation), place(e, min(*e.Mean+*e.Deviation, up.high))}, style{stroke: l.colour, width: 1, opacity: 0.5})
			}
		}
		d.line(points, style{stroke: l.colour, width: l.width})
		for j, p := range points {
			const radius, half, tall = 2.6, 3.6, 6
			if *l.entries[j].Mean < up.low { // else it would seem to lie on the axis
				below = true
				d.polygon([]point{{p.x - half, p.y - tall}, {p.x + half, p.y - tall}, p}, style{fill: l.colour})
				continue
			}
			d.circle(p, radius, style{fill: l.colour})
		}
		fewest := slices.MinFunc(l.entries, func(a, b compare.Entry) int { return cmp.Compare(a.Keep, b.Keep) })
		labels = append(labels, label{
			text: fmt.Sprintf("%s %.2f", l.name, *fewest.Mean), colour: l.colour, bold: i == len(lines)-1,
			mark: place(fewest, *fewest.Mean).y, room: labelRoom,
		})
	}
	if below {
		d.text(point{left + frontWidth/2, frontBottom + 49}, letters{size: tickSize, fill: mutedColour, anchor: "middle"}, "triangles: below the axis")
	}
	for _, l := range spread(labels, frontTop-labelRoom, frontBottom+2*labelRoom) {
		x := left + frontWidth
		d.line([]point{{x - 4, l.mark}, {x + 2, l.mark}, {x + frontLabels - 4, l.at}, {x + frontLabels - 1, l.at}}, style{stroke: l.colour, width: 1})
		d.text(point{x + frontLabels, l.at + 3.6}, letters{size: tickSize, fill: l.colour, bold: l.bold}, l.text)
	}
}
