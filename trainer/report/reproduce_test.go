package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/reproduce"
)

// paperReport is a report in which the first row is reached, the second loses its
// accuracy by removal, the third diverged in part and the last altogether.
func paperReport() *reproduce.Report {
	reading := reproduce.Reading{Benefit: game.Absolute, Gradient: game.OfEffective, Training: reproduce.Training{
		Optimiser: backend.Adam, LearningRate: 0.001, Update: backend.GradientAscent, Rate: 0.001,
	}}
	other := reading
	other.Benefit, other.Gradient, other.Update = game.Descent, game.OfTheta, backend.AdamAscent
	r := &reproduce.Report{
		Schema: reproduce.ReportSchema, Data: "digits", Model: "mlp:512-256", Epochs: 20, ScreenEpochs: 5, Validation: 0.05,
		Readings: 72, Seeds: 2, Threshold: 0.01, LeftOut: "Quick: less of everything.",
		Single: &reproduce.Single{Reading: other},
	}
	for i, row := range reproduce.Rows() {
		line := reproduce.RowReport{Row: row}
		before, after := reproduce.Spread{Mean: row.Accuracy + 1, Deviation: 0.25}, reproduce.Spread{Mean: row.Accuracy + 1, Deviation: 0.5}
		if i == 1 {
			after.Mean = 10
		}
		diverged := max(0, i-1) // seeds
		for k, of := range []reproduce.Reading{reading, other} {
			c := reproduce.Candidate{Reading: of, Before: before, Masked: after, After: after, Sparsity: reproduce.Spread{Mean: row.Sparsity}, Reached: i == 0 && k == 0, Diverged: diverged}
			c.Norm.Mean, c.Gap.Mean = 0.33*float64(i+1), 1e-3
			c.Runs = []reproduce.Run{{Seed: 1, Kept: []int{row.Kept - 3, 3}}, {Seed: 2, Kept: []int{row.Kept - 4, 4}}}
			for d := range min(diverged, 2) {
				c.Runs[d] = reproduce.Run{Seed: uint64(d) + 1, Diverged: "the loss is NaN"}
			}
			line.Full = append(line.Full, c)
		}
		if diverged < 2 {
			line.Histogram = make([]int, 100)
			line.Histogram[0], line.Histogram[50], line.Histogram[99] = 768-row.Kept, row.Kept-1, 1
			for epoch := 1; epoch <= 20; epoch++ {
				gone := row.Sparsity * min(1, float64(epoch)/10)
				line.Curve = append(line.Curve, reproduce.Point{
					Epoch: epoch, Accuracy: row.Accuracy + 1 - 20/float64(epoch*epoch), Sparsity: gone,
					MeanParticipation: 1 - float64(epoch)/25, Active: int(math.Round(768 * (1 - gone/100))),
				})
			}
		}
		r.Rows = append(r.Rows, line)
		r.Single.Runs = append(r.Single.Runs, reproduce.Run{Reading: other, Chosen: 90, Sparsity: 50})
	}
	return r
}

func TestPaperReport(t *testing.T) {
	r := paperReport()
	golden(t, "paper.golden", func(w io.Writer) error { return Paper(w, r) })
	golden(t, "paper-figure-1.svg", func(w io.Writer) error { return PaperFigure1(w, r) })
	golden(t, "paper-figure-2.svg", func(w io.Writer) error { return PaperFigure2(w, r) })
}

// TestPaperSays: what is printed depends on the figures.
func TestPaperSays(t *testing.T) {
	text := func(r *reproduce.Report) string {
		var b strings.Builder
		if err := Paper(&b, r); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	r := paperReport()
	for _, want := range []string{
		"each under its own reading: Very High Beta.\n", "NOT reproduced by any reading that was run in full: Extreme Beta, L1 Sparsity Strong, L1+L2 Combined.",
		"Extreme Beta from 92.15 to 10.00 %", "NO single reading", "0.94 for L1 Sparsity Strong, 0.47 for L1+L2 Combined", "765-3 764-4", "diverged 9-4",
	} {
		if got := text(r); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for i := range r.Rows {
		r.Rows[i].Full[0].Sum, r.Rows[i].Full[1].Joint = true, true
	}
	if got := text(r); strings.Count(got, ", sum ") != 4 || strings.Count(got, ", joint ") != 4 {
		t.Errorf("the objectives are not named in\n%s", got)
	}
	for i := range r.Rows {
		r.Rows[i].Full[1].Reached = true
		r.Single.Runs[i].Chosen, r.Single.Runs[i].Sparsity = r.Rows[i].Accuracy, r.Rows[i].Sparsity
	}
	if got := text(r); strings.Contains(got, "NOT") || strings.Contains(got, "NO ") || !strings.Contains(got, "One reading reaches all rows") {
		t.Errorf("all rows are reached, and it says\n%s", got)
	}
}

// TestFiguresNameTheirSeed: where the first seed of a reading diverged, its line is that of
// another.
func TestFiguresNameTheirSeed(t *testing.T) {
	for _, draw := range []func(io.Writer, *reproduce.Report) error{PaperFigure1, PaperFigure2} {
		whole := paperReport()
		whole.Rows = whole.Rows[:2]
		for want, r := range map[string]*reproduce.Report{", seed 1": whole, ", first seed with figures": paperReport()} {
			var b strings.Builder
			if err := draw(&b, r); err != nil || !strings.Contains(b.String(), want) {
				t.Errorf("%v: no %q in\n%.1000s", err, want, b.String())
			}
		}
	}
}

// TestPaperFigures: whatever a report holds, figures are XML whose numbers are finite.
func TestPaperFigures(t *testing.T) {
	empty := &reproduce.Report{Rows: []reproduce.RowReport{{}}}
	odd := paperReport()
	odd.Rows[0].Curve[3].Accuracy, odd.Rows[1].Curve[0].MeanParticipation = math.NaN(), math.Inf(1)
	odd.Data = "<&>"
	for name, r := range map[string]*reproduce.Report{"empty": empty, "odd": odd} {
		for _, draw := range []func(io.Writer, *reproduce.Report) error{PaperFigure1, PaperFigure2} {
			var b bytes.Buffer
			if err := draw(&b, r); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
				t.Errorf("%s: a number that is not finite", name)
			}
			for decoder := xml.NewDecoder(&b); ; {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
	}
}
