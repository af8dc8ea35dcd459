package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// toTerminal writes a text to w, with its long lines wrapped where standard output is a terminal.
func toTerminal(w io.Writer, write func(io.Writer) error) error {
	wide := columns(os.Stdout)
	if wide == 0 {
		return write(w)
	}
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	_, err := io.WriteString(w, wrapLines(text.String(), wide))
	return err
}

// labelled is the beginning of a line that further lines are indented to: spaces, or a label.
var labelled = regexp.MustCompile(`^( *([a-z][a-z ]*: +)?)`)

// wrapLines wraps lines that are longer than so many columns: sentences below their beginning, or
// below what follows their label. Rows of tables, which have three spaces somewhere, stay.
func wrapLines(text string, wide int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line, ended := strings.CutSuffix(line, "\n")
		first := labelled.FindString(line)
		rest := line[len(first):]
		if utf8.RuneCountInString(line) <= wide || strings.Contains(rest, "   ") || len(first) > wide/2 {
			out.WriteString(line)
			if ended {
				out.WriteByte('\n')
			}
			continue
		}
		out.WriteString(wrap(rest, first, strings.Repeat(" ", len(first)), wide))
	}
	return out.String()
}
