//go:build glfw && cgo && linux

package window

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"
)

// TestGatesArePlacedApart: panels stay within the area, do not overlap, and are as large as the
// measures allow; gates are left out only where not even single pixels have room.
func TestGatesArePlacedApart(t *testing.T) {
	m := measures{label: 22, widest: 150, gap: 10, most: 40}
	draw := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		width, height := 160+draw.IntN(1500), 60+draw.IntN(900)
		var players []int
		for range 1 + draw.IntN(12) {
			players = append(players, 1+draw.IntN(1<<draw.IntN(12)))
		}
		panels := arrange(players, width, height, m)
		var taken []image.Rectangle
		for i, p := range panels {
			n := players[p.gate]
			r := image.Rect(p.x, p.y-m.label, p.x+max(p.columns*p.size, min(m.widest, width)), p.y+p.rows(n)*p.size)
			if p.gate != i || !r.In(image.Rect(0, 0, width, height)) || p.size < 1 || p.size > m.most || p.columns*p.rows(n) < n {
				t.Fatalf("%v in %d x %d: %+v takes %v", players, width, height, p, r)
			}
			for _, other := range taken {
				if r.Overlaps(other) {
					t.Fatalf("%v in %d x %d: %v overlaps %v", players, width, height, r, other)
				}
			}
			taken = append(taken, r)
		}
		if n := len(panels); n < len(players) {
			for _, aspect := range []float64{1, 2, 4, 20} {
				if len(shelve(players, width, height, 1, aspect, m)) == len(players) {
					t.Fatalf("%v in %d x %d: %d gates are shown, and all have room in single pixels", players, width, height, n)
				}
			}
		}
	}
	for _, c := range []struct {
		players       []int
		width, height int
		panels, size  int
	}{
		{nil, 800, 400, 0, 0},
		{[]int{1}, 800, 400, 1, 40},
		{[]int{512, 256}, 1076, 444, 2, 22},
		{[]int{1 << 20}, 800, 400, 0, 0}, // more than there are pixels
		{[]int{100}, 800, 10, 0, 0},
	} {
		panels := arrange(c.players, c.width, c.height, m)
		if len(panels) != c.panels || c.panels > 0 && panels[0].size != c.size {
			t.Errorf("%v in %d x %d: %+v", c.players, c.width, c.height, panels)
		}
	}
}

// TestFramesAreCapped counts the frames of ten seconds of a clock that only waits move. Events
// end waits early, and frames take time.
func TestFramesAreCapped(t *testing.T) {
	for _, c := range []struct {
		pace         func(time.Duration) time.Duration
		event, takes time.Duration
		least, most  int
	}{
		{onGPU, time.Hour, 0, 299, 301},
		{onGPU, time.Millisecond, 0, 280, 301},              // a thousand events a second
		{onGPU, time.Hour, 50 * time.Millisecond, 199, 201}, // slower than the cap
		{onCPU, time.Hour, 5 * time.Millisecond, 79, 81},    // a 25th of the time
		{onCPU, time.Hour, 100 * time.Millisecond, 8, 9},    // a 12th
		{onCPU, time.Millisecond, 50 * time.Millisecond, 16, 17},
	} {
		now := time.Now()
		end, frames, waits := now.Add(10*time.Second), 0, 0
		err := loop(
			func() time.Time { return now },
			func() time.Duration { return c.pace(c.takes) },
			func(d time.Duration) { waits++; now = now.Add(min(d, c.event)) },
			func() bool { return now.Before(end) },
			func() error { frames++; now = now.Add(c.takes); return nil },
		)
		if err != nil || frames < c.least || frames > c.most || waits > 11_000 {
			t.Errorf("events every %v, frames of %v: %d frames, %d waits, %v", c.event, c.takes, frames, waits, err)
		}
	}
}

// TestSceneOfARun updates a scene with removals, a message and another training.
func TestSceneOfARun(t *testing.T) {
	places := make([]uint32, 4)
	g := &gate{players: 4, live: []int{0, 1, 2, 3}, removed: make([]float32, 4), places: places, price: 2}
	s := &scene{gates: []*gate{g}}
	s.update(Progress{Training: "game", Players: 4, Loss: 3, Text: "begins"}, time.Second)
	s.update(Progress{Training: "game", Players: 2, Loss: 2, Live: [][]int{{1, 3}}}, 5*time.Second)
	if g.removed[0] != 5 || g.removed[2] != 5 || g.removed[1] != 0 || places[0] != 1 || places[1] != 3 || s.Text != "begins" || s.fading != 5*time.Second+fades {
		t.Errorf("removed at %v, places %v, text %q, fading until %v", g.removed, places, s.Text, s.fading)
	}
	s.update(Progress{Text: "evaluating"}, 6*time.Second)
	if s.Text != "evaluating" || s.Loss != 2 || len(s.loss.y) != 2 {
		t.Errorf("after a message the scene is %+v", s)
	}
	s.update(Progress{Training: "dense", Players: 4, Live: nil}, 7*time.Second)
	if g.removed[0] != 0 || !s.anew || g.price != 0 || places[2] != 2 || len(s.loss.y) != 0 || len(s.players.y) != 1 {
		t.Errorf("another training shows removals at %v, price %g, places %v, curves %v", g.removed, g.price, places, s.players.y)
	}
	var c curve
	for i := range 10 * mostPoints {
		c.add(float64(i), float64(i+1))
	}
	if n := len(c.x); n > mostPoints || n < mostPoints/2 || c.x[0] != 0 || c.x[n-1] != 10*mostPoints-1 {
		t.Errorf("%d points from %g to %g", n, c.x[0], c.x[n-1])
	}
}
