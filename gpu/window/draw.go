//go:build glfw && cgo && linux

package window

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Colours of what the host draws. Those of cells are in shaders/cells.comp.
var (
	background = color.RGBA{13, 17, 27, 255}
	plate      = color.RGBA{20, 26, 39, 255} // under a curve
	ink        = color.RGBA{226, 232, 244, 255}
	dim        = color.RGBA{137, 148, 173, 255}
	blue       = color.RGBA{96, 208, 255, 255}
	amber      = color.RGBA{255, 176, 64, 255}
	red        = color.RGBA{255, 72, 88, 255}
	green      = color.RGBA{124, 222, 160, 255}
)

// canvas is an image that the host draws on.
type canvas struct {
	image     *image.RGBA
	scale     float64 // pixels of a point of the layout
	blueFirst bool    // what the screen wants
	plain     font.Face
	bold      font.Face
	raster    *vector.Rasterizer
}

func newCanvas(pixels []byte, width, height int, scale float64, blueFirst bool) (*canvas, error) {
	c := &canvas{
		image: &image.RGBA{Pix: pixels, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)},
		scale: scale, blueFirst: blueFirst, raster: vector.NewRasterizer(width, height),
	}
	for face, file := range map[*font.Face][]byte{&c.plain: goregular.TTF, &c.bold: gobold.TTF} {
		parsed, err := opentype.Parse(file)
		if err != nil {
			return nil, err
		}
		if *face, err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: 13 * scale, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// px returns a length of the layout in pixels.
func (c *canvas) px(points float64) int { return int(math.Round(points * c.scale)) }

// paint returns a colour as a source, with its bytes in the order of the screen.
func (c *canvas) paint(of color.RGBA) *image.Uniform {
	if c.blueFirst {
		of.R, of.B = of.B, of.R
	}
	return image.NewUniform(of)
}

func (c *canvas) fill(r image.Rectangle, of color.RGBA) {
	draw.Draw(c.image, r, c.paint(of), image.Point{}, draw.Src)
}

// write writes a text whose baseline begins at a point, and returns where it ends. What reaches
// beyond the limit is cut.
func (c *canvas) write(x, y, limit int, face font.Face, of color.RGBA, text string) int {
	for font.MeasureString(face, text).Ceil() > limit-x {
		letters := []rune(text)
		if len(letters) < 2 {
			return x
		}
		text = string(letters[:len(letters)-2]) + "…"
	}
	d := font.Drawer{Dst: c.image, Src: c.paint(of), Face: face, Dot: fixed.P(x, y)}
	d.DrawString(text)
	return d.Dot.X.Ceil()
}

// line draws a line through points, so many pixels wide.
func (c *canvas) line(points [][2]float64, width float64, of color.RGBA) {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		dx, dy := b[0]-a[0], b[1]-a[1]
		length := math.Hypot(dx, dy)
		if length == 0 {
			continue
		}
		dx, dy = dx/length*width/2, dy/length*width/2
		left, top := int(min(a[0], b[0])-width)-1, int(min(a[1], b[1])-width)-1
		r := image.Rect(left, top, int(max(a[0], b[0])+width)+2, int(max(a[1], b[1])+width)+2)
		c.raster.Reset(r.Dx(), r.Dy())
		to := func(move func(x, y float32), x, y float64) { move(float32(x-float64(left)), float32(y-float64(top))) }
		to(c.raster.MoveTo, a[0]-dx+dy, a[1]-dy-dx) // a little longer at both ends, so that joints close
		to(c.raster.LineTo, b[0]+dx+dy, b[1]+dy-dx)
		to(c.raster.LineTo, b[0]+dx-dy, b[1]+dy+dx)
		to(c.raster.LineTo, a[0]-dx-dy, a[1]-dy+dx)
		c.raster.ClosePath()
		c.raster.Draw(c.image, r, c.paint(of), image.Point{})
	}
}

// Lengths of the layout, in points.
const (
	margin   = 22
	lineHigh = 22
	headHigh = 74  // title and legend
	plotHigh = 92  // of a curve
	footHigh = 160 // title of the curves, curves and text
)

func (c *canvas) measures() measures {
	return measures{label: c.px(lineHigh), widest: c.px(230), gap: c.px(18), most: c.px(40)}
}

// cellArea is where the cells of gates are.
func (c *canvas) cellArea() image.Rectangle {
	return image.Rect(c.px(margin), c.px(headHigh), c.image.Rect.Dx()-c.px(margin), c.image.Rect.Dy()-c.px(footHigh+margin))
}

// draw draws all but the cells.
func (c *canvas) draw(s *scene, panels []panel, focus int, state string) {
	width, height := c.image.Rect.Dx(), c.image.Rect.Dy()
	left, right := c.px(margin), width-c.px(margin)
	c.fill(c.image.Rect, background)
	c.fill(image.Rect(0, 0, int(s.Done*float64(width)), c.px(3)), blue)

	title := "Nashprune"
	if state != "" {
		title += ": " + state
	}
	x := c.write(left, c.px(32), right, c.bold, ink, title)
	x = c.write(x+c.px(14), c.px(32), right, c.plain, dim, s.Title)
	done := fmt.Sprintf("%.0f %%", 100*s.Done)
	if s.Remaining > 0 {
		done += fmt.Sprintf("  %v left", s.Remaining.Round(time.Second))
	}
	if start := right - font.MeasureString(c.plain, done).Ceil(); start > x {
		c.write(start, c.px(32), right, c.plain, dim, done)
	}
	c.legend(left, c.px(57), right)
	for _, p := range panels {
		c.label(s.gates[p.gate], p, right)
	}
	if len(s.gates) == 0 {
		c.write(left, c.px(headHigh+lineHigh), right, c.plain, dim, "The players are single weights: there are no cells.")
	}
	if len(s.gates) > len(panels) && focus < 0 {
		c.write(left, height-c.px(footHigh+margin/2), right, c.plain, dim, fmt.Sprintf("%d more gates: Tab shows one at a time", len(s.gates)-len(panels)))
	}

	top := height - c.px(footHigh)
	gap := c.px(24)
	each := (right - left - 2*gap) / 3
	for i, plot := range []struct {
		curve
		name, number string
		of           color.RGBA
		log          bool
	}{
		{s.loss, "loss", fmt.Sprintf("%.4f", s.Loss), amber, true},
		{s.accuracy, "training accuracy", fmt.Sprintf("%.2f %%", s.Accuracy), green, false},
		{s.players, "players", fmt.Sprintf("%d of %d", s.Progress.Players, s.all), blue, false},
	} {
		x := left + i*(each+gap)
		label := plot.name
		if len(plot.x) > 0 {
			label += " " + plot.number
		}
		c.write(x, top+c.px(14), x+each, c.plain, ink, label)
		c.plot(image.Rect(x, top+c.px(22), x+each, top+c.px(22+plotHigh)), plot.curve, plot.of, plot.log)
	}
	const keys = "Space pause   Tab gate   S picture   Q close"
	start := right - font.MeasureString(c.plain, keys).Ceil()
	c.write(left, height-c.px(16), start-c.px(20), c.plain, ink, s.Text)
	c.write(max(left, start), height-c.px(16), right, c.plain, dim, keys)
}

// legend says what the colours of cells mean.
func (c *canvas) legend(x, y, right int) {
	for _, entry := range []struct {
		of   color.RGBA
		text string
	}{
		{blue, "worth 16 prices or more"}, {green, "4 prices"}, {amber, "1 price or less; darker: participates less"}, {red, "removed, fading"},
	} {
		side := c.px(10)
		c.fill(image.Rect(x, y-side, x+side, y), entry.of)
		x = c.write(x+side+c.px(7), y, right, c.plain, dim, entry.text) + c.px(20)
	}
}

// label names a gate above its cells.
func (c *canvas) label(g *gate, p panel, right int) {
	area := c.cellArea()
	x, y := area.Min.X+p.x, area.Min.Y+p.y-c.px(7)
	x = c.write(x, y, right, c.bold, ink, fmt.Sprintf("gate %d", p.gate)) + c.px(9)
	text := fmt.Sprintf("node %s   %d of %d", g.name, len(g.live), g.players)
	if g.price > 0 {
		text += fmt.Sprintf("   price %.3g", g.price)
	}
	c.write(x, y, right, c.plain, dim, text)
}

// plot draws a curve from its least to its largest number, and writes these.
func (c *canvas) plot(r image.Rectangle, of curve, with color.RGBA, log bool) {
	c.fill(r, plate)
	if len(of.x) == 0 {
		return
	}
	scale := func(y float64) float64 {
		if log {
			return math.Log(max(y, 1e-30))
		}
		return y
	}
	least, most := of.y[0], of.y[0]
	for _, y := range of.y {
		least, most = min(least, y), max(most, y)
	}
	number := func(y float64) string { return fmt.Sprintf("%.4g", y) }
	c.write(r.Min.X+c.px(6), r.Min.Y+c.px(16), r.Max.X, c.plain, dim, number(most))
	c.write(r.Min.X+c.px(6), r.Max.Y-c.px(6), r.Max.X, c.plain, dim, number(least))
	inner := r.Inset(c.px(6))
	inner.Min.X += c.px(44)
	first, span, high := of.x[0], of.x[len(of.x)-1]-of.x[0], scale(most)-scale(least)
	var points [][2]float64
	for i, x := range of.x {
		along, up := 1., 0.5
		if span > 0 {
			along = (x - first) / span
		}
		if high > 0 {
			up = (scale(of.y[i]) - scale(least)) / high
		}
		point := [2]float64{float64(inner.Min.X) + along*float64(inner.Dx()), float64(inner.Max.Y) - up*float64(inner.Dy())}
		if n := len(points); n > 1 && point[0]-points[n-2][0] < 1.5 { // thinner than pixels
			points[n-1] = point
			continue
		}
		points = append(points, point)
	}
	c.line(points, 1.6*c.scale, with)
}
