package evidence

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/mat"

	"nashprune/trainer/network"
)

// spectrumLimit is the largest number of rows of a matrix whose eigenvalues are
// worked out: they take the third power of it, at the limit four seconds.
const spectrumLimit = 512

// spectralRadius returns the largest magnitude of an eigenvalue of a square matrix of
// at most [spectrumLimit] rows, given row by row, and whether the iteration found it.
func spectralRadius(matrix []float64, rows int) (radius float64, found bool) {
	if rows == 0 {
		return 0, true
	}
	var eigen mat.Eigen
	if !eigen.Factorize(mat.NewDense(rows, rows, matrix), mat.EigenNone) {
		return 0, false
	}
	for _, value := range eigen.Values(nil) {
		radius = max(radius, cmplx.Abs(value))
	}
	return radius, true
}

// conditionLimit is the longest shorter side of a matrix whose condition number is
// worked out. Symmetric matrices take a tenth of the time that others take.
const conditionLimit = 1024

// mostAccurateCondition is the largest condition number that conditionNumber
// distinguishes from infinity. Squaring a matrix squares its condition number k, so the
// smallest eigenvalue comes with a relative error of about n k^2 2^-53: at the limit, and
// with the 1024 rows that are taken at most, a tenth.
const mostAccurateCondition = 1e6

// conditionNumber returns the condition number of the effective weights diag(s) W of a
// node, the largest singular value over the smallest, or nil: where it is above
// [mostAccurateCondition], as it is when a neuron is dead or a copy of others, and
// where both sides of the matrix are longer than [conditionLimit]. The singular values
// are the square roots of the eigenvalues of the smaller of the two products of the
// matrix with its transpose.
func conditionNumber(weight []float32, rows, columns int, participation []float32) *float64 {
	side := min(rows, columns)
	if side == 0 || side > conditionLimit {
		return nil
	}
	effective := mat.NewDense(rows, columns, nil)
	for i := range rows {
		s := 1.
		if participation != nil {
			s = float64(participation[i])
		}
		for j, w := range weight[i*columns : (i+1)*columns] {
			effective.Set(i, j, s*float64(w))
		}
	}
	product := mat.NewSymDense(side, nil)
	if rows <= columns {
		product.SymOuterK(1, effective)
	} else {
		product.SymOuterK(1, effective.T())
	}
	// The eigenvalues of a symmetric matrix reach at least from its smallest diagonal
	// number to its largest. Where these are far apart already there is nothing to
	// work out.
	least, most := math.Inf(1), 0.
	for i := range side {
		least, most = min(least, product.At(i, i)), max(most, product.At(i, i))
	}
	if !(most <= least*mostAccurateCondition*mostAccurateCondition) { // also for NaN
		return nil
	}
	// gonum 0.17 panics when a part of the matrix is below 1e-122. A power of two rounds
	// nothing, and takes itself out of the quotient.
	_, exponent := math.Frexp(most)
	product.ScaleSym(math.Ldexp(1, -exponent), product)
	var eigen mat.EigenSym
	if !eigen.Factorize(product, false) {
		return nil
	}
	values := eigen.Values(nil) // ascending
	number := math.Sqrt(values[side-1] / values[0])
	if !(number <= mostAccurateCondition) { // NaN where rounding made the smallest negative
		return nil
	}
	return &number
}

// ConditionNumbers returns the condition numbers of all weights, in their order.
func ConditionNumbers(n *network.Network) []*float64 {
	var numbers []*float64
	for p, param := range n.Graph.Params {
		if !param.Weight {
			continue
		}
		var participation []float32
		if gate := n.GateAt(param.Node); gate >= 0 {
			participation = n.Participations[gate]
		}
		rows := param.Shape[0]
		numbers = append(numbers, conditionNumber(n.Parameters[p], rows, network.Shape(param.Shape[1:]).Size(), participation))
	}
	return numbers
}
