package game

import (
	"fmt"
	"math"
	"slices"
)

// Separable keeps the books of very many players that do not interact, such as the weights
// of a tensor. A player has its worth h_i and the utility h_i (s - s^2/2) - p s, whatever
// the others play. So it participates with max(0, 1 - p/h_i), and its ceiling is its worth.
// Slices have one entry a player, in their order.
type Separable struct {
	Worths []float32 // in the last round in which the player was there
	Rounds []int32   // in which it was removed, from 1; 0 while it is there
	Prices []float64 // by round
}

// NewSeparable returns the books of players that all participate.
func NewSeparable(players int) *Separable {
	return &Separable{Worths: make([]float32, players), Rounds: make([]int32, players)}
}

// Live reports whether a player is still there.
func (s *Separable) Live(player int) bool { return s.Rounds[player] == 0 }

// Players counts the players that are still there.
func (s *Separable) Players() int {
	count := 0
	for _, round := range s.Rounds {
		if round == 0 {
			count++
		}
	}
	return count
}

// Price returns the price of the round in which a player was removed, or of the last.
func (s *Separable) Price(player int) float64 {
	round := int(s.Rounds[player])
	if round == 0 {
		round = len(s.Prices)
	}
	if round == 0 {
		return 0
	}
	return s.Prices[round-1]
}

// Reason returns why a player was removed, or [Kept]. A worth is a ceiling here, so who is
// priced out is dominated.
func (s *Separable) Reason(player int) Reason {
	switch {
	case s.Live(player):
		return Kept
	case s.Worths[player] == 0:
		return Dead
	default:
		return Dominated
	}
}

// Pattern says that of neighbouring players in groups of Of, Keep stay in each. The zero
// pattern has no groups.
type Pattern struct{ Keep, Of int }

// ParsePattern reads N:M.
func ParsePattern(text string) (Pattern, error) {
	var p Pattern
	if n, err := fmt.Sscanf(text, "%d:%d", &p.Keep, &p.Of); n != 2 || err != nil || fmt.Sprintf("%d:%d", p.Keep, p.Of) != text {
		return Pattern{}, fmt.Errorf("%.40q is no pattern; it must be N:M, such as 2:4", text)
	}
	if p.Keep < 1 || p.Keep >= p.Of || p.Of > mostOf {
		return Pattern{}, fmt.Errorf("the pattern %s keeps %d of %d; it must keep at least 1 and fewer than all of a group of at most %d", text, p.Keep, p.Of, mostOf)
	}
	return p, nil
}

// mostOf is the largest group of a pattern.
const mostOf = 64

// Bidders are the players of one tensor in a market: their books, what each is worth now, and
// what groups them.
type Bidders struct {
	*Separable
	Now []float32 // worths of this round, at least 0; of removed players of no meaning
	// Groups lists the players of group g, for a pattern; nil: there are none.
	Groups func(visit func(group []int))
}

// ClearSeparable plays a round of one market for the players of some tensors: as many stay as
// demand says, those that are worth most, of equal ones the first. The price is the highest
// worth among those that are removed, at which none of them participates. By a pattern the
// Keep players of each group that are worth most have their places, and all others share the
// market; one that has a place may be worth less than the price. It enters the round in the books.
func ClearSeparable(bidders []Bidders, pattern Pattern, demand int) (price float64) {
	places := make([][]bool, len(bidders))
	rivals := make([][]float32, len(bidders))
	for i, s := range bidders {
		if len(s.Now) != len(s.Worths) {
			panic(fmt.Sprintf("game: %d worths for %d players", len(s.Now), len(s.Worths)))
		}
		places[i] = s.keptByPattern(pattern)
		for player, worth := range s.Now {
			switch {
			case !s.Live(player):
			case places[i] != nil && places[i][player]:
				demand--
			default:
				rivals[i] = append(rivals[i], worth)
			}
		}
	}
	least, equal := threshold(rivals, max(demand, 0))
	for i, s := range bidders {
		round := int32(len(s.Prices) + 1)
		for player, worth := range s.Now {
			if !s.Live(player) {
				continue
			}
			s.Worths[player] = worth
			switch {
			case places[i] != nil && places[i][player]:
			case worth > least:
			case worth == least && equal > 0:
				equal--
			default:
				s.Rounds[player] = round
				price = max(price, float64(worth))
			}
		}
	}
	for _, s := range bidders {
		s.Prices = append(s.Prices, price)
	}
	return price
}

// keptByPattern marks the players that have a place in their group; nil: there are no groups.
func (s Bidders) keptByPattern(p Pattern) []bool {
	if p.Of == 0 {
		return nil
	}
	kept := make([]bool, len(s.Now))
	var live []int
	s.Groups(func(group []int) {
		live = live[:0]
		for _, player := range group {
			if s.Live(player) {
				live = append(live, player)
			}
		}
		slices.SortStableFunc(live, func(a, b int) int {
			switch {
			case s.Now[a] > s.Now[b]:
				return -1
			case s.Now[a] < s.Now[b]:
				return 1
			}
			return 0
		})
		for _, player := range live[:min(p.Keep, len(live))] {
			kept[player] = true
		}
	})
	return kept
}

// threshold returns the n-th largest of numbers that are at least 0, and how many that equal
// it are among the n largest. Bits of such float32 order as the numbers do, so two counts, by
// the upper half of the bits and by the lower, find it without sorting. With n of 0 nothing
// is large enough; with n of all or more everything is.
func threshold(numbers [][]float32, n int) (least float32, equal int) {
	if n == 0 {
		return float32(math.Inf(1)), 0
	}
	const half = 16
	count := make([]int, 1<<half)
	each := func(visit func(bits uint32)) {
		for _, row := range numbers {
			for _, x := range row {
				visit(math.Float32bits(x))
			}
		}
	}
	// last returns the place from the top at which n is reached, and what is left of n there.
	last := func(n int) (place, left int) {
		for place = len(count) - 1; place > 0 && count[place] < n; place-- {
			n -= count[place]
		}
		return place, n
	}
	each(func(bits uint32) { count[bits>>half]++ })
	upper, n := last(n)
	clear(count)
	each(func(bits uint32) {
		if int(bits>>half) == upper {
			count[bits&(1<<half-1)]++
		}
	})
	lower, n := last(n)
	return math.Float32frombits(uint32(upper)<<half | uint32(lower)), n
}

// Metric says how far a weight w is from zero, for its player's worth h = m w^2: what the
// others play does not matter, so h (1-s)^2 / 2 is half of the square of the way to s w.
type Metric string

const (
	// FisherMetric is m = E[g^2], with the derivatives g of single samples: h/2 is what the
	// loss rises by without the weight, to second order, as with H_ii of [Interactions].
	FisherMetric Metric = "fisher"
	// RootMetric is m = sqrt(E[g^2]). A step of Adam minimises g d + d^2 sqrt(v)/(2 rate). The
	// square takes h/(2 rate) there from w to zero, with the derivatives of samples for v.
	RootMetric Metric = "root"
	// AdamMetric is m = sqrt(v), the second moment of the optimiser itself, of batches.
	AdamMetric Metric = "adam"
)

// Metrics lists the metrics.
var Metrics = []Metric{FisherMetric, RootMetric, AdamMetric}

// Observes reports whether a round observes the weights on samples of its own.
func (m Metric) Observes() bool { return m != AdamMetric }

// Worths returns m w^2 of weights, from E[g^2] or v.
func (m Metric) Worths(weights, squares []float32) []float32 {
	worths := make([]float32, len(weights))
	for i, w := range weights {
		x := float64(squares[i])
		if m != FisherMetric {
			x = math.Sqrt(x)
		}
		worths[i] = float32(x * float64(w) * float64(w))
	}
	return worths
}
