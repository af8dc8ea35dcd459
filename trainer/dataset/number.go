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
func (t *cell) number(c *columnState, field []byte) (float64, bool) {
	if t.options.DecimalComma {
		return truth(c, field, withComma)
	}
	if x, ok := plainNumber(field); ok {
		if t.comma != ',' && c.point.line == 0 && bytes.IndexByte(field, '.') >= 0 {
			c.point = sighting{t.line, t.where() + ": " + string(field)}
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
		if c.comma.line == 0 {
			c.comma = sighting{t.line, t.where() + ": " + text}
		}
		return withComma(text)
	}
	return 0, false
}

// sighting is where a number with decimals stands, and the number.
type sighting struct {
	line int // from 1; 0 where there is none
	note string
}

// before reports whether the number stands in a line before another, or there is none of that.
func (s sighting) before(other sighting) bool {
	return s.line > 0 && (other.line == 0 || s.line < other.line)
}

// checkCommas says where points and commas both stand before decimals.
func (t *table) checkCommas() error {
	var point, comma sighting
	for _, c := range t.columns {
		if c.point.before(point) {
			point = c.point
		}
		if c.comma.before(comma) {
			comma = c.comma
		}
	}
	if point.line == 0 || comma.line == 0 {
		return nil
	}
	return fmt.Errorf("%w: is a point or a comma before the decimals? %s; %s: if the comma is, add --decimal-comma; else leave the column with commas out with --ignore", ErrInvalid, point.note, comma.note)
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
// quicker. It does not read more than 16 bytes of digits and a point: 15 digits and the power of ten are
// exact in float64, so their quotient is rounded once, as are 16 digits without a point.
func plainNumber(field []byte) (float64, bool) {
	digits, negative := field, false
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		negative, digits = digits[0] == '-', digits[1:]
	}
	if len(digits) > len(tens) {
		return 0, false
	}
	mantissa, point := int64(0), -1
	for i, b := range digits {
		switch d := b - '0'; {
		case d <= 9:
			mantissa = 10*mantissa + int64(d)
		case b == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	seen, decimals := len(digits), 0
	if point >= 0 {
		seen, decimals = seen-1, seen-1-point
	}
	if seen == 0 {
		return 0, false
	}
	x := float64(mantissa) / tens[decimals]
	if negative {
		x = -x
	}
	return x, true
}

// formatNumber writes a number in the one way that names a level or a class: whole numbers with all
// of their digits, but for very large ones.
func formatNumber(x float64) string {
	const large = 1e21
	format := byte('g')
	if x == math.Trunc(x) && math.Abs(x) < large {
		format = 'f'
	}
	return strconv.FormatFloat(x+0, format, -1, 64) // -0 + 0 is 0
}
