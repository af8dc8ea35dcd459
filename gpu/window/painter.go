//go:build glfw && cgo && linux

package window

import (
	"image"
	"time"
	"unsafe"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// painter makes pictures of a scene on a device, and shows them on a screen. It is for the main
// thread, but for stand.
type painter struct {
	device *compute.Device
	screen *compute.Screen
	cells  []*compute.Arena // of each gate

	// What follows is for a size of pictures and an arrangement of gates, and made anew with them.
	canvas  *canvas
	panels  []panel
	focus   int // the one gate that is shown, -1: all
	area    []*compute.Arena
	frames  [][]float32 // of each gate: clock, price, when its players were removed
	picture compute.Buffer
	program *compute.Program
}

// stand makes the cells of the gates of a scene: on the device where an engine of that device
// writes to them, else of the host, which copies them for every frame.
func stand(d *compute.Device, s *scene, onDevice bool) (cells []*compute.Arena, err error) {
	for _, g := range s.gates {
		g.host = g.rows()
		kind := compute.Host
		if onDevice {
			kind = compute.Local
		}
		rows, err := d.NewArena(kind, d.Round(4*len(g.host)))
		if err != nil {
			return cells, err
		}
		cells = append(cells, rows)
		g.on = gpu.Cells{Cells: rows.Take(4 * len(g.host)), Stride: g.players}
		if !onDevice {
			continue
		}
		places, err := d.NewArena(compute.Host, d.Round(4*g.players))
		if err != nil {
			return cells, err
		}
		cells = append(cells, places)
		g.on.Places = places.Take(4 * g.players)
		g.places = numbers[uint32](g.on.Places)
		for i := range g.places {
			g.places[i] = uint32(i)
		}
		if err := d.Write(g.on.Cells, bytesOf(g.host)); err != nil {
			return cells, err
		}
	}
	return cells, nil
}

// numbers returns memory that host and device share as numbers.
func numbers[T any](b compute.Buffer) []T {
	bytes := b.Bytes()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/int(unsafe.Sizeof(*new(T))))
}

func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// fit makes the screen and all that depends on its size anew. It reports whether there is a
// picture to be seen.
func (p *painter) fit(s *scene, width, height int, scale float64) (bool, error) {
	p.drop()
	width, height, err := p.screen.Fit(width, height)
	if err != nil || width == 0 {
		return false, err
	}
	d, bytes := p.device, 4*width*height
	take := func(kind compute.Memory, bytes int) (compute.Buffer, error) {
		arena, err := d.NewArena(kind, d.Round(bytes))
		if err != nil {
			return compute.Buffer{}, err
		}
		p.area = append(p.area, arena)
		return arena.Take(bytes), nil
	}
	overlay, err := take(compute.Host, bytes)
	if err != nil {
		return false, err
	}
	if p.picture, err = take(compute.Local, bytes); err != nil {
		return false, err
	}
	if p.canvas, err = newCanvas(overlay.Bytes(), width, height, scale, p.screen.BlueFirst()); err != nil {
		return false, err
	}
	var frames []compute.Buffer
	for _, g := range s.gates {
		frame, err := take(compute.Host, 4*(2+g.players))
		if err != nil {
			return false, err
		}
		frames, p.frames = append(frames, frame), append(p.frames, numbers[float32](frame))
	}
	p.arrange(s)
	p.program = d.NewProgram()
	p.program.Copy(overlay, p.picture)
	pipeline, err := d.Pipeline(shaders.Cells, local)
	if err != nil {
		return false, err
	}
	area := p.canvas.cellArea()
	for _, panel := range p.panels {
		g := s.gates[panel.gate]
		push := shaders.CellsPush{
			Players: uint32(g.players), Stride: uint32(g.on.Stride), Columns: uint32(panel.columns), Size: uint32(panel.size),
			X: uint32(area.Min.X + panel.x), Y: uint32(area.Min.Y + panel.y), Width: uint32(width),
		}
		if p.screen.BlueFirst() {
			push.BlueFirst = 1
		}
		groups := [3]int{(panel.columns*panel.size + local - 1) / local, panel.rows(g.players) * panel.size, 1}
		p.program.Dispatch(pipeline, groups, push, frames[panel.gate], g.on.Cells, p.picture)
	}
	return true, p.program.Record(false)
}

// local is how many pixels side by side a workgroup paints.
const local = 64

// arrange places the gates, or the one that is in focus.
func (p *painter) arrange(s *scene) {
	area := p.canvas.cellArea()
	var players []int
	for _, g := range s.gates {
		players = append(players, g.players)
	}
	if p.focus >= 0 {
		players = players[p.focus : p.focus+1]
	}
	p.panels = arrange(players, area.Dx(), area.Dy(), p.canvas.measures())
	if p.focus >= 0 && len(p.panels) > 0 {
		p.panels[0].gate = p.focus
	}
}

// load brings the device what the host knows of a scene.
func (p *painter) load(s *scene, clock time.Duration, state string) error {
	for i, g := range s.gates {
		frame := p.frames[i]
		frame[0], frame[1] = float32(clock.Seconds()), g.price
		copy(frame[2:], g.removed)
		if g.places == nil {
			copy(numbers[float32](g.on.Cells), g.host)
		} else if s.anew {
			if err := p.device.Write(g.on.Cells, bytesOf(g.host)); err != nil {
				return err
			}
		}
	}
	s.anew, s.changed = false, false
	p.canvas.draw(s, p.panels, p.focus, state)
	return nil
}

// show paints and shows the picture. It reports whether the screen still fits the window.
func (p *painter) show() (fits bool, err error) {
	if err := p.program.Run(1); err != nil {
		return false, err
	}
	return p.screen.Show(p.picture)
}

// read returns the last picture.
func (p *painter) read() (*image.RGBA, error) {
	m := image.NewRGBA(p.canvas.image.Rect)
	if err := p.device.Read(p.picture, m.Pix); err != nil {
		return nil, err
	}
	if p.canvas.blueFirst {
		for i := 0; i < len(m.Pix); i += 4 {
			m.Pix[i], m.Pix[i+2] = m.Pix[i+2], m.Pix[i]
		}
	}
	return m, nil
}

// drop gives back what is made anew with a size.
func (p *painter) drop() {
	if p.program != nil {
		p.program.Free()
	}
	for _, a := range p.area {
		a.Free()
	}
	p.program, p.area, p.frames, p.panels, p.canvas = nil, nil, nil, nil, nil
}

func (p *painter) close() {
	p.drop()
	if p.screen != nil {
		p.screen.Close()
	}
	for _, a := range p.cells {
		a.Free()
	}
	p.device.Close()
}
