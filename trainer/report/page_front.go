package report

import (
	"fmt"
	"math"

	"nashprune/trainer/record"
)

// frontFigure sets runs beside each other: how much was removed, and how well they do.
func frontFigure(folders []*Folder) *plot {
	type dot struct {
		name             string
		sparsity, figure float64
		dense            bool
	}
	var dots []dot
	var networks []record.NetworkResult
	metric := accuracy
	t := table{Caption: "Runs", Head: []string{"run", "players kept", "removed", "parameters", "accuracy", "dense", "time", "device"}}
	for n, f := range folders {
		r := f.Result
		if !f.Finished || r.Pruned == nil || metric.of(r.Pruned.Quality) == nil && n > 0 {
			continue
		}
		metric = measureOf(r.Task)
		pruned := metric.of(r.Pruned.Quality)
		if pruned == nil {
			continue
		}
		dots = append(dots, dot{f.Name(), r.Pruned.Sparsity, *pruned, false})
		if dense := metric.of(r.Dense.Quality); dense != nil {
			dots = append(dots, dot{f.Name(), 0, *dense, true})
		}
		t.add(f.Name(), Thousands(r.Pruned.Kept), fmt.Sprintf("%.2f %%", r.Pruned.Sparsity), Thousands(r.Pruned.Parameters), metric.text(r.Pruned.NetworkResult), metric.text(r.Dense), "", r.Device.Name)
		networks = append(networks, r.Pruned.NetworkResult)
	}
	if len(dots) == 0 {
		return nil
	}
	for i, took := range latencies(networks...) {
		t.Rows[i].Cells[6] = took
	}
	t.Head[4] = metric.name
	low, high := math.Inf(1), math.Inf(-1)
	for _, d := range dots {
		low, high = min(low, d.figure), max(high, d.figure)
	}
	up := niceScale(max(min(low, high-1), metric.least), min(100, high+0.01))
	c := newChart("Sparsity and "+metric.name, axis{name: "players removed, %", scale: scale{high: 100}}, axis{name: metric.axis, scale: up})
	for _, d := range dots {
		at := c.place(point{d.sparsity, max(d.figure, metric.least)})
		s := style{fill: keptVar, stroke: paperVar, width: 1}
		if d.dense {
			s.fill = denseVar
		}
		fmt.Fprintf(c, "<g><title>%s</title>", escape(fmt.Sprintf("%s: %.2f %% removed, %s", d.name, d.sparsity, percent(d.figure))))
		c.circle(at, 5, s)
		c.WriteString("</g>")
	}
	return &plot{ID: "front", Title: "Sparsity and " + metric.name, SVG: c.html(), Tables: []table{t},
		Note: "A dot a run, and its dense network at 0 %. Figures compare only where data and evaluation are the same.",
		Legend: []legendEntry{
			{"pruned", sample(`<circle cx="13" cy="6" r="5" fill="%s"/>`, keptVar)},
			{"dense", sample(`<circle cx="13" cy="6" r="5" fill="%s"/>`, denseVar)},
		}}
}
