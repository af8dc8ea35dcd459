package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// grouped is a number whose digits before the comma stand in threes, and thousands one with commas
// between the threes. decimal is a number with a comma before its decimals.
var (
	grouped   = regexp.MustCompile(`^[-+]?[1-9][0-9]{0,2}([. \x{a0}][0-9]{3})+(,[0-9]*)?$`)
	thousands = regexp.MustCompile(`^[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$`)
	decimal   = regexp.MustCompile(`^[-+]?([0-9]+|[1-9][0-9]{0,2}([. \x{a0}][0-9]{3})+),[0-9]+$`)
)

// number reads a field: a number, or true or false for 1 and 0. It notes in the column how the
// number is written. A comma is the point before decimals where the options say so or where fields
// have other delimiters; between commas it stands between thousands.
func (t *table) number(c *columnState, field []byte) (float64, bool) {
	if t.options.DecimalComma {
		return truth(c, field, withComma)
	}
	if x, ok := plainNumber(field); ok {
		if t.firstPoint == "" && t.comma != ',' && bytes.IndexByte(field, '.') >= 0 {
			t.firstPoint = t.where() + ": " + string(field)
			t.checkCommas()
		}
		return x, true
	}
	if bytes.IndexByte(field, ',') < 0 {
		return truth(c, field, anyNumber)
	}
	switch text := string(field); {
	case thousands.MatchString(text) && (t.comma == ',' || strings.Contains(text, ".")):
		c.grouped++
		return anyNumber(strings.ReplaceAll(text, ",", ""))
	case t.comma != ',' && decimal.MatchString(text):
		c.commas++
		if t.firstComma == "" {
			t.firstComma = t.where() + ": " + text
			t.checkCommas()
		}
		return withComma(text)
	}
	return 0, false
}

// checkCommas notes that points and commas both stand before decimals.
func (t *table) checkCommas() {
	if t.firstPoint != "" && t.firstComma != "" {
		t.commaError = fmt.Sprintf("is a point or a comma before the decimals? %s; %s: if the comma is, add --decimal-comma; else leave the column with commas out with --ignore", t.firstPoint, t.firstComma)
	}
}

// truth reads true or false, or what read reads.
func truth(c *columnState, field []byte, read func(string) (float64, bool)) (float64, bool) {
	switch text := string(field); {
	case strings.EqualFold(text, "true"):
		c.truths++
		return 1, true
	case strings.EqualFold(text, "false"):
		c.truths++
		return 0, true
	default:
		return read(text)
	}
}

// withComma reads a number that has a comma before its decimals, and may have points or spaces
// between thousands. 1.5 is no such number, and not 15.
func withComma(text string) (float64, bool) {
	if grouped.MatchString(text) {
		text = strings.NewReplacer(".", "", " ", "", "\u00a0", "").Replace(text)
	} else if strings.Contains(text, ".") {
		return 0, false
	}
	return anyNumber(strings.Replace(text, ",", ".", 1))
}

func anyNumber(text string) (float64, bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, (err == nil || errors.Is(err, strconv.ErrRange)) && !math.IsNaN(x)
}

// tens are the powers of ten that float64 holds exactly.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// plainNumber reads digits with a sign and a point at most, as [strconv.ParseFloat] does and
// quicker: the digits and the power of ten are exact in float64, so their quotient is rounded
// once. It does not read what has more than 15 digits.
func plainNumber(field []byte) (float64, bool) {
	digits, negative := field, false
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		negative, digits = digits[0] == '-', digits[1:]
	}
	mantissa, decimals, point, seen := int64(0), 0, false, 0
	for _, b := range digits {
		switch {
		case b >= '0' && b <= '9':
			mantissa = 10*mantissa + int64(b-'0')
			seen++
			if point {
				decimals++
			}
		case b == '.' && !point:
			point = true
		default:
			return 0, false
		}
		if seen >= len(tens) {
			return 0, false
		}
	}
	x := float64(mantissa) / tens[decimals]
	if negative {
		x = -x
	}
	return x, seen > 0
}

// formatNumber writes a number in the one way that names a level or a class.
func formatNumber(x float64) string { return strconv.FormatFloat(x+0, 'g', -1, 64) } // -0 + 0 is 0
