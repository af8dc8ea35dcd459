package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/bench"
)

// benchUse writes a table a device about how long networks take in use.
func benchUse(b *strings.Builder, r *bench.Report) error {
	for _, d := range r.Devices {
		fmt.Fprintf(b, "\n%s, a forward pass\n\n", d.ID())
		table := newTable(b)
		head := []string{"batch"}
		for i, n := range r.Networks {
			head = append(head, n.Name, "of most")
			if i > 0 {
				head = append(head, "faster")
			}
		}
		row(table, head...)
		for _, first := range useTimes(r.Networks[0], d) {
			cells := []string{Thousands(first.Batch)}
			for i, n := range r.Networks {
				for _, t := range useTimes(n, d) {
					if t.Batch != first.Batch {
						continue
					}
					part := 0.
					if t.Least <= t.Microseconds {
						part = t.Least / t.Microseconds
					}
					cells = append(cells, duration(t.Microseconds/1e6), fraction(part))
					if i > 0 {
						cells = append(cells, fmt.Sprintf("%.3gx", first.Microseconds/t.Microseconds))
					}
				}
			}
			row(table, cells...)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintln(b)
	for _, n := range r.Networks {
		fmt.Fprintf(b, "%s: %s parameters, %s multiply-accumulates a sample\n", n.Name, Thousands(n.Parameters), Thousands(n.MACs))
	}
	return nil
}

// useTimes returns the times of a network on a device.
func useTimes(n bench.Use, d bench.Device) (times []bench.Time) {
	for _, t := range n.Times {
		if t.Device == d.ID() {
			times = append(times, t)
		}
	}
	return times
}

// Where the panels of a picture of times lie, in pixels. A row has two.
const (
	usePanel  = 380
	useLabels = 96
	useRow    = 330
	useTop    = 100
	useTall   = 220
)

// SaveUse draws [Use] into a file.
func SaveUse(path string, r *bench.Report) error {
	return atomicfile.Write(filepath.Clean(path), func(w io.Writer) error { return Use(w, r) })
}

// Use writes an SVG that shows how long networks take by batch, a panel a device with logarithmic axes.
// Dashed lines are the times that the multiply-accumulates take at the device's highest rate.
// Errors are those of w.
func Use(w io.Writer, r *bench.Report) error {
	var devices []bench.Device
	low, high, most := math.Inf(1), 0., 0.
	for _, d := range r.Devices {
		found := false
		for _, n := range r.Networks {
			for _, t := range useTimes(n, d) {
				found = true
				low, high, most = min(low, t.Microseconds), max(high, t.Microseconds), max(most, float64(t.Batch))
			}
		}
		if found {
			devices = append(devices, d)
		}
	}
	rows := (len(devices) + 1) / 2
	height := useTop + rows*useRow - 40
	d := newDrawing(pictureWidth, height, "Time of a forward pass by batch")
	d.paper(pictureWidth, float64(height))
	d.text(point{margin, titleLine}, letters{size: titleSize, fill: inkColour, bold: true}, "Time of a forward pass")
	d.text(point{margin, subtitleLine}, letters{size: headingSize, fill: mutedColour},
		"microseconds by batch, medians  ·  dashed: multiply-accumulates at the highest rate of the device")
	for i, device := range devices {
		left, top := 70+float64(i%2)*(usePanel+useLabels), useTop+float64(i/2*useRow)
		right, bottom := left+usePanel-useLabels, top+useTall
		across := axis{scale: scale{low: 0, high: math.Ceil(math.Log10(most)), start: left, end: right}, power: true}
		up := axis{scale: scale{low: math.Floor(math.Log10(low)), high: math.Ceil(math.Log10(high)), start: bottom, end: top}, power: true}
		d.text(point{left, top - 12}, letters{size: headingSize, fill: inkColour, bold: true}, shorten(device.ID()+": "+oneLine(device.Computes()+", "+device.Name), 52))
		ticks, write := up.marks(6)
		for _, t := range ticks {
			y := up.scale.at(t)
			d.line([]point{{left, y}, {right, y}}, style{stroke: gridColour, width: 1})
			d.text(point{left - 7, y + 3.6}, letters{size: tickSize, fill: mutedColour, anchor: "end"}, write(t))
		}
		d.line([]point{{left, bottom}, {right, bottom}}, style{stroke: mutedColour, width: 1})
		ticks, write = across.marks(6)
		for _, t := range ticks {
			d.text(point{across.scale.at(t), bottom + 16}, letters{size: tickSize, fill: mutedColour, anchor: "middle"}, write(t))
		}
		d.text(point{(left + right) / 2, bottom + 33}, letters{size: textSize, fill: mutedColour, anchor: "middle"}, "batch")
		var labels []label
		for k, n := range r.Networks {
			colour := methodColours[(len(methodColours)-1+k)%len(methodColours)]
			switch k {
			case 0:
				colour = denseColour
			case 1:
				colour = prunedColour
			}
			var measured, least []point
			for _, t := range useTimes(n, device) {
				x := across.at(float64(t.Batch))
				measured = append(measured, point{x, up.at(t.Microseconds)})
				if t.Least > 0 && math.Log10(t.Least) >= up.low {
					least = append(least, point{x, up.at(t.Least)})
				}
			}
			if len(measured) == 0 {
				continue
			}
			d.line(measured, style{stroke: colour, width: 2})
			d.line(least, style{stroke: colour, width: 1.2, dashes: "4 3"})
			for _, p := range measured {
				d.circle(p, 2.6, style{fill: colour})
			}
			labels = append(labels, label{text: shorten(n.Name, 14), colour: colour, mark: measured[len(measured)-1].y, room: textSize + 3})
		}
		for _, l := range spread(labels, top, bottom) {
			d.text(point{right + 8, l.at + 4}, letters{size: textSize, fill: l.colour, bold: true}, l.text)
		}
	}
	return d.finish(w)
}
