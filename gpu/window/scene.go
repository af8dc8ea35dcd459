//go:build glfw && cgo && linux

package window

import (
	"slices"
	"time"

	"nashprune/gpu"
	"nashprune/trainer/network"
)

// Progress is what a run says of itself between stretches of training. A percentage or loss of
// 0 is unknown.
type Progress struct {
	Title     string  // what is under way
	Text      string  // what happens; empty: as before
	Training  string  // its name. With another one all begins anew
	Done      float64 // of the run, from 0 to 1
	Loss      float64
	Accuracy  float64 // percent
	Players   int     // in all
	Live      [][]int // those of each gate that are there; nil: all
	Remaining time.Duration
}

// scene is what the window shows of a run.
type scene struct {
	Progress
	gates    []*gate
	all      int // players at first
	loss     curve
	accuracy curve
	players  curve
	changed  bool // since the last frame
	anew     bool // all participate again
	fading   time.Duration
}

// gate is the players of one gate: of all that there were at first.
type gate struct {
	name    string
	players int
	live    []int     // those that are there
	removed []float32 // seconds of the clock; 0: it is there
	price   float32
	known   bool // live is what the engine has now

	// on is where the engine leaves the rows of cells, and places is its memory. Without them
	// host holds the rows.
	on     gpu.Cells
	places []uint32
	host   []float32
}

// fades is how long a removed player is seen to fade.
const fades = 8 * time.Second

func newScene(g *network.Graph) *scene {
	s := &scene{changed: true, Progress: Progress{Text: "the first steps are under way"}}
	for _, n := range g.MarketWidths() {
		s.all += n
	}
	for i, n := range g.Widths() {
		s.gates = append(s.gates, &gate{name: g.Gates[i].Name, players: n, live: network.Indices(n), removed: make([]float32, n), known: true})
	}
	return s
}

// rows are those of cells in which all participate.
func (g *gate) rows() []float32 {
	return append(slices.Repeat([]float32{1}, g.players), make([]float32, g.players)...)
}

// update takes in progress at a time of the clock.
func (s *scene) update(p Progress, clock time.Duration) {
	if p.Text == "" {
		p.Text = s.Text
	}
	if p.Training == "" { // a message alone
		s.Text, s.changed = p.Text, true
		return
	}
	anew := p.Training != s.Training && s.Training != ""
	if anew {
		s.loss, s.accuracy, s.players = curve{}, curve{}, curve{}
	}
	s.loss.add(p.Done, p.Loss)
	s.accuracy.add(p.Done, p.Accuracy)
	s.players.add(p.Done, float64(p.Players))
	s.Progress, s.changed = p, true
	for i, g := range s.gates {
		live := network.Indices(g.players)
		if p.Live != nil {
			live = slices.Clone(p.Live[i])
		}
		if anew {
			clear(g.removed)
			g.price, g.host, s.anew = 0, g.rows(), true
		}
		for _, player := range g.live {
			if _, stays := slices.BinarySearch(live, player); !stays {
				g.removed[player] = float32(clock.Seconds())
				s.fading = clock + fades
			}
		}
		g.live, g.known = live, true
		for i, player := range live {
			if g.removed[player] = 0; g.places != nil {
				g.places[i] = uint32(player)
			}
		}
	}
}

// curve is numbers over the progress of a run.
type curve struct{ x, y []float64 }

// mostPoints bounds a curve: more are thinned out.
const mostPoints = 2048

// add takes in a number. One that is unknown is left out.
func (c *curve) add(x, y float64) {
	if y == 0 {
		return
	}
	c.x, c.y = append(c.x, x), append(c.y, y)
	if len(c.x) > mostPoints {
		for i := range mostPoints / 2 {
			c.x[i], c.y[i] = c.x[2*i], c.y[2*i]
		}
		c.x, c.y = c.x[:mostPoints/2], c.y[:mostPoints/2]
	}
}
