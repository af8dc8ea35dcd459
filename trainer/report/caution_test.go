package report

import (
	"strings"
	"testing"

	"nashprune/trainer/record"
)

// TestCautions: a network that always answers the largest class is said to, dense or pruned, in
// the table of a run and in that of an evaluation.
func TestCautions(t *testing.T) {
	run := marketRun()
	r := &run.Result
	r.Data.LargestClass, r.Data.ClassNames = 95.8, []string{"fair", "fraud", "other"}
	r.Data.Notes = []string{`the column "Id" counts the rows`} // which --quiet shows nowhere else
	r.Dense.BalancedAccuracy = of(91.25)
	r.Pruned.BalancedAccuracy, r.Pruned.Unrecognised = of(33.5), []int{1, 2}
	var text strings.Builder
	if err := Result(&text, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"balanced accuracy", "91.25 %", "33.50 %", "-57.75 points", "note:         the column \"Id\" counts the rows\n",
		"the pruned network is no better than the answer that is always the largest class (95.80 %)",
		"the pruned network gets no sample right of class fraud, other",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "dense network is no better") {
		t.Errorf("the dense network is better:\n%s", text.String())
	}

	e := &record.EvalResult{Data: "fraud", Samples: 100, LargestClass: 99, Device: r.Device, Network: record.NetworkResult{
		Shape: []int{2, 3, 2}, Quality: record.Quality{Accuracy: of(99), BalancedAccuracy: of(50), Unrecognised: []int{1}},
	}}
	text.Reset()
	if err := Eval(&text, e); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"balanced accuracy   50.00 %", "always the largest class (99.00 %)", "no sample right of class 1"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}

	worse := -0.25
	lines := cautions("pruned", record.Quality{R2: &worse}, 0, nil)
	if len(lines) != 1 || !strings.Contains(lines[0], "predicts worse than the mean of the targets") {
		t.Errorf("R2 below zero: %q", lines)
	}
}
