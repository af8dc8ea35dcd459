//go:build glfw && cgo && linux

package window

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-gl/glfw/v3.3/glfw"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/network"
	"nashprune/trainer/settings"
)

// colourOf is what shaders/cells.comp paints a player as that is there.
func colourOf(s, worth, price float64) [3]float64 {
	mix := func(a, b [3]float64, t float64) (c [3]float64) {
		for i := range c {
			c[i] = a[i] + (b[i]-a[i])*t
		}
		return c
	}
	cheap, fair, dear := [3]float64{255, 176, 64}, [3]float64{124, 222, 160}, [3]float64{96, 208, 255}
	t := 1.
	if price > 0 {
		t = min(max(math.Log2(worth/price)/4, 0), 1)
	}
	hue := mix(fair, dear, 2*t-1)
	if t < 0.5 {
		hue = mix(cheap, fair, 2*t)
	}
	return mix([3]float64{28, 35, 51}, hue, s)
}

// at returns the colour in the middle of a player's cell.
func at(w *Window, m *image.RGBA, gate, player int) [3]float64 {
	area := w.painter.canvas.cellArea()
	p := w.painter.panels[gate]
	x := area.Min.X + p.x + player%p.columns*p.size + p.size/2
	y := area.Min.Y + p.y + player/p.columns*p.size + p.size/2
	c := m.RGBAAt(x, y)
	return [3]float64{float64(c.R), float64(c.G), float64(c.B)}
}

// picture shows a frame and returns it.
func picture(t *testing.T, w *Window) *image.RGBA {
	t.Helper()
	glfw.PollEvents()
	w.change()
	if err := w.frame(); err != nil {
		t.Fatal(err)
	}
	m, err := w.painter.read()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// compare compares the cells of players that are there with numbers. A level is for rounding,
// one more for the logarithm of a worth in float32.
func compare(t *testing.T, w *Window, m *image.RGBA, participations, worths [][]float64, prices []float64) {
	t.Helper()
	for g, gate := range w.scene.gates {
		for i, s := range participations[g] {
			want := colourOf(s, worths[g][i], prices[g])
			if got := at(w, m, g, gate.live[i]); slices.ContainsFunc([]int{0, 1, 2}, func(c int) bool { return math.Abs(got[c]-want[c]) > 2 }) {
				t.Fatalf("player %d:%d participates with %g, is worth %g at a price of %g; its cell is %v, want %.1f", g, gate.live[i], s, worths[g][i], prices[g], got, want)
			}
		}
	}
}

// TestPicturesShowPlayers: on either backend cells have the colours of what the engine itself
// says of its players, in the paper's game at two moments, and in the market before and after
// a removal.
func TestPicturesShowPlayers(t *testing.T) {
	for _, words := range []string{"vulkan", "cpu"} {
		t.Run(words, func(t *testing.T) {
			c := backendtest.Case{Inputs: 6, Hidden: []int{37, 12}, Outputs: 3, Batch: 8, Rows: 64, Optimiser: backend.Optimiser{Kind: backend.Adam}}
			device, err := backend.FindDevice(words)
			if err != nil {
				t.Fatal(err)
			}
			w := openWindow(t, nil)
			defer w.Close()
			state := c.State()
			for _, s := range state.Network.Participations { // as at the start of a training
				for i := range s {
					s[i] = 1
				}
			}
			e, err := device.Open(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser, Valuation: game.Outputs}, state)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			widths := c.Graph().Widths()
			watched := w.Watch(e, c.Graph())
			w.Update(Progress{Training: "game", Loss: 1, Accuracy: 50, Players: 49, Text: "begins"})

			var last *image.RGBA
			nothing := [][]float64{make([]float64, widths[0]), make([]float64, widths[1])}
			for range 2 {
				s := backend.Stretch{Order: backend.InOrder(64), LearningRates: slices.Repeat([]float64{0.01}, 8),
					Paper: &backend.PaperMove{Game: game.Paper{Benefit: game.Absolute, Alpha: 1, Gamma: 0.02}, Update: backend.GradientAscent, Rate: 2}}
				if _, err := watched.Train(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				participations, err := e.Participations()
				if err != nil {
					t.Fatal(err)
				}
				m := picture(t, w)
				compare(t, w, m, participations, nothing, []float64{0, 0})
				if last != nil && bytes.Equal(m.Pix, last.Pix) {
					t.Error("two moments have the same picture")
				}
				last = m
			}

			o, err := watched.Observe(t.Context(), backend.InOrder(64))
			if err != nil {
				t.Fatal(err)
			}
			var prices []float64
			var paid [][]float64
			for _, h := range o.Interactions {
				prices = append(prices, slices.Max(h.Worths(make([]float64, h.Players())))/4)
				paid = append(paid, slices.Repeat(prices[len(prices)-1:], h.Players()))
			}
			played, err := watched.Play(paid, [][]float64{slices.Repeat([]float64{1}, widths[0]), slices.Repeat([]float64{1}, widths[1])}, 3)
			if err != nil {
				t.Fatal(err)
			}
			pulled, err := watched.Pull() // after which every move is shown
			if err != nil {
				t.Fatal(err)
			}
			var worths [][]float64
			for g, h := range o.Interactions {
				worths = append(worths, h.Worths(played[g]))
			}
			compare(t, w, picture(t, w), played, worths, prices)

			keep := network.Survivors{network.Indices(widths[0])[5:], network.Indices(widths[1])[:7]}
			cut, err := pulled.Network.Cut(keep)
			if err != nil {
				t.Fatal(err)
			}
			if err := watched.Push(pulled.Cut(cut)); err != nil {
				t.Fatal(err)
			}
			w.Update(Progress{Training: "game", Live: keep, Players: 39})
			m := picture(t, w)
			for g, k := range keep {
				played[g], worths[g] = network.Select(played[g], k), network.Select(worths[g], k)
			}
			compare(t, w, m, played, worths, prices)
			for player := range 5 {
				if got := at(w, m, 0, player); got[0] < 150 || got[1] > 90 {
					t.Errorf("player 0:%d was removed just now; its cell is %v, which is not red", player, got)
				}
			}
			w.start = w.start.Add(-time.Minute)
			if got := at(w, picture(t, w), 0, 2); got != [3]float64{20, 26, 39} {
				t.Errorf("player 0:2 was removed a minute ago; its cell is %v", got)
			}

			w.Update(Progress{Training: "dense", Players: 49})
			if got := at(w, picture(t, w), 0, 2); got != colourOf(1, 0, 0) {
				t.Errorf("in another training all participate; a cell is %v", got)
			}
			w.press(glfw.KeyTab) // one gate alone
			picture(t, w)
			if p := w.painter.panels; len(p) != 1 || p[0].gate != 0 || p[0].size != w.painter.canvas.measures().most {
				t.Errorf("in focus are %+v", p)
			}
		})
	}
}

// TestRunsWithAWindow: a run whose window is resized, hidden, paused and closed before its end
// leaves the same files as one without, and saves pictures on the way.
func TestRunsWithAWindow(t *testing.T) {
	for _, words := range []string{"vulkan", "cpu"} {
		t.Run(words, func(t *testing.T) {
			c := settings.Default()
			c.Device, c.Data, c.Batch = words, "digits:train=3000,test=500", 40
			c.Model, c.Epochs, c.Rounds, c.Keep, c.CertifySteps, c.Baseline = "mlp:40-20", 3, 12, 15, 2, true
			folder := t.TempDir()
			alone, seen := filepath.Join(folder, "alone"), filepath.Join(folder, "seen")
			if _, err := trainer.Run(t.Context(), c, trainer.Options{Dir: alone}); err != nil {
				t.Fatal(err)
			}

			var saved [][]byte
			w := openWindow(t, func(picture []byte) (string, error) { saved = append(saved, picture); return "it", nil })
			done, events := make(chan struct{}), make(chan struct{}) // the run goes on by a stretch an event
			var err error
			go func() {
				defer close(done)
				defer close(events)
				_, err = trainer.Run(context.Background(), c, trainer.Options{Dir: seen, Watch: w.Watch, Observe: func(e trainer.Event) {
					w.Update(Progress{Training: e.Training, Text: e.Message, Live: e.Live, Done: e.Done, Loss: e.Loss, Accuracy: e.Accuracy, Players: network.Sum(e.Players)})
					if e.Training != "" {
						events <- struct{}{}
					}
				}})
			}()
			steps := []func(){
				func() { w.press(glfw.KeyS) },
				func() { w.window.SetSize(500, 400) },
				func() { w.press(glfw.KeyTab) },
				func() { w.window.SetSize(1200, 800) },
				func() { w.window.Iconify(); w.window.Hide() },
				func() { w.window.Restore(); w.window.Show() },
				func() { w.press(glfw.KeySpace) },
				func() { w.press(glfw.KeyS); w.press(glfw.KeySpace) },
				func() { w.press(glfw.KeyEscape) },
			}
			for i, step := range steps {
				if i != 7 { // it is paused
					if _, goes := <-events; !goes {
						t.Fatalf("the run ended before step %d", i)
					}
				}
				turn := make(chan struct{})
				time.AfterFunc(400*time.Millisecond, func() { close(turn) })
				if err := w.Run(turn); err != nil {
					t.Fatal(err)
				}
				step()
			}
			go func() {
				for range events {
				}
			}()
			if !w.window.ShouldClose() {
				t.Error("Esc does not close the window")
			}
			w.Close()
			<-done
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"pruned.safetensors", "dense.safetensors", "players.csv", "equilibrium.json"} {
				first, err := os.ReadFile(filepath.Join(alone, name))
				if err != nil {
					t.Fatal(err)
				}
				second, err := os.ReadFile(filepath.Join(seen, name))
				if err != nil || !bytes.Equal(first, second) {
					t.Errorf("with a window %s differs: %v", name, err)
				}
			}
			var sizes []image.Point
			for _, file := range saved {
				m, err := png.Decode(bytes.NewReader(file))
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, m.Bounds().Size())
			}
			if want := []image.Point{{X: width, Y: height}, {X: 1200, Y: 800}}; !slices.Equal(sizes, want) {
				t.Errorf("pictures of %v were saved, want %v", sizes, want)
			}
		})
	}
}

// TestAPauseEndsWithTheRun: Ctrl-C ends a pause, and a window that is closed holds no one.
func TestAPauseEndsWithTheRun(t *testing.T) {
	runtime.LockOSThread()
	ctx, cancel := context.WithCancel(t.Context())
	w, err := Open(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.scene = &scene{}
	defer func() { w.Update(Progress{}) }() // of a window that is closed
	for _, end := range []func(){cancel, w.Close} {
		w.press(glfw.KeySpace)
		told := make(chan struct{})
		go func() { w.Update(Progress{Training: "game"}); close(told) }()
		select {
		case <-told:
			t.Fatal("the run goes on in a pause")
		case <-time.After(50 * time.Millisecond):
		}
		end()
		<-told
	}
}

// TestErrorsOfGLFW: what GLFW panics with is an error, and other panics go on.
func TestErrorsOfGLFW(t *testing.T) {
	runtime.LockOSThread()
	err := guard(func() error { glfw.WaitEventsTimeout(1); return nil }) // it is not initialised
	if failure := new(glfw.Error); !errors.As(err, &failure) || !strings.Contains(err.Error(), "init") {
		t.Errorf("%v", err)
	}
	defer func() {
		if recover() != "another" {
			t.Error("another panic is lost")
		}
	}()
	_ = guard(func() error { panic("another") })
}

// TestNoDisplay: where there is no display, that is the error.
func TestNoDisplay(t *testing.T) {
	t.Setenv("DISPLAY", ":9999")
	runtime.LockOSThread()
	w, err := Open(t.Context(), nil)
	if w != nil || !errors.Is(err, backend.ErrNoDevice) || !strings.Contains(err.Error(), "display") {
		t.Errorf("%v, %v", w, err)
	}
}
