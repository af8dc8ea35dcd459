package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"

	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// page is what the report shows.
type page struct {
	Title, Program string
	Several        bool
	Front          *plot
	Runs           []pageRun
	Style          template.CSS
	Script         template.JS
}

type pageRun struct {
	ID, Name, Summary string
	Tiles             []tile
	Missing, Words    []string
	Axis              string
	Gates             []gateData
	Figures           []plot
	Explain           string
	Facts             []string
	Command, Again    string
	Config            string
	Data              runData
}

// tile is what a person asks first, in a line.
type tile struct{ Label, Value, Detail string }

// runData is what the script reads.
type runData struct {
	Gates []gateData `json:"gates"`
	Unit  string     `json:"unit"`
	Times []int      `json:"times"`
	Heats []heat     `json:"heats"`
}

type gateData struct {
	Name    string `json:"name"`
	Players int    `json:"players"`
}

// Page writes a report on runs as one HTML file that makes no request. What a folder does not
// hold is left out, and named. The same folders give the same bytes. Its errors are those of w.
func Page(w io.Writer, folders []*Folder) error {
	p := page{Several: len(folders) > 1, Style: template.CSS(pageStyle), Script: template.JS(pageScript), Program: "nashprune"}
	for n, f := range folders {
		if f.Result.Program != "" {
			p.Program = f.Result.Program
		}
		p.Runs = append(p.Runs, f.page(fmt.Sprintf("run%d", n)))
	}
	p.Title = fmt.Sprintf("%d runs", len(folders))
	if !p.Several {
		p.Title = p.Runs[0].Summary
	} else if p.Front = frontFigure(folders); p.Front == nil {
		p.Front = &plot{ID: "front", Title: "Sparsity and accuracy", Note: "No run is finished that removed players."}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return err
	}
	_, err := w.Write(bytes.TrimLeft(b.Bytes(), "\n"))
	return err
}

// Name is what the page calls the run.
func (f *Folder) Name() string { return filepath.Base(f.Dir) }

func (f *Folder) page(id string) pageRun {
	p := pageRun{ID: id, Name: f.Name(), Missing: f.Missing, Axis: f.axis(), Figures: f.figures(), Command: f.Result.Command}
	for i := range p.Figures {
		p.Figures[i].ID = id + "-" + p.Figures[i].ID
	}
	c := f.course()
	p.Data = runData{Unit: c.Name, Times: c.At}
	if c.At != nil {
		p.Data.Heats = c.heats()
	}
	for g := range f.Result.Gates {
		if len(f.Players) == 0 && c.At == nil { // of whom nothing is known
			break
		}
		p.Gates = append(p.Gates, gateData{f.gate(g), f.Result.Gates[g].Players})
	}
	p.Data.Gates = p.Gates
	p.Tiles = f.tiles()
	if !f.Finished {
		p.Summary = "not finished"
	} else {
		p.Summary = headline(&f.Run)
		p.Words, p.Facts = f.words(), f.facts()
		var b strings.Builder
		if Explain(&b, &f.Run) == nil { // of a run without a game there is nothing to explain
			p.Explain = b.String()
		}
	}
	var b strings.Builder
	if f.Config.Epochs > 0 && f.Config.Write(&b) == nil {
		p.Config = b.String()
		config := record.ConfigFile
		if f.Result.Structured != nil { // that is of the second of two runs
			config = record.MixedFile
		}
		p.Again = fmt.Sprintf("nashprune train --config %s --out NEW-FOLDER", filepath.Join(f.Dir, config))
	}
	return p
}

// tiles says how much smaller and faster the network is, and what that cost.
func (f *Folder) tiles() []tile {
	r, metric := f.Result, measureOf(f.Result.Task)
	if !f.Finished {
		done := "no epoch has ended"
		if n := len(f.Epochs); n > 0 {
			done = fmt.Sprintf("epoch %d of %d", f.Epochs[n-1].Epoch, f.Config.Epochs)
		}
		return []tile{{"State", "not finished", done + " of the training that was under way last"}}
	}
	on := fmt.Sprintf("for %d samples on %s", r.Dense.LatencyBatch, r.Device.Name)
	if r.Pruned == nil {
		return []tile{
			{"Size", Thousands(r.Dense.Parameters) + " parameters", size(r.Dense.Bytes)},
			{"Speed", latencies(r.Dense)[0], on},
			{capital(metric.name), metric.text(r.Dense), "on " + evaluatedOn(r.Data)},
		}
	}
	took := latencies(r.Dense, r.Pruned.NetworkResult)
	sooner := times(r.Dense.LatencyUS, r.Pruned.LatencyUS, "faster", "slower")
	smaller := times(r.Dense.Parameters, r.Pruned.Parameters, "smaller", "larger")
	all := []tile{
		{"How much smaller", orDash(smaller), fmt.Sprintf("%s parameters became %s, %s became %s; %s of %s %s stay",
			Thousands(r.Dense.Parameters), Thousands(r.Pruned.Parameters), size(r.Dense.Bytes), size(r.Pruned.Bytes), Thousands(r.Pruned.Kept), Thousands(r.Pruned.Players), f.playersName())},
		{"How much faster", orDash(sooner), fmt.Sprintf("%s became %s %s", took[0], took[1], on)},
	}
	change := metric.change(r.Dense, r.Pruned.NetworkResult, points)
	if change == "" {
		return append(all, tile{"What it cost in " + metric.name, metric.text(r.Pruned.NetworkResult), "on " + evaluatedOn(r.Data) + "; no dense network was trained to compare with, which --baseline does"})
	}
	return append(all, tile{"What it cost in " + metric.name, change, fmt.Sprintf("%s became %s on %s", metric.text(r.Dense), metric.text(r.Pruned.NetworkResult), evaluatedOn(r.Data))})
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// words is the certificate, in sentences.
func (f *Folder) words() []string {
	var all []string
	if e := f.Result.Equilibrium; e != nil {
		all = append(answers(e), "Players: "+reasons(e)+".")
	}
	if g := f.Result.Gated; g != nil {
		all = append(all, fmt.Sprintf("Taking the removed "+f.playersName()+" out of the network changed an output by %.2g at most, %.2g %% of what rounding allows.", g.MaxLogitDifference, 100*g.BoundUsed))
	}
	quality := f.Result.Dense.Quality
	if f.Result.Pruned != nil {
		quality = f.Result.Pruned.Quality
	}
	for _, line := range cautions("final", quality, f.Result.Data.LargestClass, f.Result.Data.ClassNames) {
		all = append(all, capital(line)+".")
	}
	return all
}

// facts says what the run was computed from, and on what.
func (f *Folder) facts() []string {
	r, s := f.Result, f.Result.Seconds
	all := []string{
		fmt.Sprintf("Data: %s, %s training samples, evaluated on %s. Seed %d.", r.Data.Name, Thousands(r.Data.Train), evaluatedOn(r.Data), r.Seed),
		"Device: " + r.Device.Words() + ".",
		fmt.Sprintf("Time: %.1f s in all, training %.1f s, of which the game %.1f s.", s.Total, s.Train, s.Game),
	}
	if r.Source != nil {
		all = append(all, "It began with the trained network "+r.Source.Path+".")
	}
	for _, line := range structured(&f.Result) {
		all = append(all, "Of two runs: "+line+".")
	}
	for _, l := range runtimeLatencies(&f.Result) {
		words := microseconds(l.DenseUS)
		if l.PrunedUS > 0 {
			words = fmt.Sprintf("%s became %s, %s", words, microseconds(l.PrunedUS), times(l.DenseUS, l.PrunedUS, "faster", "slower"))
		}
		all = append(all, fmt.Sprintf("Time for %d in %s %s, on one thread of the CPU: %s.", l.Batch, r.Runtime.Name, r.Runtime.Version, words))
	}
	for _, column := range r.Data.Columns {
		if column.Use != dataset.PlainUse { // of which there may be thousands
			all = append(all, fmt.Sprintf("Column %s: %s.", column.Name, column.Use))
		}
	}
	for _, note := range r.Data.Notes {
		all = append(all, "Note: "+note+".")
	}
	return all
}
