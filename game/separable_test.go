package game

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomBidders returns bidders of small whole worths, so that there are ties and zeros.
func randomBidders(r *rand.Rand) []Bidders {
	var bidders []Bidders
	for range 1 + r.IntN(4) {
		players := r.IntN(40)
		s := Bidders{Separable: NewSeparable(players)}
		for range players {
			s.Now = append(s.Now, float32(r.IntN(9))*float32(math.Pow(10, float64(r.IntN(3)*10-10))))
		}
		bidders = append(bidders, s)
	}
	return bidders
}

// together lists worths of all live players, tensor by tensor.
func together(bidders []Bidders) (worths []float64, live []bool) {
	for _, s := range bidders {
		for i, w := range s.Now {
			worths, live = append(worths, float64(w)), append(live, s.Live(i))
		}
	}
	return worths, live
}

// The players that stay are those of a ranking of all, ties by place, and the price is one at
// which as many participate, but for ties, and no removed player does.
func TestClearSeparableIsARanking(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		bidders := randomBidders(r)
		worths, _ := together(bidders)
		for round := 1; round <= 2; round++ { // the second with players that are gone
			_, before := together(bidders)
			var there []float64
			for i, w := range worths {
				if before[i] {
					there = append(there, w)
				}
			}
			demand := r.IntN(len(there) + 1)
			want := Winners(there, demand)
			price := ClearSeparable(bidders, Pattern{}, demand)
			if want := losing(there, demand); price != want {
				t.Fatalf("price %g, want %g", price, want)
			}
			_, after := together(bidders)
			place := 0
			for i := range worths {
				if !before[i] {
					if after[i] {
						t.Fatalf("player %d came back", i)
					}
					continue
				}
				if after[i] != slices.Contains(want, place) {
					t.Fatalf("player %d of %v, demand %d: stays is %t", place, there, demand, after[i])
				}
				if !after[i] && worths[i] > price {
					t.Fatalf("removed at the price %g: %g", price, worths[i])
				}
				place++
			}
		}
	}
}

// Each group keeps its best, whatever the demand; what is left over goes by worth.
func TestClearSeparableKeepsPlacesInGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		pattern := Pattern{Keep: 1 + r.IntN(3), Of: 4}
		players := r.IntN(60)
		s := Bidders{Separable: NewSeparable(players), Groups: func(visit func([]int)) {
			for first := 0; first < players; first += pattern.Of {
				var group []int
				for i := first; i < min(first+pattern.Of, players); i++ {
					group = append(group, i)
				}
				visit(group)
			}
		}}
		for range players {
			s.Now = append(s.Now, float32(r.IntN(5)))
		}
		least := players/pattern.Of*pattern.Keep + min(players%pattern.Of, pattern.Keep)
		ClearSeparable([]Bidders{s}, pattern, least+(players-least)/2)
		if got, want := s.Players(), least+(players-least)/2; got != want {
			t.Fatalf("%d players stay, want %d", got, want)
		}
		ClearSeparable([]Bidders{s}, pattern, 0)
		if s.Players() != least {
			t.Fatalf("%d players stay of %d, want %d", s.Players(), players, least)
		}
		s.Groups(func(group []int) {
			var worths []float64
			for _, i := range group {
				worths = append(worths, float64(s.Now[i]))
			}
			for place, i := range group {
				if stays := slices.Contains(Winners(worths, pattern.Keep), place); s.Live(i) != stays {
					t.Fatalf("group %v of worths %v keeps %d: player %d stays is %t", group, worths, pattern.Keep, place, s.Live(i))
				}
			}
		})
	}
}

func TestSeparableAccounts(t *testing.T) {
	s := Bidders{Separable: NewSeparable(4), Now: []float32{0, 3, 2, 1}}
	ClearSeparable([]Bidders{s}, Pattern{}, 3)
	ClearSeparable([]Bidders{s}, Pattern{}, 1)
	for i, want := range []struct {
		reason Reason
		round  int32
		price  float64
	}{{Dead, 1, 0}, {Kept, 0, 2}, {Dominated, 2, 2}, {Dominated, 2, 2}} {
		if s.Reason(i) != want.reason || s.Rounds[i] != want.round || s.Price(i) != want.price {
			t.Errorf("player %d: %s in round %d at %g, want %v", i, s.Reason(i), s.Rounds[i], s.Price(i), want)
		}
	}
}

func FuzzThreshold(f *testing.F) {
	f.Add(uint64(1), 3)
	f.Fuzz(func(t *testing.T, seed uint64, n int) {
		r := rand.New(rand.NewPCG(seed, 5))
		numbers := make([]float32, r.IntN(200))
		for i := range numbers {
			numbers[i] = float32(r.ExpFloat64() * math.Pow(10, float64(r.IntN(60)-40)))
		}
		if n < 1 || n > len(numbers) {
			return
		}
		least, equal := threshold([][]float32{numbers[:n/2], numbers[n/2:]}, n)
		slices.Sort(numbers)
		slices.Reverse(numbers)
		larger := slices.IndexFunc(numbers, func(x float32) bool { return x <= least })
		if least != numbers[n-1] || equal != n-larger {
			t.Fatalf("the %d-th of %v is %g (%d of it)", n, numbers, least, equal)
		}
	})
}
