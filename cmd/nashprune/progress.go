package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/report"
)

// progress shows how far a run is: a view of some lines that is drawn over on a terminal, a
// line an epoch elsewhere, and of a training of many epochs some of them.
type progress struct {
	w        io.Writer
	terminal bool
	// size returns the columns and rows of the terminal, which may change at any time.
	size    func() (columns, rows int)
	drawn   []int    // how wide the lines are that are drawn over next
	lasting []string // the last lines that stay, each with its end
	last    time.Time
	device  string // that the user named, until announce has printed which one it is
	view    view
}

// redrawEvery keeps a terminal from flickering.
const redrawEvery = 100 * time.Millisecond

func newProgress(w io.Writer) *progress {
	file, ok := w.(*os.File)
	p := &progress{w: w, terminal: ok && isTerminal(file), view: newView()}
	p.size = func() (columns, rows int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil || columns < 1 || rows < 1 {
			return 80, 24
		}
		return columns, rows
	}
	return p
}

// isTerminal reports whether what is drawn can be drawn over. The old console of Windows
// does not know how.
func isTerminal(file *os.File) bool {
	return term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" && (runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "")
}

// silence shows nothing from now on.
func (p *progress) silence() { p.w, p.terminal = io.Discard, false }

func (p *progress) observe(e trainer.Event) {
	if p.device != "" { // at its first event a run has found it
		if choice, err := backend.ChooseDevice(p.device); err == nil {
			p.announce(choice)
		}
		p.device = ""
	}
	p.view.observe(e)
	switch {
	case e.Message != "":
		p.line(oneLine.Replace(e.Message), !p.terminal || e.Lasting)
	case p.terminal:
		if e.Line != nil || time.Since(p.last) >= redrawEvery {
			p.last = time.Now()
			p.draw(p.view.lines(p.size()))
		}
	case e.Line != nil && isShown(e.Line.Epoch, e.Epochs):
		p.line(epochText(e), true)
	}
}

// isShown reports whether an epoch has a line of its own: of more epochs than this many are shown,
// among them the last.
func isShown(epoch, epochs int) bool {
	const shown = 100
	return epochs <= shown || epoch*shown/epochs > (epoch-1)*shown/epochs
}

// announce prints which device was chosen, and why.
func (p *progress) announce(c backend.Choice) { p.line("device: "+describeChoice(c), true) }

// line writes a line, for good or until the next one.
func (p *progress) line(text string, forGood bool) {
	switch {
	case !p.terminal && forGood:
		fmt.Fprintln(p.w, text)
	case !p.terminal:
		fmt.Fprint(p.w, text)
	case forGood:
		fmt.Fprint(p.w, p.erasure(), text, "\n")
		const most = 20
		p.lasting = append(p.lasting, text+"\n")
		p.lasting = p.lasting[max(0, len(p.lasting)-most):]
	default:
		p.draw([]string{text})
	}
}

// echo is what a terminal writes behind the view on Ctrl-C.
const echo = "^C"

// draw writes lines over those that were drawn last. What a line has no room for is cut, so
// that it stays on one row, also with the echo of Ctrl-C.
func (p *progress) draw(lines []string) {
	columns, _ := p.size()
	text := p.erasure()
	for i, line := range lines {
		room := columns - 1
		if i == len(lines)-1 {
			room = max(min(room, 1), room-len(echo))
		}
		line = cut(line, room)
		if i > 0 {
			text += "\n"
		}
		text += line
		p.drawn = append(p.drawn, width(line))
	}
	fmt.Fprint(p.w, text) // at once, so that nothing flickers
}

// erasure returns what erases the lines that were drawn last. Where the terminal has become
// too narrow for one of them, some terminals cut it and others let it go on in a second row.
// Then the screen is cleared, and what lasts is written again.
func (p *progress) erasure() string {
	if len(p.drawn) == 0 {
		return ""
	}
	const eraseBelow, eraseAll = "\x1b[J", "\x1b[H\x1b[2J"
	columns, rows := p.size()
	up, fits := min(len(p.drawn), rows)-1, slices.Max(p.drawn) <= columns
	p.drawn = nil
	switch {
	case !fits:
		return eraseAll + strings.Join(p.lasting, "")
	case up > 0:
		return fmt.Sprintf("\r\x1b[%dA", up) + eraseBelow
	}
	return "\r" + eraseBelow
}

// end leaves the cursor on an empty line.
func (p *progress) end() { fmt.Fprint(p.w, p.erasure()) }

// columns returns how wide a terminal is; 0 where that is not known, or it is none.
func columns(file *os.File) int {
	wide, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return max(0, wide)
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
	if len(byGate) <= fewGates {
		return network.JoinWidths(byGate)
	}
	return report.Thousands(network.Sum(byGate))
}

// fewGates is how many gates have a number of their own.
const fewGates = 6

func left(d time.Duration) string {
	if d < 0 {
		return ""
	}
	return "  " + d.String() + " left"
}

// width returns the columns that a line takes; escapes that colour it take none.
func width(line string) int {
	return runewidth.StringWidth(strings.NewReplacer(colourOn, "", colourOff, "").Replace(line))
}

// cut shortens a line to so many columns, and leaves no colour on.
func cut(line string, columns int) string {
	if width(line) <= columns {
		return line
	}
	before, coloured, found := strings.Cut(line, colourOn)
	if !found {
		return runewidth.Truncate(line, max(0, columns), "")
	}
	coloured, after, _ := strings.Cut(coloured, colourOff)
	if room := columns - width(before); room > width(coloured) {
		return before + colourOn + coloured + colourOff + cut(after, room-width(coloured))
	} else if room > 0 {
		return before + colourOn + runewidth.Truncate(coloured, room, "") + colourOff
	}
	return cut(before, columns)
}
