package main

import "testing"

// TestWrapLines: sentences are wrapped below their labels; tables and short lines stay.
func TestWrapLines(t *testing.T) {
	const text = "device:  one two three four\nshort\n  a table   with columns   that are long\nplain words go on and on\n"
	const want = "device:  one two\n         three four\nshort\n  a table   with columns   that are long\nplain words go on\nand on\n"
	if got := wrapLines(text, 20); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := wrapLines("no end", 80); got != "no end" {
		t.Errorf("%q", got)
	}
}
