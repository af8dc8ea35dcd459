package report

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
)

// predicting makes a run one of regression with two targets.
func predicting(run *Run) *Run {
	run.Config.Task = dataset.Regression
	r := &run.Result
	r.Task, r.Data.Name, r.Data.TargetNames = dataset.Regression, "csv:houses", []string{"price", "rooms & baths,\n in a very long name indeed"}
	explains := func(r2 float64) record.Quality {
		return record.Quality{R2: of(r2), RMSE: []float64{54321.6 * (1 - r2), 1.2345 * (1 - r2)}, MAE: []float64{43210 * (1 - r2), 1.0101 * (1 - r2)}}
	}
	if r.Dense.Accuracy != nil {
		r.Dense.Quality = explains(0.8312)
	}
	if r.Pruned != nil {
		r.Gated.Quality, r.Pruned.Quality, r.Pruned.Classes = explains(0.8204), explains(0.8204), record.Classes{}
	}
	for i := range run.Epochs {
		line := &run.Epochs[i]
		line.Loss = 1 - *line.Accuracy/100
		line.ValidationR2 = of(*line.ValidationAccuracy/100 - 0.05)
		line.Accuracy, line.ValidationAccuracy = nil, nil
	}
	return run
}

func TestRegressionTexts(t *testing.T) {
	for name, run := range map[string]*Run{"market": predicting(marketRun()), "off": predicting(offRun())} {
		t.Run(name, func(t *testing.T) {
			golden(t, "result-regression-"+name+".golden", func(w io.Writer) error { return Result(w, &run.Result) })
			golden(t, "picture-regression-"+name+".svg", func(w io.Writer) error { return Picture(w, run) })
		})
	}
	run := predicting(marketRun())
	golden(t, "eval-regression.golden", func(w io.Writer) error {
		return Eval(w, &record.EvalResult{
			Model: "runs/houses", Task: dataset.Regression, Data: "csv:houses", Samples: 4000,
			Network: run.Result.Pruned.NetworkResult, TargetNames: run.Result.Data.TargetNames,
		})
	})
	var b bytes.Buffer
	if err := Explain(&b, run); err != nil || strings.Contains(b.String(), "accura") {
		t.Errorf("%v: %s", err, b.String())
	}
}

func TestPictureOfOddRegressions(t *testing.T) {
	for name, change := range map[string]func(*Run){
		"undefined": func(r *Run) {
			r.Result.Dense.R2, r.Result.Gated.R2, r.Result.Pruned.R2 = nil, nil, nil
			for i := range r.Epochs {
				r.Epochs[i].ValidationR2 = nil
			}
		},
		"one undefined":   func(r *Run) { r.Result.Dense.R2 = nil },
		"no lines at all": func(r *Run) { r.Epochs, r.Result.Dense.R2, r.Result.Gated.R2, r.Result.Pruned.R2 = nil, nil, nil, nil },
		"worse than the means": func(r *Run) {
			r.Result.Pruned.R2, r.Epochs[4].ValidationR2 = of(-0.3), of(-0.2)
		},
		"far worse": func(r *Run) {
			r.Result.Pruned.R2, r.Result.Dense.R2 = of(-1e300), of(-7)
			r.Epochs[4].Loss, r.Epochs[3].ValidationR2 = math.MaxFloat64, of(-math.MaxFloat64)
		},
		"perfect": func(r *Run) { r.Result.Pruned.R2, r.Result.Dense.R2 = of(1), of(1) },
		"no baseline": func(r *Run) {
			r.Result.Dense.Source, r.Result.Dense.Quality, r.Result.Dense.Loss = record.NotTrained, record.Quality{}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := predicting(marketRun())
			change(run)
			picture := draw(t, run)
			for _, wrong := range []string{"NaN", "Inf", `="-0"`, "%!", "-10000"} {
				if strings.Contains(picture, wrong) {
					t.Errorf("the picture contains %q", wrong)
				}
			}
			var b bytes.Buffer
			if err := Result(&b, &run.Result); err != nil || strings.Contains(b.String(), "%!") {
				t.Errorf("%v: %s", err, b.String())
			}
		})
	}
}

// Figures of the other task, and figures that cannot be, make no picture.
func TestRegressionRefuses(t *testing.T) {
	for name, change := range map[string]func(*Run){
		"an unknown task":       func(r *Run) { r.Result.Task = "swim" },
		"R2 above 1":            func(r *Run) { r.Result.Pruned.R2 = of(1.01) },
		"R2 NaN":                func(r *Run) { r.Result.Gated.R2 = of(math.NaN()) },
		"an accuracy":           func(r *Run) { r.Result.Dense.Accuracy = of(98) },
		"no errors":             func(r *Run) { r.Result.Pruned.RMSE = nil },
		"an error too few":      func(r *Run) { r.Result.Dense.RMSE = r.Result.Dense.RMSE[:1] },
		"an error below zero":   func(r *Run) { r.Result.Dense.RMSE[1] = -1 },
		"errors of classes":     func(r *Run) { r.Result.Task = dataset.Classification },
		"an epoch's accuracy":   func(r *Run) { r.Epochs[2].Accuracy = of(98) },
		"an epoch's R2 above 1": func(r *Run) { r.Epochs[2].ValidationR2 = of(2) },
	} {
		run := predicting(marketRun())
		change(run)
		if err := Picture(io.Discard, run); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
	run := marketRun()
	run.Result.Data.TargetNames = []string{"price"}
	if err := run.check(); err == nil || !strings.Contains(err.Error(), "targets") {
		t.Errorf("classes with the name of a target: %v", err)
	}
	run = marketRun()
	run.Epochs[1].Accuracy = nil
	if err := Picture(io.Discard, run); err == nil {
		t.Error("an epoch without an accuracy is drawn")
	}
}

func TestInUnits(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.00012345: "0.0001234", 53.456: "53.46", 9999.4: "9,999", 54321.6: "54,322", 1e15: "1e+15", 0.5: "0.5",
	} {
		if got := inUnits(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}
