package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// growing is one size that the others grow with.
type growing struct {
	over  string
	sizes []int
	at    func(size int) Case
	game  bool // measure what the game adds
}

// playersInputs are few enough for a million players to fit, which makes the game look
// more expensive than it is: it costs the same for each player with any number of
// weights, and these are fewer than in any network of images.
const playersInputs = 64

// scalings are the sizes that are looked at.
var scalings = []growing{
	{"width", []int{64, 128, 256, 512, 1024, 2048, 4096, 8192}, func(n int) Case {
		return Case{Widths: []int{inputs, n, n, outputs}, Batch: defaultBatch}
	}, false},
	{"batch", []int{1, 4, 16, 64, 256, 1024, 4096}, func(n int) Case {
		return Case{Widths: []int{inputs, 512, 256, outputs}, Batch: n}
	}, false},
	{"players", []int{10, 100, 1_000, 10_000, 100_000, 1_000_000}, func(n int) Case {
		return Case{Widths: []int{playersInputs, n, outputs}, Batch: defaultBatch}
	}, true},
}

// scalingTurns are enough for a point of a curve, and gameTurns for one of a round, of
// which a turn has one.
const (
	scalingTurns = 5
	gameTurns    = 9
)

// scalingSamples lie on the device while curves are measured.
const scalingSamples = 8192

// scale measures how the step's time grows, each size in its part of the time that
// is left.
func (b *bench) scale(ctx context.Context, end time.Time) error {
	for i, g := range scalings {
		share := time.Until(end) / time.Duration(len(scalings)-i)
		if err := b.grow(ctx, g, time.Now().Add(share)); err != nil {
			return err
		}
	}
	return nil
}

// grow measures from the smallest size to the largest. A device for which a size is
// too large is not asked for larger ones.
func (b *bench) grow(ctx context.Context, g growing, end time.Time) error {
	series := map[string]*Series{}
	for _, d := range b.Devices {
		series[d.ID()] = &Series{Over: g.over, Device: d.ID(), Points: []Point{}}
	}
	defer func() {
		for _, d := range b.Devices {
			s := series[d.ID()]
			if s.fit(); len(s.Points) > 0 {
				b.report.Scaling = append(b.report.Scaling, *s)
			}
		}
	}()
	done := map[string]bool{} // devices for which the last size was too large
	for i, size := range g.sizes {
		c := g.at(size)
		if time.Until(end) < 0 || len(done) == len(b.Devices) { // and nothing is drawn in vain
			b.leaveOutRest(g, i, done)
			return nil
		}
		start := material{c.data(scalingSamples), c.state()}
		var runners []*runner
		var all []contestant
		for _, d := range b.live() {
			if done[d.ID()] {
				continue
			}
			b.announce("%s: %s %d", d.ID(), g.over, size)
			left := len(b.report.LeftOut)
			r, err := b.open(ctx, d, c, start, g.game, time.Until(end)/time.Duration(len(b.Devices)))
			if err != nil {
				closeAll(all)
				return err
			}
			if r == nil {
				done[d.ID()] = true
				if i < len(g.sizes)-1 && len(b.report.LeftOut) > left { // one line for all of them
					l := &b.report.LeftOut[left]
					l.What = fmt.Sprintf("%s %d and more: %s", g.over, size, l.What)
				}
				continue
			}
			runners, all = append(runners, r), append(all, r)
		}
		// What one size takes must leave something for those above.
		turns := scalingTurns
		if g.game {
			turns = gameTurns
		}
		b.takeTurns(ctx, all, turns, time.Now().Add(time.Until(end)/2), func(int) {})
		for _, r := range runners {
			if len(r.step) > 0 {
				b.noteSpeed(r)
				series[r.device()].Points = append(series[r.device()].Points,
					Point{Size: size, Model: c.Model(), Batch: c.Batch, Step: NewFigure(r.step), Game: r.measuredGame()})
			}
		}
		b.leaveOutUnmeasured(ctx, fmt.Sprintf("%s %d: %s", g.over, size, c), runners)
		closeAll(all)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// leaveOutRest notes that there is no time for sizes from number i on.
func (b *bench) leaveOutRest(g growing, i int, done map[string]bool) {
	for _, d := range b.live() {
		if !done[d.ID()] {
			b.leaveOut(d, fmt.Sprintf("%s %d and more", g.over, g.sizes[i]), fmt.Sprintf("the time, %v, was up before", b.Budget))
		}
	}
}

// fit fills in how the times grow.
func (s *Series) fit() {
	var sizes, times []float64
	for _, p := range s.Points {
		sizes, times = append(sizes, float64(p.Size)), append(times, p.Step.Median)
	}
	s.Growth = fit(sizes, times)
	if half := len(sizes) / 2; len(sizes) > 3 {
		s.Late = fit(sizes[half:], times[half:])
	}
	s.Round = s.growthOfRounds()
}

// growthOfRounds fits the times of rounds, where they were measured.
func (s *Series) growthOfRounds() *Growth {
	var sizes, times []float64
	for _, p := range s.Points {
		if p.Game != nil && p.Game.Round.Lower > 0 {
			sizes, times = append(sizes, float64(p.Size)), append(times, p.Game.Round.Median)
		}
	}
	return fit(sizes, times)
}

// platform says what the program runs on.
func platform() string {
	return fmt.Sprintf("%s %s/%s, %d threads", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
}
