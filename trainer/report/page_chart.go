package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A plot of the page has its legend and its tables. Plots are drawn 400 pixels
// wide, so that letters are readable at 340 as well as at 600.
type plot struct {
	ID, Title string
	Note      string // what it shows, a sentence or two
	Legend    []legendEntry
	SVG       template.HTML
	Tables    []table
}

// legendEntry names a kind of mark. What is drawn in its colour has its dashes, too.
type legendEntry struct {
	Name   string
	Sample template.HTML
}

// table is what a figure shows, in numbers.
type table struct {
	Caption string
	Head    []string
	Rows    []tableLine
	Note    string // what is left out
}

type tableLine struct {
	Player string // that the row is about, such as 0:17
	Cells  []string
}

func (t *table) add(cells ...string) { t.Rows = append(t.Rows, tableLine{Cells: cells}) }

// Where a plot lies in its drawing, in pixels.
const (
	chartWidth  = 400
	chartHeight = 240
	chartLeft   = 48
	chartRight  = chartWidth - 14
	chartTop    = 26
	chartBottom = chartHeight - 40
)

// Colours of the page are variables of its style sheet, which has them for light and dark.
// Those of series are distinct for people who see colours in another way (after Okabe and Ito).
const seriesColours = 8

func seriesColour(n int) string { return fmt.Sprintf("var(--s%d)", n%seriesColours) }

const (
	inkVar   = "var(--ink)"
	mutedVar = "var(--muted)"
	gridVar  = "var(--grid)"
	paperVar = "var(--paper)"
	bandVar  = "var(--band)"
	keptVar  = "var(--s0)"
	denseVar = "var(--dense)"
)

// axis is one of a chart. Numbers beyond its ends lie on them.
type axis struct {
	name string
	scale
	power bool // low and high are exponents of ten
	whole bool // it counts, so that marks are at least one apart
}

func (a axis) at(x float64) float64 {
	if a.power {
		x = math.Log10(max(x, math.SmallestNonzeroFloat64))
	}
	return a.scale.at(min(max(x, a.low), a.high))
}

// marks returns the numbers that stand at the axis, in its own units, and how they are written.
func (a axis) marks(most int) (ticks []float64, write func(float64) string) {
	step := niceStep(a.high-a.low, most)
	switch {
	case a.power:
		return a.ticks(math.Ceil(max(1, (a.high-a.low)/float64(most)))), powerLabel
	case a.logarithmic:
		return a.powerTicks(), tickLabel
	case a.whole:
		step = max(1, step)
	}
	return a.ticks(step), tickLabel
}

// powerLabel writes a power of ten.
func powerLabel(exponent float64) string {
	return "10" + strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").
		Replace(strconv.Itoa(int(exponent)))
}

// chart is a drawing with two axes.
type chart struct {
	*drawing
	across, up axis
}

// newChart draws the axes of a plot.
func newChart(title string, across, up axis) *chart {
	c := &chart{newDrawing(chartWidth, chartHeight, title), across, up}
	c.across.start, c.across.end = chartLeft, chartRight
	c.up.start, c.up.end = chartBottom, chartTop
	ticks, write := c.up.marks(5)
	for _, t := range ticks {
		y := c.up.scale.at(t)
		c.line([]point{{chartLeft, y}, {chartRight, y}}, style{stroke: gridVar, width: 1})
		c.text(point{chartLeft - 6, y + 3.6}, letters{size: tickSize, fill: mutedVar, anchor: "end"}, write(t))
	}
	c.abscissa(c.across, chartBottom)
	c.text(point{(chartLeft + chartRight) / 2, chartHeight - 6}, letters{size: textSize, fill: mutedVar, anchor: "middle"}, across.name)
	c.text(point{4, 13}, letters{size: textSize, fill: mutedVar}, up.name)
	return c
}

// abscissa draws a horizontal axis at a height.
func (d *drawing) abscissa(a axis, y float64) {
	d.line([]point{{a.start, y}, {a.end, y}}, style{stroke: mutedVar, width: 1})
	ticks, write := a.marks(6)
	for _, t := range ticks {
		x := a.scale.at(t)
		d.line([]point{{x, y}, {x, y + 4}}, style{stroke: mutedVar, width: 1})
		d.text(point{x, y + 16}, letters{size: tickSize, fill: mutedVar, anchor: "middle"}, write(t))
	}
}

// place places a point in pixels.
func (c *chart) place(p point) point { return point{c.across.at(p.x), c.up.at(p.y)} }

// html ends the drawing.
func (d *drawing) html() template.HTML {
	d.WriteString("</svg>")
	return template.HTML(d.String()) // it has escaped its texts
}

// band shades a range of the horizontal axis and names it.
func (c *chart) band(from, to float64, name string) {
	a, b := c.across.at(from), c.across.at(to)
	if b-a < 1 {
		return
	}
	c.rectangle(point{a, chartTop}, point{b, chartBottom}, 0, style{fill: bandVar})
	if textWidth(name, tickSize) < b-a {
		c.text(point{(a + b) / 2, chartTop - 5}, letters{size: tickSize, fill: mutedVar, anchor: "middle"}, name)
	}
}

// lines draws series, in steps or straight, and returns their legend.
func (c *chart) lines(all []series, steps bool) (legend []legendEntry) {
	for _, s := range all {
		if len(s.points) == 0 {
			continue
		}
		var placed []point
		for _, p := range thin(s.points) {
			placed = append(placed, c.place(p))
		}
		if steps {
			placed = stairs(placed)
		}
		c.line(placed, style{stroke: s.colour, width: 2, dashes: s.dashes})
		if len(placed) == 1 {
			c.circle(placed[0], 3, style{fill: s.colour})
		}
		legend = append(legend, legendEntry{s.name, sample(`<line x1="0" x2="26" y1="6" y2="6" stroke-width="2.5" stroke="%s" stroke-dasharray="%s"/>`, s.colour, s.dashes)})
	}
	return legend
}

// sample draws a mark for a legend.
func sample(format string, args ...any) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="sample" width="26" height="12" viewBox="0 0 26 12" aria-hidden="true">`+format+`</svg>`, args...))
}

// reach returns an axis from the least to the greatest number of the series, to nice ends.
func reach(all []series, zero bool) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range all {
		for _, p := range s.points {
			low, high = min(low, p.y), max(high, p.y)
		}
	}
	if zero {
		low = min(low, 0)
	}
	return niceScale(low, high)
}

func niceScale(low, high float64) scale {
	if !(high >= low) || math.IsInf(high, 0) || math.IsInf(low, 0) {
		return scale{low: 0, high: 1}
	}
	if high == low {
		high = low + max(1e-9, math.Abs(low)/10)
	}
	step := niceStep(high-low, 5)
	return scale{low: math.Floor(low/step+1e-9) * step, high: math.Ceil(high/step-1e-9) * step}
}

// powers returns an axis of logarithms over all numbers above zero, and at most six decades.
func powers(numbers []float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range numbers {
		if x > 0 && !math.IsInf(x, 0) {
			low, high = min(low, math.Log10(x)), max(high, math.Log10(x))
		}
	}
	if !(high >= low) {
		return scale{low: -1, high: 0}
	}
	const most = 6
	high = math.Ceil(high + 1e-9)
	return scale{low: max(min(math.Floor(low), high-1), high-most), high: high}
}

// tableOf lists series with the same abscissas, a column each.
func tableOf(caption, across string, all []series) table {
	t := table{Caption: caption, Head: []string{across}}
	rows := map[float64][]string{}
	for n, s := range all {
		t.Head = append(t.Head, s.name)
		for _, p := range s.points {
			if rows[p.x] == nil {
				rows[p.x] = slices.Repeat([]string{"–"}, len(all))
			}
			rows[p.x][n] = strconv.FormatFloat(p.y+0, 'g', 5, 64)
		}
	}
	abscissas := make([]float64, 0, len(rows))
	for x := range rows {
		abscissas = append(abscissas, x)
	}
	slices.SortFunc(abscissas, cmp.Compare[float64])
	const most = 500
	if left := len(abscissas) - most; left > 0 {
		t.Note = fmt.Sprintf("The first %d rows are left out.", left)
		abscissas = abscissas[left:]
	}
	for _, x := range abscissas {
		t.add(append([]string{strconv.FormatFloat(x, 'g', 6, 64)}, rows[x]...)...)
	}
	return t
}
