package report

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strconv"

	scaling "golang.org/x/image/draw"

	"nashprune/game"
	"nashprune/trainer/record"
)

// dataURI writes a picture into the address of an image.
func dataURI(img image.Image) string {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return "" // of a picture in memory it does not happen
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
}

// ramp mixes colours of equal distance along [0, 1].
func ramp(stops [][3]float64, x float64) color.NRGBA {
	if math.IsNaN(x) {
		x = 0
	}
	along := min(max(x, 0), 1) * float64(len(stops)-1)
	i := min(int(along), len(stops)-2)
	var c [3]uint8
	for k := range c {
		c[k] = uint8(stops[i][k] + (along-float64(i))*(stops[i+1][k]-stops[i][k]) + 0.5)
	}
	return color.NRGBA{c[0], c[1], c[2], 255}
}

// Both ramps rise or fall in lightness, so that they are read without colour, too.
var (
	participationRamp = [][3]float64{{21, 51, 105}, {92, 95, 117}, {158, 148, 108}, {254, 226, 80}} // after Cividis
	weightRamp        = [][3]float64{{5, 80, 150}, {240, 240, 240}, {180, 85, 10}}                  // from below zero to above
)

// paletteOf returns 256 colours; the first is transparent, as removed players are.
func paletteOf(stops [][3]float64) color.Palette {
	p := color.Palette{color.NRGBA{}}
	for level := 1; level < 256; level++ {
		p = append(p, ramp(stops, float64(level-1)/254))
	}
	return p
}

// heat is a heat map of one gate, with what the script needs to know of it. That of a gate
// with very many players is empty.
type heat struct {
	Order  []int  `json:"order"`  // players, as rows from above: those that stay longest first
	Levels []byte `json:"levels"` // of each player at each time
}

// heats returns the heat maps of all gates.
func (c course) heats() []heat {
	var all []heat
	for g := range c.Levels[0] {
		players := len(c.Levels[0][g].Levels)
		var h heat
		last, final := make([]int, players), make([]byte, players)
		for t, at := range c.Levels {
			h.Levels = append(h.Levels, at[g].Levels...)
			for i, level := range at[g].Levels {
				if level > 0 {
					last[i], final[i] = t, level
				}
			}
		}
		for i := range players {
			h.Order = append(h.Order, i)
		}
		slices.SortStableFunc(h.Order, func(a, b int) int { return cmp.Or(last[b]-last[a], int(final[b])-int(final[a])) })
		all = append(all, h)
	}
	return all
}

// courseFigure shows the participation of every player over time as a heat map, gate by gate.
// Of a gate with very many players it shows how they are distributed.
func courseFigure(f *Folder) *plot {
	c := f.course()
	if c.At == nil || len(f.Result.Gates) == 0 {
		return nil
	}
	const room, least, gap, most = 420., 14., 8., 40
	gates := f.Result.Gates[:min(most, len(f.Result.Gates))]
	roots := 0.
	for _, g := range gates {
		roots += math.Sqrt(float64(g.Players))
	}
	heights, total := make([]float64, len(gates)), 0.
	for g, gate := range gates {
		heights[g] = max(least, room*math.Sqrt(float64(gate.Players))/max(1, roots))
		total += heights[g] + gap
	}
	d := newDrawing(chartWidth, int(total)+44, "Participation of every player over time")
	left := 20.
	for g := range gates {
		left = max(left, 1.15*textWidth(shorten(f.gate(g), 12), textSize)+12)
	}
	across := axis{scale: scale{low: float64(c.At[0]) - 0.5, high: float64(c.At[len(c.At)-1]) + 0.5, start: left, end: chartRight}, whole: true}
	y, heats := 4., c.heats()
	fig := &plot{ID: "participation", Title: "Participation of every player"}
	for g := range gates {
		d.text(point{left - 6, y + heights[g]/2 + 4}, letters{size: textSize, fill: inkVar, anchor: "end"}, shorten(f.gate(g), 12))
		d.rectangle(point{left, y}, point{chartRight, y + heights[g]}, 0, style{fill: "var(--ghost)"})
		picture := distribution(c.Levels, g)
		if heats[g].Order != nil {
			picture = heatMap(heats[g])
		}
		fmt.Fprintf(d, `<image data-heat="%d" x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" href="%s"/>`+"\n",
			g, coordinate(left), coordinate(y), coordinate(chartRight-left), coordinate(heights[g]), dataURI(picture))
		y += heights[g] + gap
	}
	d.abscissa(across, y-gap/2)
	d.text(point{(left + chartRight) / 2, y + 32}, letters{size: textSize, fill: mutedVar, anchor: "middle"}, c.Name)
	fig.SVG = d.html()
	fig.Legend = []legendEntry{
		{"removed", sample(`<rect width="26" height="12" fill="var(--ghost)"/>`)},
		{"0, no participation", sample(`<rect width="26" height="12" fill="%s"/>`, hex(ramp(participationRamp, 0)))},
		{"a half", sample(`<rect width="26" height="12" fill="%s"/>`, hex(ramp(participationRamp, 0.5)))},
		{"1, full", sample(`<rect width="26" height="12" fill="%s"/>`, hex(ramp(participationRamp, 1)))},
	}
	fig.Note = "A row a player, a column a " + c.Name + ". In each " + f.axis() + " the players that stay longest are above. " +
		"A round of the market shows what players played before its removals. Of a gate with more than " + Thousands(record.MostLevels) + " players rows are classes of participation, the highest above."
	fig.Tables = []table{f.courseTable(c, gates)}
	return fig
}

// NamedImage is a picture for other programs.
type NamedImage struct {
	Name  string
	Image image.Image
}

// Images returns the participations of each gate as a heat map, on white.
func Images(f *Folder) (all []NamedImage) {
	c := f.course()
	if c.At == nil {
		return nil
	}
	for g, h := range c.heats() {
		picture := distribution(c.Levels, g)
		if h.Order != nil {
			picture = heatMap(h)
		}
		const across = 8 // pixels of a time
		size := picture.Bounds()
		large := image.NewRGBA(image.Rect(0, 0, across*size.Dx(), size.Dy()))
		scaling.Draw(large, large.Rect, image.White, image.Point{}, scaling.Src)
		scaling.NearestNeighbor.Scale(large, large.Rect, picture, size, scaling.Over, nil)
		all = append(all, NamedImage{"participation of every player/" + f.axis() + " " + f.gate(g), large})
	}
	return all
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// heatMap draws players as rows in an order, and times as columns.
func heatMap(h heat) image.Image {
	players := len(h.Order)
	img := image.NewPaletted(image.Rect(0, 0, len(h.Levels)/max(1, players), max(1, players)), paletteOf(participationRamp))
	for y, player := range h.Order {
		for x := range img.Rect.Dx() {
			img.SetColorIndex(x, y, h.Levels[x*players+player])
		}
	}
	return img
}

// distribution draws classes of participation as rows, brighter with more players.
func distribution(at [][]record.Participations, gate int) image.Image {
	img := image.NewPaletted(image.Rect(0, 0, len(at), record.ParticipationClasses), paletteOf(participationRamp))
	most := 1
	for _, p := range at {
		most = max(most, slices.Max(p[gate].Histogram))
	}
	for x, p := range at {
		for class, n := range p[gate].Histogram {
			if n > 0 {
				img.SetColorIndex(x, record.ParticipationClasses-1-class, uint8(1+254*math.Log1p(float64(n))/math.Log1p(float64(most))))
			}
		}
	}
	return img
}

// courseTable says by time and gate how many players there are and how they participate.
func (f *Folder) courseTable(c course, gates []record.Gate) table {
	t := table{Caption: "Players by time and participation", Head: []string{c.Name, f.axis(), "players", "below a quarter", "to a half", "to three quarters", "above"}}
	for i, at := range c.At {
		for g := range gates {
			quarters, total := [4]int{}, 0
			for class, n := range c.Levels[i][g].Histogram {
				quarters[class*4/record.ParticipationClasses] += n
				total += n
			}
			cells := []string{strconv.Itoa(at), f.gate(g), Thousands(total)}
			for _, n := range quarters {
				cells = append(cells, Thousands(n))
			}
			t.add(cells...)
		}
	}
	t.Note = "The table of players below has each player, and selecting a player shows its participation over time."
	return t
}

// weightsFigure shows what the surviving players of the first layer look at.
func weightsFigure(f *Folder) *plot {
	if f.Pruned == nil {
		return nil
	}
	p, shape, at, ok := f.firstWeights()
	if !ok {
		return nil
	}
	const most, across = 60, 10
	rows := f.Pruned.Graph.Params[p].Shape[0]
	weights, size := f.Pruned.Parameters[p], f.Pruned.Graph.Params[p].Size()/rows
	gate := f.Pruned.GateAt(f.Pruned.Graph.Params[p].Node)
	var names []string // of the players, if they are
	for _, player := range f.Players {
		if gate >= 0 && player.Gate == f.Pruned.Gates[gate].Name && player.Reason == game.Kept {
			names = append(names, playerName(player))
		}
	}
	const cell = (chartWidth - 4) / across
	shown := min(most, rows)
	d := newDrawing(chartWidth, ((shown-1)/across+1)*(cell+12)+4, "Weights of the first layer")
	t := table{Caption: "Weights of the first layer", Head: []string{"player", "least", "greatest", "norm"}}
	for i := range shown {
		w := weights[i*size:][:size]
		low, high, norm := math.Inf(1), math.Inf(-1), 0.
		for _, x := range w {
			low, high, norm = min(low, float64(x)), max(high, float64(x)), norm+float64(x)*float64(x)
		}
		name, label := "", strconv.Itoa(i)
		if len(names) == rows {
			name = names[i]
			label = name
		}
		x, y := float64(2+i%across*cell), float64(2+i/across*(cell+12))
		fmt.Fprintf(d, `<image data-player="%s" x="%s" y="%s" width="%d" height="%d" href="%s"><title>%s</title></image>`+"\n",
			name, coordinate(x), coordinate(y), cell-3, cell-3, dataURI(weightImage(shape.spread(w, at), shape, max(-low, high))), escape(label))
		d.text(point{x + float64(cell-3)/2, y + cell + 7}, letters{size: 9, fill: mutedVar, anchor: "middle"}, label)
		t.Rows = append(t.Rows, tableLine{name, []string{label, number(low), number(high), number(math.Sqrt(norm))}})
	}
	if rows > shown {
		t.Note = fmt.Sprintf("%s further ones are left out.", Thousands(rows-shown))
	}
	return &plot{ID: "weights", Title: "Weights of the first layer", SVG: d.html(), Tables: []table{t},
		Note: "What each player that stays reads from the input. Each image is scaled to its own greatest weight.",
		Legend: []legendEntry{
			{"below zero", sample(`<rect width="26" height="12" fill="%s"/>`, hex(ramp(weightRamp, 0)))},
			{"zero", sample(`<rect width="26" height="12" fill="%s"/>`, hex(ramp(weightRamp, 0.5)))},
			{"above zero", sample(`<rect width="26" height="12" fill="%s"/>`, hex(ramp(weightRamp, 1)))},
		}}
}

// imageShape is the shape of what a row of weights reads.
type imageShape struct{ channels, height, width int }

func (s imageShape) size() int { return s.channels * s.height * s.width }

// firstWeights returns the parameter with the weights of the first layer that reads images,
// what each of its rows is, and where in it the weights lie, nil where it is all of it. Of
// rows of features there is none.
func (f *Folder) firstWeights() (param int, shape imageShape, at []int, ok bool) {
	g := f.Pruned.Graph
	for p, param := range g.Params {
		switch s := param.Shape; {
		case len(s) == 4 && s[2]*s[3] > 1:
			return p, imageShape{s[1], s[2], s[3]}, nil, s[0]*s[1] > 0
		case len(s) == 2 && f.sample.size() > 0 && s[0] > 0:
			at := g.Input().Keep
			return p, f.sample, at, s[1] == f.sample.size() || s[1] == len(at)
		case len(s) >= 2:
			return 0, shape, nil, false
		}
	}
	return 0, shape, nil, false
}

// spread places a row of weights in the image that they read. What is not read is NaN.
func (s imageShape) spread(w []float32, at []int) []float32 {
	if len(w) != len(at) || len(w) == s.size() {
		return w
	}
	all := make([]float32, s.size())
	for i := range all {
		all[i] = float32(math.NaN())
	}
	for i, x := range w {
		if at[i] < len(all) {
			all[at[i]] = x
		}
	}
	return all
}

// weightImage draws one row of weights. Three channels are its colours, others are added.
func weightImage(w []float32, s imageShape, most float64) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, s.width, s.height))
	plane := s.height * s.width
	scaled := func(i int) float64 {
		if most > 0 {
			return float64(w[i]) / most
		}
		return 0
	}
	for i := range plane {
		if math.IsNaN(float64(w[i])) {
			continue // the pixel is not read, and transparent
		}
		c := color.NRGBA{A: 255}
		if s.channels == 3 {
			channel := func(k int) uint8 { return uint8(127.5 + 127.5*scaled(k*plane+i)) }
			c.R, c.G, c.B = channel(0), channel(1), channel(2)
		} else {
			sum := 0.
			for k := range s.channels {
				sum += scaled(k*plane + i)
			}
			c = ramp(weightRamp, 0.5+sum/2/float64(s.channels))
		}
		img.SetNRGBA(i%s.width, i/s.width, c)
	}
	return img
}
