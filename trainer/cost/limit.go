package cost

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Limit is how much of a resource may stay, as a user gives it: a number of units above 0, or
// a percentage of what the dense network takes. Percentages are below 0, so that one number
// holds both: -50 is 50%. 0 is no limit.
type Limit float64

// percentSign ends the text of a percentage.
const percentSign = "%"

// Percent returns the percentage, or 0 where the limit is none.
func (l Limit) Percent() float64 { return max(0, -float64(l)) }

// Players returns the number of players, of so many in the dense network: to the nearest one.
func (l Limit) Players(all int) int {
	if l < 0 {
		return int(math.Round(float64(all) * l.Percent() / 100))
	}
	return int(l)
}

// String returns the text that [Limit.Set] reads.
func (l Limit) String() string {
	if l < 0 {
		return strconv.FormatFloat(l.Percent(), 'f', -1, 64) + percentSign
	}
	return strconv.FormatFloat(float64(l), 'f', -1, 64)
}

// Set reads a number such as 20000, or a percentage above 0 and at most 100, such as 50%.
func (l *Limit) Set(text string) error {
	number, isPart := strings.CutSuffix(text, percentSign)
	x, err := strconv.ParseFloat(number, 64)
	switch {
	case isPart && (err != nil || !(x > 0 && x <= 100)):
		return errors.New("a percentage of the dense network must be above 0 and at most 100, such as 50%")
	case err != nil || !(x >= 0 && x < math.Inf(1)):
		return errors.New("it must be a number above 0, or a percentage of the dense network, such as 50%")
	case isPart:
		x = -x
	}
	*l = Limit(x)
	return nil
}

// MarshalTOML writes a number, or the text of a percentage.
func (l Limit) MarshalTOML() ([]byte, error) {
	if l < 0 {
		return []byte(strconv.Quote(l.String())), nil
	}
	return []byte(l.String()), nil
}

// MarshalJSON writes what [Limit.MarshalTOML] writes.
func (l Limit) MarshalJSON() ([]byte, error) { return l.MarshalTOML() }

// UnmarshalJSON reads what [Limit.MarshalJSON] writes.
func (l *Limit) UnmarshalJSON(text []byte) error { return l.Set(strings.Trim(string(text), `"`)) }
