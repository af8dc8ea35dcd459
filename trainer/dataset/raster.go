package dataset

// fixed is a number with fractionBits binary digits after the point: a length
// in pixels or a plain factor. Drawing uses no other arithmetic, because
// floating point may round differently from one platform to the next (a fused
// multiply-add is enough) and a seed has to give the same bytes everywhere.
type fixed int64

const (
	fractionBits       = 12 // squared distances on the largest sheet take 42 of 63 bits
	one          fixed = 1 << fractionBits
)

// times returns the product, rounded down.
func (a fixed) times(b fixed) fixed { return a * b >> fractionBits }

// over returns the quotient, rounded towards zero. b must not be 0.
func (a fixed) over(b fixed) fixed { return (a << fractionBits) / b }

// point is a place: x to the right, y downwards.
type point struct{ x, y fixed }

// affine maps a point (x, y) to (xx x + xy y + dx, yx x + yy y + dy).
type affine struct{ xx, xy, dx, yx, yy, dy fixed }

func (m affine) apply(p point) point {
	return point{
		x: m.xx.times(p.x) + m.xy.times(p.y) + m.dx,
		y: m.yx.times(p.x) + m.yy.times(p.y) + m.dy,
	}
}

// rotation returns the turn by the angle whose half has the given tangent. The
// half-angle formulas make it exact up to rounding, with no sine table.
func rotation(tangent fixed) affine {
	square := tangent.times(tangent)
	cosine, sine := (one - square).over(one+square), (2 * tangent).over(one+square)
	return affine{xx: cosine, xy: -sine, yx: sine, yy: cosine}
}

// after returns the map that applies first, then m; both leave the origin in
// place.
func (m affine) after(first affine) affine {
	return affine{
		xx: m.xx.times(first.xx) + m.xy.times(first.yx),
		xy: m.xx.times(first.xy) + m.xy.times(first.yy),
		yx: m.yx.times(first.xx) + m.yy.times(first.yx),
		yy: m.yx.times(first.xy) + m.yy.times(first.yy),
	}
}

// pen is a round tip: full ink within radius-softness of its centre, fading to
// none at radius+softness.
type pen struct{ radius, softness fixed }

// penStep is about how far apart the pen touches the sheet along a curve: at a
// quarter of a pixel the edge of the thinnest line, radius r, ripples by
// (penStep/2)^2 / 2r, one or two hundredths of a pixel.
const penStep = one / 4

// drawing is a square sheet that remembers, for each pixel, the squared
// distance from its centre to the nearest touch of the pen, with 2*fractionBits
// binary digits.
type drawing struct {
	pen     pen
	side    int
	nearest []fixed // side*side
}

// newDrawing returns an empty sheet with a side in pixels.
func newDrawing(p pen, side int) *drawing {
	d := &drawing{pen: p, side: side, nearest: make([]fixed, side*side)}
	farAway := fixed(side*side) << (2 * fractionBits) // squared, beyond the reach of every pen
	for i := range d.nearest {
		d.nearest[i] = farAway
	}
	return d
}

// touch presses the pen down at one point, on or off the sheet.
func (d *drawing) touch(p point) {
	reach := d.pen.radius + d.pen.softness
	side := fixed(d.side)
	left, right := pixelsWithin(p.x, reach, side)
	top, bottom := pixelsWithin(p.y, reach, side)
	for row := top; row < bottom; row++ {
		dy := row<<fractionBits + one/2 - p.y
		line := d.nearest[row*side : (row+1)*side]
		for column := left; column < right; column++ {
			dx := column<<fractionBits + one/2 - p.x
			line[column] = min(line[column], dx*dx+dy*dy)
		}
	}
}

// pixelsWithin returns the half-open range of the pixels on the sheet that come
// within reach of a coordinate.
func pixelsWithin(centre, reach, side fixed) (first, end fixed) {
	first = max((centre-reach)>>fractionBits, 0)
	end = min((centre+reach)>>fractionBits+1, side)
	return first, end
}

// curve moves the pen from one point to the next along the Catmull-Rom spline
// that comes from before and goes on to beyond: its tangents are
// (to-before)/2 at from and (beyond-from)/2 at to.
func (d *drawing) curve(before, from, to, beyond point) {
	steps := (abs(to.x-from.x)+abs(to.y-from.y))/penStep + 1
	for i := range steps + 1 {
		t := i * one / steps
		d.touch(point{
			x: spline(before.x, from.x, to.x, beyond.x, t),
			y: spline(before.y, from.y, to.y, beyond.y, t),
		})
	}
}

// spline evaluates one coordinate of the Catmull-Rom segment from b to c, between
// a and d, at 0 <= t <= 1.
func spline(a, b, c, d, t fixed) fixed {
	cubic := 3*(b-c) + d - a
	square := 2*a - 5*b + 4*c - d
	return b + ((cubic.times(t)+square).times(t)+c-a).times(t)/2
}

// ink returns how dark a pixel is, 0 to one. The ramp is linear in the squared
// distance, which looks no different and saves a square root.
func (d *drawing) ink(pixel int) fixed {
	inner, outer := d.pen.radius-d.pen.softness, d.pen.radius+d.pen.softness
	ramp := (outer*outer - d.nearest[pixel]) / ((outer*outer - inner*inner) >> fractionBits)
	return min(max(ramp, 0), one)
}

func abs(a fixed) fixed {
	if a < 0 {
		return -a
	}
	return a
}
