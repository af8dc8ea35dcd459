package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// point is a place in a picture, in pixels from its upper left corner.
type point struct{ x, y float64 }

// style is the attributes of a mark. What is empty or zero is left out.
type style struct {
	fill    string
	stroke  string
	width   float64 // of the stroke, in pixels
	dashes  string
	opacity float64
	clip    string // name of a clip path
}

func (s style) String() string {
	fill := s.fill
	if fill == "" {
		fill = "none"
	}
	text := ` fill="` + fill + `"`
	if s.stroke != "" {
		text += fmt.Sprintf(` stroke="%s" stroke-width="%s" stroke-linejoin="round"`, s.stroke, coordinate(s.width))
	}
	if s.dashes != "" {
		text += ` stroke-dasharray="` + s.dashes + `"`
	}
	if s.opacity != 0 {
		text += ` opacity="` + strconv.FormatFloat(s.opacity, 'g', -1, 64) + `"`
	}
	if s.clip != "" {
		text += ` clip-path="url(#` + s.clip + `)"`
	}
	return text
}

// letters is how a text is set.
type letters struct {
	size   float64 // in pixels
	fill   string
	anchor string // start, middle or end; empty means start
	bold   bool
}

// letterWidth is the mean width of a letter over its height in the sans-serif
// fonts that browsers use, on the wide side.
const letterWidth = 0.56

// textWidth estimates how wide a text is, in pixels.
func textWidth(text string, size float64) float64 {
	return letterWidth * size * float64(len([]rune(text)))
}

// drawing collects the marks of an SVG. Everything that goes in as text is
// escaped, and numbers that are not finite are drawn as zero.
type drawing struct{ bytes.Buffer }

// newDrawing begins an SVG of so many pixels with its title.
func newDrawing(width, height int, title string) *drawing {
	d := new(drawing)
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" `+
		`font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">`+"\n", width, height)
	fmt.Fprintf(d, "<title>%s</title>\n", escape(title))
	return d
}

// paper draws what everything else lies on, up to the edges of the SVG.
func (d *drawing) paper(width, height float64) {
	d.rectangle(point{0.5, 0.5}, point{width - 0.5, height - 0.5}, 8, style{fill: paperColour, stroke: edgeColour, width: 1})
}

// finish ends the SVG and writes it.
func (d *drawing) finish(w io.Writer) error {
	d.WriteString("</svg>\n")
	_, err := w.Write(d.Bytes())
	return err
}

func (d *drawing) rectangle(from, to point, radius float64, s style) {
	fmt.Fprintf(d, `<rect x="%s" y="%s" width="%s" height="%s"`, coordinate(from.x), coordinate(from.y),
		coordinate(max(0, to.x-from.x)), coordinate(max(0, to.y-from.y)))
	if radius > 0 {
		fmt.Fprintf(d, ` rx="%s"`, coordinate(radius))
	}
	fmt.Fprintf(d, "%v/>\n", s)
}

func (d *drawing) circle(centre point, radius float64, s style) {
	fmt.Fprintf(d, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\"%v/>\n", coordinate(centre.x), coordinate(centre.y), coordinate(radius), s)
}

// line draws a line through points, and nothing through fewer than two.
func (d *drawing) line(points []point, s style) {
	if len(points) > 1 {
		fmt.Fprintf(d, "<polyline points=\"%s\"%v/>\n", coordinates(points), s)
	}
}

func (d *drawing) polygon(points []point, s style) {
	fmt.Fprintf(d, "<polygon points=\"%s\"%v/>\n", coordinates(points), s)
}

func (d *drawing) text(at point, l letters, text string) {
	fmt.Fprintf(d, `<text x="%s" y="%s" font-size="%s" fill="%s"`, coordinate(at.x), coordinate(at.y), coordinate(l.size), l.fill)
	if l.anchor != "" {
		fmt.Fprintf(d, ` text-anchor="%s"`, l.anchor)
	}
	if l.bold {
		d.WriteString(` font-weight="600"`)
	}
	fmt.Fprintf(d, ">%s</text>\n", escape(text))
}

// escape returns text as the content of an XML element; characters that XML
// cannot hold become U+FFFD.
func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "" // a strings.Builder takes everything
	}
	return b.String()
}

func coordinates(points []point) string {
	pairs := make([]string, len(points))
	for i, p := range points {
		pairs[i] = coordinate(p.x) + "," + coordinate(p.y)
	}
	return strings.Join(pairs, " ")
}

// farthest is beyond every edge of a picture, in pixels.
const farthest = 1e4

// coordinate writes a number of pixels to a tenth, which the eye cannot distinguish from
// more.
func coordinate(x float64) string {
	if math.IsNaN(x) {
		x = 0
	}
	// Adding zero makes a plain zero of a negative one.
	x = math.Round(10*min(max(x, -farthest), farthest))/10 + 0
	return strconv.FormatFloat(x, 'f', -1, 64)
}
