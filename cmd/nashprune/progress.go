package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/report"
)

// progress shows how far a run is: one line that is written over on a terminal,
// a line an epoch elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	width    int // of what stands on the terminal's present line
	last     time.Time
	device   string // that the user named, until announce has printed which one it is
}

// redrawEvery keeps a terminal from flickering.
const redrawEvery = 100 * time.Millisecond

func newProgress(w io.Writer) *progress {
	file, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"}
}

func (p *progress) observe(e trainer.Event) {
	if p.device != "" { // at its first event a run has found it
		if choice, err := backend.ChooseDevice(p.device); err == nil {
			p.announce(choice)
		}
		p.device = ""
	}
	switch {
	case e.Message != "":
		p.line(oneLine.Replace(e.Message), !p.terminal || e.Lasting)
	case e.Line != nil:
		p.line(epochText(e), true)
	case p.terminal && time.Since(p.last) >= redrawEvery:
		p.last = time.Now()
		p.line(runningText(e), false)
	}
}

// announce prints which device was chosen, and why.
func (p *progress) announce(c backend.Choice) { p.line("device: "+describeChoice(c), true) }

// line writes a line, for good or until the next one.
func (p *progress) line(text string, forGood bool) {
	padding := ""
	if p.terminal {
		if !forGood {
			text = p.cut(text)
		}
		padding = strings.Repeat(" ", max(0, p.width-utf8.RuneCountInString(text)))
		fmt.Fprint(p.w, "\r")
	}
	fmt.Fprint(p.w, text, padding)
	p.width = utf8.RuneCountInString(text)
	if forGood {
		fmt.Fprintln(p.w)
		p.width = 0
	}
}

// cut shortens a line that is written over to what fits on one: the terminal
// cannot go back over two.
func (p *progress) cut(text string) string {
	if file, ok := p.w.(*os.File); ok {
		if wide := columns(file); wide > 0 {
			text = cutTo(text, wide-1)
		}
	}
	return text
}

// cutTo cuts a text to a number of letters. Letters of file names may take more than a
// byte.
func cutTo(text string, most int) string {
	letters := []rune(text)
	return string(letters[:min(len(letters), most)])
}

// columns returns how wide a terminal is; 0 where that is not known, or it is none.
func columns(file *os.File) int {
	wide, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return max(0, wide)
}

// end leaves the cursor on an empty line.
func (p *progress) end() {
	if p.terminal && p.width > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.width)+"\r")
		p.width = 0
	}
}

func runningText(e trainer.Event) string {
	return fmt.Sprintf("%-5s epoch %d/%d  players %s  loss %.4f  %3.0f %% done%s",
		e.Training, e.Epoch, e.Epochs, players(e.Players), e.Loss, 100*e.Done, left(e.Remaining))
}

func epochText(e trainer.Event) string {
	figures := ""
	if a := e.Line.Accuracy; a != nil {
		figures += fmt.Sprintf("  training accuracy %.2f %%", *a)
	}
	if a := e.Line.ValidationAccuracy; a != nil {
		figures += fmt.Sprintf("  validation %.2f %%", *a)
	}
	if r2 := e.Line.ValidationR2; r2 != nil {
		figures += fmt.Sprintf("  validation %.2f %% explained", 100**r2)
	}
	return fmt.Sprintf("%-5s epoch %d/%d  players %s  loss %.4f%s%s",
		e.Training, e.Line.Epoch, e.Epochs, players(e.Players), e.Line.Loss, figures, left(e.Remaining))
}

// players writes the players of each gate, or their number where gates are many.
func players(byGate []int) string {
	const few = 6
	if len(byGate) <= few {
		return network.JoinWidths(byGate)
	}
	return report.Thousands(network.Sum(byGate))
}

func left(d time.Duration) string {
	if d < 0 {
		return ""
	}
	return "  " + d.String() + " left"
}
