package cpufallback

// Contributions of players: c_b = rows * the sum over the gate's points of dz_b u_b.

// addPoint adds what the players from a place on contribute at one point of a gate with
// several, for one sample. The first point of a backward pass starts the sums.
func (g *gate[T]) addPoint(rows T, b, from int, dz, u []T) {
	c := g.contributions.row(b)[from:][:len(dz)]
	if g.added == 0 {
		clear(c)
	}
	u = u[:len(dz)]
	for i, dz := range dz {
		c[i] += rows * dz * u[i]
	}
}

// endPoint ends what one of several points adds. After the last the contributions are
// whole, and their sums and those of their squares are taken.
func (e *engine[T]) endPoint(g *gate[T], rows int) {
	if g.added++; g.added < g.points {
		return
	}
	g.added = 0
	inChunks(rows, rowsPerChunk, func(chunk, low, high int) {
		means, squares := g.meanPartial.row(chunk), g.squarePartial.row(chunk)
		clear(means)
		clear(squares)
		for b := low; b < high; b++ {
			for i, c := range g.contributions.row(b) {
				means[i] += c
				squares[i] += T(c * c)
			}
		}
	})
	e.average(g, rows)
}

// average adds up the sums over chunks of samples.
func (e *engine[T]) average(g *gate[T], rows int) {
	chunks := chunksOf(rows)
	e.addRows(g.batchMean, g.meanPartial.top(chunks))
	e.addRows(g.batchSquare, g.squarePartial.top(chunks))
	for i := range g.batchMean {
		g.batchMean[i] /= T(rows)
		g.batchSquare[i] /= T(rows)
	}
}
