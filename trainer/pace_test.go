package trainer

import (
	"testing"
	"time"

	"nashprune/trainer/session"
)

// TestTimeLeft: steps take two seconds a unit of work and rounds three seconds each, but the first one nine.
// From the second round on the estimate is what is left, whatever a certificate between takes. A second training
// begins anew, and a resumed one leaves out what it took before.
func TestTimeLeft(t *testing.T) {
	var p pace
	if p.left(1, 1) >= 0 {
		t.Error("something is known before the first step")
	}
	before := session.PhaseSeconds{Training: 1000, Rounds: 100}
	p.begin(before)
	now, work, rounds := before, 100., 4
	for stretch := range 30 {
		size := 5.
		if stretch >= 10 {
			size = 1 // few players are left
		}
		now.Training += 2 * size
		if stretch >= 8 && rounds > 0 {
			round := 3.
			if rounds == 4 {
				round = 9
			}
			now.Training += round
			now.Rounds += round
			rounds--
		}
		if stretch == 20 { // the other training
			now = session.PhaseSeconds{Training: 2 * size, Certify: 50}
			p.begin(session.PhaseSeconds{})
		}
		work -= size
		p.add(now, size)
		want := 2*work + 3*float64(rounds)
		if stretch < 9 {
			want = 2 * work // rounds are not known yet
		}
		if got := p.left(work, rounds); got != time.Duration(want)*time.Second {
			t.Errorf("stretch %d: %v are left, want %v s", stretch, got, want)
		}
	}
}
