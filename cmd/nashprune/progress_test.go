package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hinshun/vt10x"

	"nashprune/trainer"
	"nashprune/trainer/record"
)

// screen is a terminal, by a program that is not ours, with a view on it.
type screen struct {
	vt10x.Terminal
	columns, rows int
}

func newScreen(columns, rows int) *screen {
	return &screen{vt10x.New(vt10x.WithSize(columns, rows)), columns, rows}
}

// Write writes as a terminal does that makes a carriage return of each end of a line.
func (s *screen) Write(text []byte) (int, error) {
	_, err := s.Terminal.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	return len(text), err
}

// text returns the lines that are not empty.
func (s *screen) text() (lines []string) {
	for _, line := range strings.Split(s.String(), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func onScreen(s *screen) *progress {
	p := newProgress(s)
	p.terminal, p.size = true, func() (int, int) { return s.columns, s.rows }
	return p
}

func trainingEvent(epoch int, players ...int) trainer.Event {
	accuracy := 97.5
	return trainer.Event{
		Training: record.GameTraining, Epoch: epoch, Epochs: 20, Players: players, Loss: 0.25, Accuracy: 96.25, Done: float64(epoch) / 20,
		Line: &record.EpochLine{Epoch: epoch, ValidationAccuracy: &accuracy}, Remaining: 90 * time.Second,
	}
}

// TestViewIsDrawnOver: a terminal shows the present view below what lasts, and nothing of
// earlier ones, at any size; at the end only what lasts.
func TestViewIsDrawnOver(t *testing.T) {
	t.Setenv("LC_ALL", "C.UTF-8")
	for _, size := range [][2]int{{80, 24}, {40, 10}, {20, 5}, {7, 4}, {1, 1}, {200, 50}} {
		s := newScreen(size[0], size[1])
		p := onScreen(s)
		p.observe(trainer.Event{Message: "reading ü日本.csv and some more words that do not fit"})
		p.observe(trainer.Event{Message: "note", Lasting: true})
		for epoch := 1; epoch <= 20; epoch++ {
			e := trainingEvent(epoch, 512/epoch, 256/epoch)
			e.Round = &record.RoundLine{Round: epoch, Prices: []float64{0.125, 0.5}}
			p.observe(e)
		}
		shown := s.text()
		for i, want := range []string{"note", "game  epoch 20/20 ", "validation 97.50 %  training 96.25 %", "gate 0  ", "gate 1  "} {
			if size[1] < 10 {
				break
			}
			if i >= len(shown) || !strings.HasPrefix(shown[i], want[:min(len(want), size[0]-1)]) {
				t.Errorf("%v: line %d is not %q in %q", size, i, want, shown)
			}
		}
		if size[0] >= 80 && (len(shown) != 5 || !strings.Contains(shown[1], "100 %  1m30s left") || !strings.HasSuffix(shown[2], "  loss 0.2500  price 0.12 0.5") || !strings.Contains(shown[3], "█░") || !strings.HasSuffix(shown[3], "25 of 512")) {
			t.Errorf("%v: the screen shows %q", size, shown)
		}
		p.end()
		if shown := s.text(); size[0] > 7 && (len(shown) != 1 || shown[0] != "note") {
			t.Errorf("%v: at the end the screen shows %q", size, shown)
		}
	}
}

// TestNarrowView: words that have no room are left out whole, the least useful first.
func TestNarrowView(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	t.Setenv("NO_COLOR", "1")
	v := newView()
	e := trainingEvent(20, 512, 256)
	e.Epochs, e.Remaining, e.Done, e.Round = 200, 90*time.Minute, 0.1, &record.RoundLine{Prices: []float64{0.125, 0.5}}
	v.observe(e)
	for columns, want := range map[int][2]string{
		80: {"game  epoch 20/200  ####.................................  10 %  1h30m0s left", "validation 97.50 %  training 96.25 %  loss 0.2500  price 0.12 0.5"},
		56: {"game  epoch 20/200  #............  10 %  1h30m0s left", "validation 97.50 %  training 96.25 %  loss 0.2500"},
		40: {"game  epoch 20/200  1h30m0s left", "validation 97.50 %  training 96.25 %"},
		30: {"game  epoch 20/200  10 %", "validation 97.50 %"},
		10: {"game  epoch 20/200", "validation 97.50 %"}, // drawing cuts them
	} {
		if got := v.lines(columns, 24); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%d columns:\n%q\n%q", columns, got[0], got[1])
		}
	}
}

// TestInterruptedView: what a terminal writes behind the view when someone presses Ctrl-C leaves no line
// of it behind.
func TestInterruptedView(t *testing.T) {
	s := newScreen(80, 24)
	p := onScreen(s)
	p.line("note", true)
	for _, line := range []string{strings.Repeat("x", 100), strings.Repeat("y", 79)} {
		p.draw([]string{"above", line})
		if _, err := s.Write([]byte("^C")); err != nil {
			t.Fatal(err)
		}
	}
	p.end()
	if shown := s.text(); len(shown) != 1 || shown[0] != "note" {
		t.Errorf("the screen shows %q", shown)
	}
}

// TestViewOfManyGates: gates that are many, or have no room, are shown as one.
func TestViewOfManyGates(t *testing.T) {
	v := newView()
	for _, c := range []struct{ gates, rows, want int }{{3, 24, 5}, {20, 24, 3}, {3, 5, 3}, {3, 2, 1}, {0, 24, 2}} {
		v.observe(trainer.Event{Message: "x"})
		v.now = trainer.Event{}
		v.observe(trainingEvent(1, make([]int, c.gates)...))
		if lines := v.lines(80, c.rows); len(lines) != c.want {
			t.Errorf("%d gates on %d rows make %d lines, want %d: %q", c.gates, c.rows, len(lines), c.want, lines)
		}
	}
}

// TestViewSurvivesResizing: what lasts stays whole while the terminal changes its size between
// any two views, and the last view stands below it once.
func TestViewSurvivesResizing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newScreen(80, 24)
	p := onScreen(s)
	for n := range 6 {
		p.line(fmt.Sprintf("lasting %d", n), true)
		for epoch := 1; epoch <= 5; epoch++ {
			s.columns = 30 + random.IntN(90)
			s.Resize(s.columns, s.rows)
			p.observe(trainingEvent(epoch, 512, 256))
			p.observe(trainingEvent(epoch, 512, 256)) // as wide as the terminal now is
		}
	}
	s.columns = 200
	s.Resize(200, s.rows)
	p.observe(trainingEvent(20, 1, 1))
	text := strings.Join(s.text(), "\n")
	if strings.Count(text, "epoch ") != 1 || !strings.Contains(text, "lasting 5\ngame  epoch 20/20") {
		t.Errorf("the screen shows\n%s", text)
	}
}

// TestColours: NO_COLOR leaves colours out, a line that is cut leaves none on, and a terminal
// that has no UTF-8 gets plain letters.
func TestColours(t *testing.T) {
	t.Setenv("LC_ALL", "C.UTF-8")
	v := newView()
	bar := "ab " + v.bar(0.5, 10) + " cd"
	for columns := range 20 {
		short := cut(bar, columns)
		if width(short) > columns || strings.Count(short, colourOn) != strings.Count(short, colourOff) {
			t.Errorf("cut to %d: %q", columns, short)
		}
	}
	if got := cut(bar, 15); got != "ab "+colourOn+"█████"+colourOff+"░░░░░ c" {
		t.Errorf("cut to 15: %q", got)
	}
	if got := cut("reading ü日本.csv", 11); got != "reading ü日" {
		t.Errorf("cut to 11 columns, of which two letters take two each: %q", got)
	}
	t.Setenv("NO_COLOR", "1")
	t.Setenv("LC_ALL", "C")
	if v := newView(); v.bar(0.5, 4) != "##.." {
		t.Errorf("a bar is %q", v.bar(0.5, 4))
	}
}

// TestQuiet: --quiet shows the result alone.
func TestQuiet(t *testing.T) {
	atImages(t)
	code, stdout, stderr := execute(t, train("--keep", "8", "--out", "out", "--quiet")...)
	if code != exitDone || stderr != "" || !strings.Contains(stdout, "results:      out") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestManyEpochsHaveFewLines: up to a hundred epochs have a line each, more have a hundred, the last of
// which is that of the last epoch.
func TestManyEpochsHaveFewLines(t *testing.T) {
	for epochs, want := range map[int]int{1: 1, 99: 99, 100: 100, 101: 100, 2000: 100} {
		shown := 0
		for epoch := 1; epoch <= epochs; epoch++ {
			if isShown(epoch, epochs) {
				shown++
			}
		}
		if shown != want || !isShown(epochs, epochs) {
			t.Errorf("of %d epochs %d have a line, want %d and the last", epochs, shown, want)
		}
	}
}
