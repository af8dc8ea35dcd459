package record

import (
	"nashprune/trainer/dataset"
)

// EvalResult is how a saved network does on the test set. Correct and what is said
// of classes are of classification, TargetNames of regression.
type EvalResult struct {
	Model        string        `json:"model"`          // the file
	Task         dataset.Task  `json:"task,omitempty"` // absent: classification
	Data         string        `json:"data"`
	Notes        []string      `json:"notes,omitempty"` // what was decided about the data, a sentence each
	Device       Device        `json:"device"`
	Network      NetworkResult `json:"network"`
	Samples      int           `json:"samples"`
	Correct      *int          `json:"correct,omitempty"`
	ClassNames   []string      `json:"class_names,omitempty"`
	LargestClass float64       `json:"largest_class,omitzero"` // see [Data]
	TargetNames  []string      `json:"target_names,omitempty"`
}

// Regression reports whether the network predicts numbers rather than classes.
func (r *EvalResult) Regression() bool { return r.Task == dataset.Regression }
