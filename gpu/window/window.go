//go:build glfw && cgo && linux

package window

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"log"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/go-gl/glfw/v3.3/glfw"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// Window shows a run. Open, Run and Close are for the main thread, Watch and Update for the
// goroutine that trains.
type Window struct {
	save    func(png []byte) (string, error)
	window  *glfw.Window
	surface *compute.Surface
	painter *painter // nil until the training has a device
	fitted  bool
	start   time.Time
	took    time.Duration // by the last frame
	asked   bool          // by the user, for a frame now

	mutex   sync.Mutex // of all that follows
	pace    func(time.Duration) time.Duration
	scene   *scene
	stands  *painter // the painter, for the main thread to take over
	failed  error    // why there is none
	paused  bool
	closed  bool
	resumed sync.Cond // paused or closed has changed
}

// size of a new window, in points.
const width, height = 1120, 700

// Open opens a window, before anything else uses Vulkan. Save writes a picture and returns its
// name. When ctx ends a pause does, too. An error says what is missing: a display, a driver, a
// device that shows pictures there.
func Open(ctx context.Context, save func(png []byte) (string, error)) (w *Window, err error) {
	w = &Window{save: save, start: time.Now(), pace: onGPU}
	w.resumed.L = &w.mutex
	defer func() {
		if err != nil {
			w.Close()
			w = nil
		}
	}()
	err = guard(func() error {
		if err := glfw.Init(); err != nil {
			return err
		}
		glfw.WindowHint(glfw.ClientAPI, glfw.NoAPI)
		glfw.WindowHint(glfw.ScaleToMonitor, glfw.True)
		if w.window, err = glfw.CreateWindow(width, height, "Nashprune", nil, nil); err != nil {
			return err
		}
		w.window.SetSizeLimits(480, 360, glfw.DontCare, glfw.DontCare)
		w.window.SetKeyCallback(func(_ *glfw.Window, key glfw.Key, _ int, action glfw.Action, _ glfw.ModifierKey) {
			if action == glfw.Press {
				w.asked = true
				w.press(key)
			}
		})
		w.window.SetFramebufferSizeCallback(func(*glfw.Window, int, int) { w.fitted, w.asked = false, true })
		w.window.SetRefreshCallback(func(*glfw.Window) { w.change() })
		compute.SurfaceExtensions = w.window.GetRequiredInstanceExtensions()
		if len(compute.SurfaceExtensions) == 0 {
			return errors.New("the Vulkan loader shows no pictures on this display: install libvulkan1 and a driver (nashprune doctor finds out why)")
		}
		w.surface, err = compute.OpenSurface(func(instance unsafe.Pointer) (uint64, error) { return createSurface(instance, w.window) })
		if err != nil {
			return err
		}
		keepRunning()
		_, err = presenter()
		return err
	})
	if err != nil {
		return w, fmt.Errorf("%w: no window: %w", backend.ErrNoDevice, err)
	}
	context.AfterFunc(ctx, func() { w.pause(func(bool) bool { return false }) })
	return w, nil
}

// guard turns panics of GLFW, by which it reports errors, into errors. Those of the platform it
// writes to the log alone: they say what a later one comes from.
func guard(do func() error) (err error) {
	var said strings.Builder
	flags, output := log.Flags(), log.Writer()
	log.SetFlags(0)
	log.SetOutput(&said)
	defer func() {
		log.SetFlags(flags)
		log.SetOutput(output)
		if p := recover(); p != nil {
			failure := new(glfw.Error)
			if e, is := p.(error); !is || !errors.As(e, &failure) {
				panic(p)
			}
			err = failure
		}
		if text := strings.Join(strings.Fields(said.String()), " "); err != nil && text != "" {
			err = fmt.Errorf("%s: %w", text, err)
		}
	}()
	return do()
}

// presenter returns the number of the first device that shows pictures on the surface.
func presenter() (int, error) {
	devices, err := compute.List()
	for _, d := range devices {
		if d.Presents {
			return d.Index, nil
		}
	}
	return 0, errors.Join(errors.New("no Vulkan device shows pictures on this display"), err)
}

// clock is how long the window is open.
func (w *Window) clock() time.Duration { return time.Since(w.start) }

// Watch lets the window see where the players of an engine are. The graph is the network before
// any removal. It returns the engine to train with.
func (w *Window) Watch(e backend.Engine, g *network.Graph) backend.Engine {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.closed {
		return e
	}
	watched := &watched{Engine: e, window: w}
	s := newScene(g)
	p := &painter{focus: -1}
	var err error
	if shower, is := e.(shower); is {
		if p.device, err = shower.Beside(); err == nil && p.device.Info().Presents {
			watched.shower = shower
		} else if err == nil {
			p.device.Close()
		}
	}
	if watched.shower == nil {
		var index int
		if index, err = presenter(); err == nil {
			p.device, err = compute.Open(index)
		}
	}
	if err == nil {
		p.cells, err = stand(p.device, s, watched.shower != nil)
	}
	if err == nil {
		p.screen, err = p.device.NewScreen(w.surface)
	}
	if err != nil && p.device != nil {
		p.close()
	}
	w.scene, w.stands, w.failed = s, p, err
	if err != nil {
		w.stands, w.closed = nil, true
	} else if p.device.Info().Kind == compute.CPU {
		w.pace = onCPU
	}
	return watched
}

// Update lets the window show how far the run is. It returns when no pause holds the run.
func (w *Window) Update(p Progress) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.scene == nil || w.closed { // with the window the memory of its cells is gone
		return
	}
	w.scene.update(p, w.clock())
	for w.paused && !w.closed {
		w.resumed.Wait()
	}
}

// setPrices notes the price of each gate: the lowest that a player pays.
func (w *Window) setPrices(prices [][]float64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for i, g := range w.scene.gates {
		if len(prices[i]) > 0 {
			g.price = float32(slices.Min(prices[i]))
		}
	}
}

// forget notes that the engine may have other players now.
func (w *Window) forget() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, g := range w.scene.gates {
		g.known = false
	}
}

// change lets a frame follow though the run is where it was.
func (w *Window) change() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.scene != nil {
		w.scene.changed = true
	}
}

// pause changes whether the run pauses.
func (w *Window) pause(to func(paused bool) bool) {
	w.mutex.Lock()
	w.paused = to(w.paused)
	w.resumed.Broadcast()
	w.mutex.Unlock()
	w.change()
}

// press does what a key is for.
func (w *Window) press(key glfw.Key) {
	switch key {
	case glfw.KeySpace:
		w.pause(func(paused bool) bool { return !paused })
	case glfw.KeyTab:
		if p := w.painter; p != nil && len(p.cells) > 0 {
			if p.focus++; p.focus == len(w.scene.gates) {
				p.focus = -1
			}
			w.fitted = false
		}
	case glfw.KeyS:
		w.say(w.savePicture())
	case glfw.KeyQ, glfw.KeyEscape:
		w.window.SetShouldClose(true)
	}
}

// say shows a text until the run says something else.
func (w *Window) say(text string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.scene != nil {
		w.scene.Text, w.scene.changed = text, true
	}
}

// savePicture saves what is shown, and says where.
func (w *Window) savePicture() string {
	if w.painter == nil || !w.fitted {
		return "no picture yet"
	}
	m, err := w.painter.read()
	var file bytes.Buffer
	if err == nil {
		err = png.Encode(&file, m)
	}
	name := ""
	if err == nil {
		name, err = w.save(file.Bytes())
	}
	if err != nil {
		return "no picture was saved: " + err.Error()
	}
	return "saved " + name
}

// Run shows the run until done is closed or the user closes the window. An error says why the
// window can show nothing any more; the run goes on in any case.
func (w *Window) Run(done <-chan struct{}) error {
	return guard(func() error {
		ended := func() bool {
			select {
			case <-done:
				return true
			default:
				return w.window.ShouldClose()
			}
		}
		wait := func(d time.Duration) {
			if lost() == nil {
				glfw.WaitEventsTimeout(d.Seconds())
			}
		}
		pace := func() time.Duration {
			w.mutex.Lock()
			defer w.mutex.Unlock()
			if w.asked {
				return w.pace(0)
			}
			return w.pace(w.took)
		}
		return loop(time.Now, pace, wait, func() bool { return !ended() }, w.frame)
	})
}

// frame shows the present scene, if it has changed.
func (w *Window) frame() error {
	if err := lost(); err != nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.painter == nil && w.stands != nil {
		w.painter, w.stands = w.stands, nil
	}
	p, s := w.painter, w.scene
	if p == nil {
		return w.failed
	}
	if w.fitted && !s.changed && w.clock() > s.fading {
		return nil
	}
	anew := !w.fitted // where the device compiles kernels, which it does once
	if anew {
		width, height := w.window.GetFramebufferSize()
		scale, _ := w.window.GetContentScale()
		var err error
		if w.fitted, err = p.fit(s, width, height, float64(scale)); err != nil || !w.fitted {
			return err
		}
	}
	state := ""
	if w.paused {
		state = "paused"
	}
	began := time.Now()
	if err := p.load(s, w.clock(), state); err != nil {
		return err
	}
	w.mutex.Unlock() // the training does not wait while the device paints
	fits, err := p.show()
	if w.took = time.Since(began); anew {
		w.took = 0
	}
	w.mutex.Lock()
	w.fitted, w.asked = w.fitted && fits, false
	return err
}

// Close closes the window. The run goes on.
func (w *Window) Close() {
	w.mutex.Lock()
	w.closed = true
	w.resumed.Broadcast()
	if w.painter == nil {
		w.painter, w.stands = w.stands, nil
	}
	w.mutex.Unlock()
	if w.painter != nil {
		w.painter.close()
	}
	if w.surface != nil {
		w.surface.Close()
	}
	if lost() == errDisplayGone { // GLFW would speak to it
		return
	}
	_ = guard(func() error { // what fails now is of no interest any more
		if w.window != nil {
			w.window.Destroy()
		}
		glfw.Terminate()
		return nil
	})
}
