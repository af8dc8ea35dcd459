package game

import (
	"fmt"
	"math"
)

// BlockSize is how many players of a gate interact: a gate with more is cut into blocks
// of so many players, in their order, the last of which may be smaller. Players of
// different blocks are taken as if their contributions had nothing in common.
const BlockSize = 512

// Ridge is added to the diagonal of H, as a part of itself. The estimate of H from fewer
// samples than players is singular; with the ridge the potential is strictly concave.
const Ridge = 0.01

// Interactions is how the players of a gate act together: H = E[c c^T], the second moments
// of their contributions, in blocks along the diagonal. Block k has the players from
// k [BlockSize] on, n^2 numbers of n players, row-major and symmetric. Methods panic where a block is
// no square; markets return an error.
type Interactions [][]float64

// checkBlocks says which block of some gates does not have the numbers of its players.
func checkBlocks(h []Interactions) error {
	for g := range h {
		for k, v := range h[g] {
			n := int(math.Round(math.Sqrt(float64(len(v)))))
			if n*n != len(v) || n > BlockSize || n < BlockSize && k < len(h[g])-1 {
				return fmt.Errorf("game: block %d of gate %d has %d numbers; it must have n^2 of its n players, of whom there are %d but in the last block of a gate", k, g, len(v), BlockSize)
			}
		}
	}
	return nil
}

// Blocks returns the sizes of the blocks of so many players.
func Blocks(players int) []int {
	var sizes []int
	for ; players > 0; players -= BlockSize {
		sizes = append(sizes, min(players, BlockSize))
	}
	return sizes
}

// block is players that interact: rows of H and their part of other slices.
type block struct {
	n     int
	first int // its first player
	h     []float64
}

func (b block) row(i int) []float64 { return b.h[i*b.n:][:b.n] }

// own returns H_ii with its ridge.
func (b block) own(i int) float64 { return (1 + Ridge) * b.h[i*b.n+i] }

func (h Interactions) each(visit func(b block)) {
	first := 0
	for _, v := range h {
		n := int(math.Round(math.Sqrt(float64(len(v)))))
		visit(block{n, first, v})
		first += n
	}
}

// Players returns how many players there are.
func (h Interactions) Players() int {
	players := 0
	h.each(func(b block) { players += b.n })
	return players
}

// Own returns H_ii of every player with its ridge: what the network would lose without it
// alone, twice. A player with zero is dead: no output depends on it.
func (h Interactions) Own() []float64 {
	own := make([]float64, 0, h.Players())
	h.each(func(b block) {
		for i := range b.n {
			own = append(own, b.own(i))
		}
	})
	return own
}

// Worths returns for every player the marginal value of its first participation while the
// others play s,
//
//	w_i = H_ii + sum_{j != i} H_ij (1 - s_j).
//
// Rivals, whose contributions are alike, have H_ij > 0: the more one of them participates,
// the less the other is worth.
func (h Interactions) Worths(s []float64) []float64 {
	worths := make([]float64, len(s))
	h.each(func(b block) {
		for i := range b.n {
			sum := b.own(i)
			for j, x := range b.row(i) {
				if j != i {
					sum += x * (1 - s[b.first+j])
				}
			}
			worths[b.first+i] = sum
		}
	})
	return worths
}

// Ceilings returns the highest worth that each player can have whatever the others play,
// H_ii + sum_{j != i} max(H_ij, 0). Where the price is no less, zero dominates all its other
// participations (eq. 12 of arXiv:2512.22106).
func (h Interactions) Ceilings() []float64 {
	ceilings := make([]float64, 0, h.Players())
	h.each(func(b block) {
		for i := range b.n {
			sum := b.own(i)
			for j, x := range b.row(i) {
				if j != i {
					sum += max(x, 0)
				}
			}
			ceilings = append(ceilings, sum)
		}
	})
	return ceilings
}

// BestResponse returns the participation that maximises the utility
//
//	U(s) = w s - h s^2/2 - p s
//
// of a player with the worth w and H_ii = h at the price p: clip((w - p)/h, 0, 1). A dead
// player has zero.
func BestResponse(worth, own, price float64) float64 {
	if own == 0 || worth <= price {
		return 0
	}
	return min((worth-price)/own, 1)
}

// Play lets the players move one at a time, in their order and so many times each, to
// their best responses at the price of each. It changes s in place. No move lowers the potential. Devices do the
// same in the same order: see backend.Engine.
func (h Interactions) Play(prices, s []float64, sweeps int) {
	h.each(func(b block) { b.play(prices[b.first:][:b.n], s[b.first:][:b.n], sweeps) })
}

func (b block) play(prices, s []float64, sweeps int) {
	// missing is sum_j H_ij (1 - s_j) over all j but with H_ii as it was measured.
	missing := make([]float64, b.n)
	for i := range missing {
		for j, x := range b.row(i) {
			missing[i] += x * (1 - s[j])
		}
	}
	for range sweeps {
		for i := range s {
			own := b.own(i)
			worth := missing[i] + b.h[i*b.n+i]*(s[i]-1) + own
			moved := BestResponse(worth, own, prices[i])
			if step := moved - s[i]; step != 0 {
				s[i] = moved
				for j, x := range b.row(i) {
					missing[j] -= step * x
				}
			}
		}
	}
}

// Potential returns
//
//	Phi_p(s) = -(1-s)^T H (1-s)/2 - sum_i p_i s_i,
//
// with a price p_i for each player. A player's move changes it by as much as its own utility, so its maximum, which is unique
// where no player is dead, is the equilibrium.
func (h Interactions) Potential(prices, s []float64) float64 {
	loss, paid := 0., 0.
	h.each(func(b block) {
		for i := range b.n {
			x := 1 - s[b.first+i]
			sum := Ridge * b.h[i*b.n+i] * x
			for j, y := range b.row(i) {
				sum += y * (1 - s[b.first+j])
			}
			loss += x * sum / 2
			paid += prices[b.first+i] * s[b.first+i]
		}
	})
	return -loss - paid
}

// Lambda estimates the largest eigenvalue of H in the form of correlations,
// H_ij / sqrt(H_ii H_jj), by power iteration, from below. Best responses of all players at
// once raise the potential with any damping below two over that eigenvalue.
func (h Interactions) Lambda() float64 {
	largest := 0.
	h.each(func(b block) { largest = max(largest, b.lambda()) })
	return largest
}

// powerIterations is enough for two digits of the eigenvalues of contributions, the
// largest of which stands far above the others.
const powerIterations = 50

func (b block) lambda() float64 {
	scale, v := make([]float64, b.n), make([]float64, b.n)
	for i := range v {
		if own := b.own(i); own > 0 {
			scale[i], v[i] = 1/math.Sqrt(own), 1+float64(i%7)/7 // not orthogonal to it by symmetry
		}
	}
	lambda := 0.
	next := make([]float64, b.n)
	for range powerIterations {
		norm := 0.
		for _, x := range v {
			norm += x * x
		}
		if norm == 0 {
			return 0
		}
		norm = math.Sqrt(norm)
		for i := range v {
			v[i] *= scale[i] / norm
		}
		square := 0.
		for i := range next {
			sum := Ridge * b.h[i*b.n+i] * v[i]
			for j, x := range b.row(i) {
				sum += x * v[j]
			}
			next[i] = scale[i] * sum
			square += next[i] * next[i]
		}
		lambda = math.Sqrt(square)
		v, next = next, v
	}
	return lambda
}

// Select returns the interactions of some players, in increasing order.
func (h Interactions) Select(chosen []int) Interactions {
	var all Interactions
	for first := 0; first < len(chosen); first += BlockSize {
		some := chosen[first:min(first+BlockSize, len(chosen))]
		v := make([]float64, 0, len(some)*len(some))
		for _, i := range some {
			for _, j := range some {
				v = append(v, h.at(i, j))
			}
		}
		all = append(all, v)
	}
	return all
}

// at returns H_ij, which is zero between blocks.
func (h Interactions) at(i, j int) float64 {
	if i/BlockSize != j/BlockSize {
		return 0
	}
	v := h[i/BlockSize]
	n := int(math.Round(math.Sqrt(float64(len(v)))))
	return v[i%BlockSize*n+j%BlockSize]
}

// Scale returns the interactions of contributions that are multiplied with a factor a
// player, for games that are false on purpose (see [Valuation]).
func (h Interactions) Scale(factors []float64) Interactions {
	scaled := make(Interactions, 0, len(h))
	h.each(func(b block) {
		v := make([]float64, len(b.h))
		for i := range b.n {
			for j := range b.n {
				v[i*b.n+j] = factors[b.first+i] * b.h[i*b.n+j] * factors[b.first+j]
			}
		}
		scaled = append(scaled, v)
	})
	return scaled
}
