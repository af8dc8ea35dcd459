package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
)

// view is what a terminal shows of a run: how far it is, how well it does, the prices, and how
// many players each gate still has.
type view struct {
	now        trainer.Event
	line       *record.EpochLine // of the last epoch of this training
	prices     []float64         // of the last round of this training
	start      []int             // players of each gate at first
	full, rest string            // letters of a bar
	colour     bool
}

const colourOn, colourOff = "\x1b[36m", "\x1b[0m"

// newView returns a view with the letters and colours that the environment asks for.
func newView() view {
	v := view{full: "█", rest: "░", colour: os.Getenv("NO_COLOR") == ""}
	for _, variable := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // the first that is set holds
		if value := strings.ToUpper(os.Getenv(variable)); value != "" {
			if !strings.Contains(value, "UTF-8") && !strings.Contains(value, "UTF8") {
				v.full, v.rest = "#", "."
			}
			break
		}
	}
	return v
}

func (v *view) observe(e trainer.Event) {
	if e.Message != "" {
		return
	}
	if e.Training != v.now.Training {
		v.line, v.prices, v.start = nil, nil, nil
	}
	if e.Line != nil {
		v.line = e.Line
	}
	if e.Round != nil {
		v.prices = e.Round.Prices
	}
	if len(v.start) != len(e.Players) {
		v.start = slices.Clone(e.Players)
	}
	for g, n := range e.Players {
		v.start[g] = max(v.start[g], n)
	}
	v.now = e
}

// lines returns the view for a terminal of a size.
func (v *view) lines(columns, rows int) []string {
	e := v.now
	room := columns - 1 - len(echo)
	head, share, time := fmt.Sprintf("%-5s epoch %d/%d", e.Training, e.Epoch, e.Epochs), fmt.Sprintf("%3.0f %%", 100*e.Done), strings.TrimSpace(left(e.Remaining))
	first := fit(room, head, time, strings.TrimSpace(share))
	if bar := v.bar(e.Done, min(40, room-width(head+share+time)-5)); bar != "" {
		first = strings.TrimRight(head+"  "+bar+" "+share+"  "+time, " ")
	}
	lines := []string{first, fit(room, v.figures()...)}
	gates, starts := e.Players, v.start
	var names []string
	for g := range gates {
		names = append(names, "gate "+strconv.Itoa(g))
	}
	if room := rows - 1 - len(lines); len(gates) > min(fewGates, room) {
		gates, starts, names = []int{network.Sum(gates)}, []int{network.Sum(starts)}, []string{"players"}
	}
	widest := slices.Max(append([]int{1}, starts...))
	for g, n := range gates {
		counts := fmt.Sprintf("  %s of %s", report.Thousands(n), report.Thousands(starts[g]))
		most := min(50, columns-1-len(names[g])-2-len(counts))
		long := most * starts[g] / widest // bars of gates compare
		part := 0.
		if starts[g] > 0 {
			part = float64(n) / float64(starts[g])
		}
		lines = append(lines, names[g]+"  "+v.bar(part, max(min(1, most), long))+counts)
	}
	return lines[:min(len(lines), max(1, rows-1))]
}

// fit joins the words that a line of so many columns has room for, the first of them first.
func fit(columns int, words ...string) string {
	line := words[:min(1, len(words))]
	for _, word := range words[len(line):] {
		if longer := append(slices.Clip(line), word); word != "" && width(strings.Join(longer, "  ")) <= columns {
			line = longer
		}
	}
	return strings.Join(line, "  ")
}

// figures says how well the network does and what participation costs, the most useful first.
func (v *view) figures() []string {
	var words []string
	add := func(format string, x float64) { words = append(words, fmt.Sprintf(format, x)) }
	line := v.line
	if line == nil {
		line = &record.EpochLine{}
	}
	if a := line.ValidationAccuracy; a != nil {
		add("validation %.2f %%", *a)
	}
	if r2 := line.ValidationR2; r2 != nil {
		add("validation %.2f %% explained", 100**r2)
	}
	if v.now.Accuracy > 0 {
		add("training %.2f %%", v.now.Accuracy)
	} else if line.Accuracy != nil {
		add("training %.2f %%", *line.Accuracy)
	}
	if v.now.Loss > 0 {
		add("loss %.4f", v.now.Loss)
	} else if v.line != nil {
		add("loss %.4f", line.Loss)
	}
	switch n := len(v.prices); {
	case n > fewGates:
		words = append(words, fmt.Sprintf("prices %.2g to %.2g", slices.Min(v.prices), slices.Max(v.prices)))
	case n > 0 && slices.Max(v.prices) > 0:
		text := "price"
		for _, p := range v.prices {
			text += fmt.Sprintf(" %.2g", p)
		}
		words = append(words, text)
	}
	return words
}

// bar draws a part of a whole that is so many columns long.
func (v *view) bar(part float64, columns int) string {
	if columns < 1 {
		return ""
	}
	n := int(min(max(part, 0), 1)*float64(columns) + 0.5)
	if part > 0 && n == 0 {
		n = 1
	}
	full, rest := strings.Repeat(v.full, n), strings.Repeat(v.rest, columns-n)
	if v.colour && n > 0 {
		full = colourOn + full + colourOff
	}
	return full + rest
}
