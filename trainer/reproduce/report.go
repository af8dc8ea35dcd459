package reproduce

import (
	"io"

	"nashprune/trainer/record"
)

// ReportSchema is the number of the layout of a report. It goes up when a field
// changes its meaning or goes away. In schema 1 gaps were relative to what players of full
// participation would have.
const ReportSchema = 2

// Report is what came of it.
type Report struct {
	Schema  int    `json:"schema"`
	Command string `json:"command"`
	Version string `json:"version"`
	Device  string `json:"device"` // of a full run of the last row; runs name theirs

	Data         string  `json:"data"`
	Model        string  `json:"model"`
	Epochs       int     `json:"epochs"`        // of a full run
	ScreenEpochs int     `json:"screen_epochs"` // of a short one, in which all but ascent by Adam moves as much faster
	Validation   float64 `json:"validation"`    // fraction of the training samples that readings are chosen on
	Readings     int     `json:"readings"`
	Seeds        int     `json:"seeds"`
	Threshold    float64 `json:"threshold"` // eps
	LeftOut      string  `json:"left_out,omitempty"`

	Rows []RowReport `json:"rows"`
	// Single is the one reading that comes nearest to all rows at once in the screen.
	Single *Single `json:"single,omitempty"`
}

// RowReport is what came of a row of the paper's table.
type RowReport struct {
	Row
	Screen []Run       `json:"screen"` // every reading, evaluated on the validation part, the nearest first
	Full   []Candidate `json:"full"`   // the readings run in full, the nearest first, by the validation part
	// Curve and Histogram are of the first seed of the first of Full that did not
	// diverge: the paper's Figures 1 and 2.
	Curve     []Point `json:"curve,omitempty"`
	Histogram []int   `json:"histogram,omitempty"` // players by participation, in equal bins from 0 to 1
}

// Single is a reading with its figures for all rows.
type Single struct {
	Reading
	Distance float64 `json:"distance"` // of all rows, added
	Runs     []Run   `json:"runs"`     // one a row
}

// Run is one run. Accuracies and sparsity are in percent.
type Run struct {
	Reading
	Seed uint64 `json:"seed"`
	// Before is the accuracy with the participations that the game left, Masked with
	// those below eps at zero, After with these players removed.
	Before   float64 `json:"accuracy_before_removal"`
	Masked   float64 `json:"accuracy_masked"`
	After    float64 `json:"accuracy_after_removal"`
	Sparsity float64 `json:"sparsity"`
	Kept     []int   `json:"kept"` // of each hidden layer
	// Chosen is the accuracy before removal on the validation part, and Distance how far
	// it and the sparsity are from the row's.
	Chosen      float64 `json:"validation_accuracy"`
	Distance    float64 `json:"distance"`
	SquaredNorm float64 `json:"mean_squared_norm"` // |theta|^2, over all players
	MaxGap      float64 `json:"max_gap"`
	RelativeGap float64 `json:"relative_gap"`
	Device      string  `json:"device,omitempty"`
	Diverged    string  `json:"diverged,omitempty"` // why there are no figures
}

// Candidate is a reading that was run in full.
type Candidate struct {
	Reading
	Distance float64 `json:"distance"` // mean over the seeds, on the validation part
	Runs     []Run   `json:"runs"`     // one a seed, evaluated on the test part
	Before   Spread  `json:"accuracy_before_removal"`
	Masked   Spread  `json:"accuracy_masked"`
	After    Spread  `json:"accuracy_after_removal"`
	Sparsity Spread  `json:"sparsity"`
	Norm     Spread  `json:"mean_squared_norm"`
	Gap      Spread  `json:"relative_gap"`
	MaxGap   Spread  `json:"max_gap"`
	// Reached reports whether the means before removal are within the bounds of the
	// row's figures.
	Reached  bool `json:"reached"`
	Diverged int  `json:"diverged,omitempty"` // seeds without figures, which are in no mean
}

// Spread is the mean and the standard deviation over seeds; of one seed the latter is
// zero.
type Spread struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"sd"`
}

// Point is what Figure 1 shows of an epoch.
type Point struct {
	Epoch             int     `json:"epoch"`
	Accuracy          float64 `json:"accuracy"` // percent, on the validation part, before removal
	Sparsity          float64 `json:"sparsity"` // percent
	MeanParticipation float64 `json:"mean_participation"`
	Active            int     `json:"active"` // players that are not below eps
}

// WriteCSV writes all runs, a line each under a header.
func (r *Report) WriteCSV(w io.Writer) error {
	type line struct {
		Stage string `json:"stage"`
		Row   string `json:"row"`
		Run
	}
	var lines []line
	for _, row := range r.Rows {
		for _, run := range row.Screen {
			lines = append(lines, line{screenStage, row.Name, run})
		}
		for _, candidate := range row.Full {
			for _, run := range candidate.Runs {
				lines = append(lines, line{fullStage, row.Name, run})
			}
		}
	}
	return record.WriteCSV(w, lines)
}
