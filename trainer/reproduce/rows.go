package reproduce

import "math"

// Row is a configuration of the paper's table and the figures printed there.
type Row struct {
	Name     string  `json:"name"`
	Beta     float64 `json:"beta"`
	Gamma    float64 `json:"gamma"`
	Accuracy float64 `json:"accuracy"` // percent
	Sparsity float64 `json:"sparsity"` // percent of players pruned
	Kept     int     `json:"kept"`     // players

	folder string
}

// Rows returns the paper's table: MNIST, 784-512-256-10, 20 epochs, batch 128,
// alpha 1, eta 0, lr_s 0.001, players below 0.01 pruned.
func Rows() []Row {
	return []Row{
		{"Very High Beta", 0.1, 0, 96.64, 0, 768, "very-high-beta"},
		{"Extreme Beta", 0.5, 0, 91.15, 95.18, 37, "extreme-beta"},
		{"L1 Sparsity Strong", 0.001, 0.1, 89.57, 98.31, 13, "l1-strong"},
		{"L1+L2 Combined", 0.05, 0.05, 91.54, 98.05, 15, "l1-l2"},
	}
}

// Steps are those of the paper's training: 20 epochs of 469 batches.
const Steps = 20 * 469

// Reach returns how far the price gamma alone takes a participation in the paper's
// training, by plain ascent at its lr_s. Below 1 it does not get from 1 to 0.
func (r Row) Reach() float64 { return printedRate * r.Gamma * Steps }

// A row counts as reached within this many points, before any removal.
const (
	AccuracyBound = 1.5
	SparsityBound = 3.
)

// Distance returns how far figures in percent are from the row's, each in units of
// its bound.
func (r Row) Distance(accuracy, sparsity float64) float64 {
	return math.Abs(accuracy-r.Accuracy)/AccuracyBound + math.Abs(sparsity-r.Sparsity)/SparsityBound
}

// Reached reports whether figures in percent are within both bounds of the row's.
func (r Row) Reached(accuracy, sparsity float64) bool {
	return math.Abs(accuracy-r.Accuracy) <= AccuracyBound && math.Abs(sparsity-r.Sparsity) <= SparsityBound
}
