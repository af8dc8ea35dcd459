package report

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strconv"
)

// className names a class.
func (f *Folder) className(class int) string { return className(f.Result.Data.ClassNames, class) }

// confusionFigure shows which classes the final network takes for which, and lists the same of
// the dense one.
func confusionFigure(f *Folder) *plot {
	last, name := f.Result.Dense.Confusion, "dense"
	if f.Result.Pruned != nil {
		last, name = f.Result.Pruned.Confusion, "pruned"
	}
	n := len(last)
	if n == 0 {
		return nil
	}
	const left, top = 74., 34.
	cell := (chartWidth - left - 4) / float64(n)
	d := newDrawing(chartWidth, int(top+cell*float64(n))+4, "Confusion matrix of the "+name+" network")
	most := 1
	for i, row := range last {
		for k, count := range row {
			if i != k {
				most = max(most, count)
			}
		}
	}
	size := min(textSize, cell*0.42)
	d.text(point{left + cell*float64(n)/2, 11}, letters{size: textSize, fill: mutedVar, anchor: "middle"}, "taken for")
	fits := max(1, int(cell/(letterWidth*size)))
	for i, row := range last {
		y := top + cell*float64(i)
		d.text(point{left - 6, y + cell/2 + 4}, letters{size: min(textSize, cell*0.8), fill: inkVar, anchor: "end"}, shorten(f.className(i), 10))
		d.text(point{left + cell*(float64(i)+0.5), top - 6}, letters{size: size, fill: inkVar, anchor: "middle"}, cutLetters(f.className(i), fits))
		for k, count := range row {
			from := point{left + cell*float64(k), y}
			s := style{fill: "var(--ghost)"}
			if i != k {
				s = style{fill: seriesColour(1), opacity: 0.03 + 0.5*math.Sqrt(float64(count)/float64(most))}
			}
			d.rectangle(from, point{from.x + cell - 1, y + cell - 1}, 2, s)
			if text := strconv.Itoa(count); count > 0 && textWidth(text, size) < cell {
				d.text(point{from.x + cell/2, y + cell/2 + size*0.36}, letters{size: size, fill: inkVar, anchor: "middle"}, text)
			}
		}
	}
	p := &plot{ID: "confusion", Title: "Confusion matrix of the " + name + " network", SVG: d.html(), Tables: []table{f.confusionTable(name, last)},
		Note: "A row a class, a column the class that it was taken for, in samples. The more errors there are, the stronger is their colour."}
	if dense := f.Result.Dense.Confusion; name != "dense" && len(dense) == n {
		p.Tables = append(p.Tables, f.confusionTable("dense", dense))
	}
	return p
}

// cutLetters leaves so many letters of a text.
func cutLetters(text string, most int) string {
	letters := []rune(text)
	return string(letters[:min(len(letters), most)])
}

func (f *Folder) confusionTable(name string, counts [][]int) table {
	t := table{Caption: "Confusion matrix of the " + name + " network", Head: []string{"class"}}
	for i, row := range counts {
		t.Head = append(t.Head, "taken for "+f.className(i))
		cells := []string{f.className(i)}
		for _, count := range row {
			cells = append(cells, Thousands(count))
		}
		t.add(cells...)
	}
	return t
}

// lostFigure shows samples that the dense network gets right and the pruned one wrong.
func lostFigure(f *Folder) *plot {
	l := f.Lost
	if l == nil || len(l.Samples) == 0 {
		return nil
	}
	const across, cell = 10, (chartWidth - 4) / 10
	d := newDrawing(chartWidth, ((len(l.Samples)-1)/across+1)*(cell+12)+4, "Samples that pruning lost")
	t := table{Caption: "Samples that pruning lost", Head: []string{"sample", "class", "taken for"}}
	for i, s := range l.Samples {
		x, y := float64(2+i%across*cell), float64(2+i/across*(cell+12))
		words := f.className(s.Class) + "→" + f.className(s.Taken)
		fmt.Fprintf(d, `<image x="%s" y="%s" width="%d" height="%d" href="%s"><title>%s</title></image>`+"\n",
			coordinate(x), coordinate(y), cell-3, cell-3, dataURI(sampleImage(s.Pixels, imageShape{l.Channels, l.Height, l.Width})), escape(words))
		d.text(point{x + float64(cell-3)/2, y + cell + 7}, letters{size: 9, fill: mutedVar, anchor: "middle"}, cutLetters(words, 7))
		t.add(strconv.Itoa(s.Place), f.className(s.Class), f.className(s.Taken))
	}
	if more := l.Count - len(l.Samples); more > 0 {
		t.Note = fmt.Sprintf("%s further ones are left out.", Thousands(more))
	}
	return &plot{ID: "lost", Title: "Samples that pruning lost", SVG: d.html(), Tables: []table{t},
		Note: fmt.Sprintf("Of %s the dense network gets %s right that the pruned one gets wrong, and %s the other way round. Below each stands its class and what it is taken for.",
			evaluatedOn(f.Result.Data), Thousands(l.Count), Thousands(l.Gained))}
}

// sampleImage draws a sample. Of other than three channels it shows the first.
func sampleImage(pixels []byte, s imageShape) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, s.width, s.height))
	for i := range s.height * s.width {
		c := color.NRGBA{pixels[i], pixels[i], pixels[i], 255}
		if s.channels == 3 {
			c.G, c.B = pixels[i+s.height*s.width], pixels[i+2*s.height*s.width]
		}
		img.SetNRGBA(i%s.width, i/s.width, c)
	}
	return img
}
