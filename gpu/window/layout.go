//go:build glfw && cgo && linux

package window

import "math"

// panel is where the cells of a gate are, in pixels. Its label stands above.
type panel struct {
	gate          int
	x, y          int // of the first cell
	columns, size int // cells side by side, and pixels from one to the next
}

// rows returns how many rows of cells the players of a panel take.
func (p panel) rows(players int) int { return (players + p.columns - 1) / p.columns }

// measures are lengths of the layout in pixels.
type measures struct {
	label  int // height of a label, above the cells
	widest int // a panel has at least room for a label of this width
	gap    int // between panels
	most   int // size of a cell
}

// arrange places the gates with so many players in an area, as large as they fit, in rows of
// panels from left to right. Gates that do not fit even in single pixels are left out at the
// end.
func arrange(players []int, width, height int, m measures) []panel {
	var best []panel
	for size := m.most; size >= 1; size-- {
		for _, aspect := range []float64{1.5, 3, 6, 12} {
			if panels := shelve(players, width, height, size, aspect, m); len(panels) > len(best) {
				best = panels
			}
		}
		if len(best) == len(players) {
			break
		}
	}
	return best
}

// shelve places as many gates as fit with cells of a size. Panels are about aspect times as wide
// as high.
func shelve(players []int, width, height, size int, aspect float64, m measures) (panels []panel) {
	x, y, shelf := 0, 0, 0
	for gate, n := range players {
		columns := int(math.Ceil(math.Sqrt(aspect * float64(n))))
		columns = max(1, min(max(columns, m.widest/size), n, width/size))
		p := panel{gate: gate, columns: columns, size: size}
		wide, high := max(columns*size, min(m.widest, width)), m.label+p.rows(n)*size
		if x > 0 && x+wide > width {
			x, y, shelf = 0, y+shelf+m.gap, 0
		}
		if y+high > height {
			return panels
		}
		p.x, p.y = x, y+m.label
		panels = append(panels, p)
		x, shelf = x+wide+m.gap, max(shelf, high)
	}
	return panels
}
