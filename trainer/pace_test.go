package trainer

import (
	"testing"
	"time"

	"nashprune/trainer/session"
)

// TestTimeLeft: steps take two seconds a unit of work, and rounds three. From the second round on the
// estimate is what is left, whatever bids and asks take between. A second training begins anew, and a
// resumed one leaves out what it took before.
func TestTimeLeft(t *testing.T) {
	var p pace
	if p.left(1, 1) >= 0 {
		t.Error("something is known before the first step")
	}
	now := session.PhaseSeconds{Training: 1000, Rounds: 100}
	p.begin(now)
	work, rounds := 100., []float64{8, 4, 2, 1}
	for stretch := range 30 {
		size := 5.
		if stretch >= 10 {
			size = 1 // few players are left
		}
		now.Training += 2 * size
		if stretch == 20 { // the other training
			now = session.PhaseSeconds{Training: 2 * size, Certify: 50}
			p.begin(session.PhaseSeconds{})
		}
		round := 0.
		if stretch >= 8 && len(rounds) > 0 {
			round, rounds = rounds[0], rounds[1:]
			now.Training += 3 * round
			now.Rounds += 3 * round
		}
		work -= size
		p.add(now, size, round)
		roundsLeft, want := 0., 2*work
		for _, round := range rounds {
			roundsLeft += round
		}
		if stretch >= 9 { // before that rounds are not known
			want += 3 * roundsLeft
		}
		if got := p.left(work, roundsLeft); got != time.Duration(want)*time.Second {
			t.Errorf("stretch %d: %v are left, want %v s", stretch, got, want)
		}
	}
}
