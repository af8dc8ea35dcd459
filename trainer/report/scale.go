package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// scale maps numbers to pixels along one axis: from low at start to high at end.
type scale struct {
	low, high  float64
	start, end float64
	// logarithmic spaces n by log(1+n), which has room for zero.
	logarithmic bool
}

func (s scale) at(x float64) float64 {
	low, high := s.low, s.high
	if s.logarithmic {
		low, high, x = math.Log1p(low), math.Log1p(high), math.Log1p(max(x, 0))
	}
	if !(high > low) {
		return s.start
	}
	return s.start + (x-low)/(high-low)*(s.end-s.start)
}

// mantissas are the first digits of numbers at which an axis is marked.
var mantissas = []float64{1, 2, 5}

// niceStep returns the smallest of ... 0.5, 1, 2, 5, 10, ... that goes into span
// at most the given number of times.
func niceStep(span float64, most int) float64 {
	step := span / float64(most)
	if !(step > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, m := range mantissas {
		// A little slack, so that rounding does not skip a step.
		if m*power >= step*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// ticks returns the multiples of step from low to high.
func (s scale) ticks(step float64) []float64 {
	var ticks []float64
	first, last := math.Ceil(s.low/step-1e-9), math.Floor(s.high/step+1e-9)
	for k := first; k <= last; k++ {
		ticks = append(ticks, k*step)
	}
	return ticks
}

// leastTickGap is how near marks of an axis may be, in pixels.
const leastTickGap = 17

// powerTicks returns marks of a logarithmic scale: zero and 1, 2 and 5 times the
// powers of ten, without those that come too near to a more important one.
func (s scale) powerTicks() []float64 {
	var ticks []float64
	add := func(x float64) {
		if x < s.low || x > s.high {
			return
		}
		for _, t := range ticks {
			if math.Abs(s.at(t)-s.at(x)) < leastTickGap {
				return
			}
		}
		ticks = append(ticks, x)
	}
	add(0)
	for _, m := range []float64{1, 5, 2} {
		for power := 1.; power <= s.high; power *= 10 {
			add(m * power)
		}
	}
	slices.Sort(ticks)
	return ticks
}

// tickLabel writes the number at a tick; adding zero makes a plain zero of a
// negative one.
func tickLabel(x float64) string {
	if x >= 1000 && x < math.MaxInt32 {
		return Thousands(int(math.Round(x)))
	}
	return strconv.FormatFloat(x+0, 'g', 6, 64)
}

// grid draws the lines and numbers of a vertical axis, between two edges.
func (d *drawing) grid(left, right float64, up scale, ticks []float64) {
	for _, t := range ticks {
		y := up.at(t)
		d.line([]point{{left, y}, {right, y}}, style{stroke: gridColour, width: 1})
		d.text(point{left - 7, y + 3.6}, letters{size: tickSize, fill: mutedColour, anchor: "end"}, tickLabel(t))
	}
}

// axis draws a horizontal axis at a height, with marks and their numbers.
func (d *drawing) axis(across scale, y float64, ticks []float64) {
	d.line([]point{{across.start, y}, {across.end, y}}, style{stroke: mutedColour, width: 1})
	for _, t := range ticks {
		x := across.at(t)
		d.line([]point{{x, y}, {x, y + 4}}, style{stroke: mutedColour, width: 1})
		d.text(point{x, y + 16}, letters{size: tickSize, fill: mutedColour, anchor: "middle"}, tickLabel(t))
	}
}

// label is a text that belongs to a mark and may be moved along one axis.
type label struct {
	text   string
	colour string
	bold   bool
	mark   float64 // where the mark is, in pixels
	at     float64 // the middle of the text
	room   float64 // that the text takes along the axis
}

// spread places labels as near to their marks as they can be without touching
// or leaving the range from low to high; where there is not room enough for all,
// the last ones are left out.
func spread(labels []label, low, high float64) []label {
	room := 0.
	for i, l := range labels {
		if room += l.room; room > high-low {
			labels = labels[:i]
			break
		}
	}
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.mark, b.mark) })
	// Groups of labels that touch move as one, with their marks' mean in the
	// middle; a group that then touches the one before joins it.
	type group struct {
		first, count  int
		room, desired float64 // desired: where the group's start would best be
	}
	place := func(g group) float64 { return min(max(g.desired, low), high-g.room) }
	var groups []group
	for i, l := range labels {
		g := group{first: i, count: 1, room: l.room, desired: l.mark - l.room/2}
		for len(groups) > 0 {
			before := groups[len(groups)-1]
			if place(before)+before.room <= place(g) {
				break
			}
			all := float64(before.count + g.count)
			g = group{
				first: before.first, count: before.count + g.count, room: before.room + g.room,
				desired: (before.desired*float64(before.count) + (g.desired-before.room)*float64(g.count)) / all,
			}
			groups = groups[:len(groups)-1]
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		at := place(g)
		for i := g.first; i < g.first+g.count; i++ {
			labels[i].at = at + labels[i].room/2
			at += labels[i].room
		}
	}
	return labels
}

// mostPoints is how many points of a line are drawn: more than the pixels that
// it has to show them.
const mostPoints = 1000

// thin returns about mostPoints of points, evenly, with the first and the last.
func thin(points []point) []point {
	n := len(points)
	if n <= mostPoints {
		return points
	}
	thinned := make([]point, mostPoints)
	for i := range thinned {
		thinned[i] = points[i*(n-1)/(mostPoints-1)]
	}
	return thinned
}
