package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"nashprune/trainer"
)

// TestPredictAgreesWithEval: sample by sample, in CSV and in JSON, with columns in another order
// and without labels.
func TestPredictAgreesWithEval(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	succeed(t, trainOn("plants.csv", "--out", "run")...)
	eval := evalOf(t, "run", "--data", "plants.csv")

	rows, err := csv.NewReader(strings.NewReader(plants(20, 1))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var unlabelled strings.Builder
	for _, row := range rows {
		unlabelled.WriteString(row[1] + ";" + row[2] + ";" + row[0] + "\n") // weight, same, height
	}
	writeFile(t, "new.csv", []byte(unlabelled.String()))
	for _, file := range []string{"plants.csv", "new.csv"} {
		predicted, err := csv.NewReader(strings.NewReader(succeed(t, "predict", "run", "--data", file))).ReadAll()
		if err != nil || len(predicted) != len(rows) {
			t.Fatalf("%d lines of %d, %v", len(predicted), len(rows), err)
		}
		if got, want := strings.Join(predicted[0], ","), "sample,class,probability of aster,probability of lily,probability of rose"; got != want {
			t.Errorf("header %q, want %q", got, want)
		}
		correct := 0
		for i, row := range predicted[1:] {
			if row[1] == rows[i+1][3] {
				correct++
			}
			sum := 0.
			for _, field := range row[2:] {
				p, err := strconv.ParseFloat(field, 64)
				if err != nil || p < 0 {
					t.Fatalf("%q", row)
				}
				sum += p
			}
			if row[0] != strconv.Itoa(i+1) || math.Abs(sum-1) > 1e-8 { // nine digits are printed
				t.Errorf("row %q: probabilities sum to %v", row, sum)
			}
		}
		if correct != *eval.Correct {
			t.Errorf("%s: %d predictions are right, eval has %d", file, correct, *eval.Correct)
		}
	}

	succeed(t, "predict", "run/pruned.safetensors", "--data", "new.csv", "--json", "--out", "new.jsonl")
	lines, err := os.ReadFile("new.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var first trainer.Prediction
	if err := json.Unmarshal([]byte(strings.SplitN(string(lines), "\n", 2)[0]), &first); err != nil || first.Name != "1" || len(first.Probabilities) != 3 {
		t.Errorf("%+v, %v", first, err)
	}

	for _, c := range []struct{ args, words string }{
		{"predict run", "name their file or folder with --data"},
		{"predict run --data digits", "predictions are for a table"},
		{"predict run --data short.csv", `trained on a feature "weight"`},
	} {
		writeFile(t, "short.csv", []byte("height,same\n1,2\n"))
		code, stdout, stderr := execute(t, strings.Fields(c.args)...)
		refused(t, exitUsage, c.words, code, stdout, stderr)
	}
}

// TestPredictionsThatAreStopped leave no file, whole or in part.
func TestPredictionsThatAreStopped(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	succeed(t, trainOn("plants.csv", "--out", "run")...)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, command := range []string{"predict run --data plants.csv --out predicted.csv", "eval run --data plants.csv"} {
		var stderr strings.Builder
		if code := run(ctx, strings.Fields(command), io.Discard, &stderr); code != exitInterrupted {
			t.Errorf("%s exits with %d: %s", command, code, stderr.String())
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 { // the data and the run
		t.Errorf("%v, %v", entries, err)
	}
}

// TestPredictNumbers: those of a regression are in their own units, and their errors are those
// that eval has.
func TestPredictNumbers(t *testing.T) {
	t.Chdir(t.TempDir())
	var b strings.Builder
	b.WriteString("a,b,price\n")
	for i := range 60 {
		x, y := math.Sin(float64(i)), math.Cos(float64(3*i))
		b.WriteString(strconv.FormatFloat(x, 'g', -1, 64) + "," + strconv.FormatFloat(y, 'g', -1, 64) + "," + strconv.FormatFloat(1000+200*x+50*y*y, 'g', -1, 64) + "\n")
	}
	writeFile(t, "boxes.csv", []byte(b.String()))
	succeed(t, trainOn("boxes.csv", "--task", "regression", "--out", "run")...)
	eval := evalOf(t, "run", "--data", "boxes.csv")
	predicted, err := csv.NewReader(strings.NewReader(succeed(t, "predict", "run", "--data", "boxes.csv"))).ReadAll()
	if err != nil || strings.Join(predicted[0], ",") != "sample,price" {
		t.Fatalf("%q, %v", predicted, err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	squares := 0.
	for i, row := range predicted[1:] {
		got, err1 := strconv.ParseFloat(row[1], 64)
		want, err2 := strconv.ParseFloat(rows[i+1][2], 64)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		squares += (got - want) * (got - want) / 60
	}
	if got, want := math.Sqrt(squares), eval.Network.RMSE[0]; math.Abs(got-want) > 1e-6*want { // float32 and nine digits
		t.Errorf("the error of the predictions is %v, eval has %v", got, want)
	}
}

// TestTablesAreReadAsInTraining: a new table is read as the one that the network was trained on,
// unless a flag says otherwise.
func TestTablesAreReadAsInTraining(t *testing.T) {
	t.Chdir(t.TempDir())
	commas := func(text string) string {
		return strings.NewReplacer(",", ";", ".", ",").Replace(strings.TrimPrefix(text, "height,weight,same,species\n"))
	}
	writeFile(t, "plants.csv", []byte(commas(plants(20, 0.5))))
	succeed(t, trainOn("plants.csv", "--decimal-comma", "--header=false", "--out", "run")...)
	own := succeed(t, "predict", "run", "--data", "plants.csv")
	if lines := strings.Count(own, "\n"); lines != 61 {
		t.Errorf("%d lines", lines)
	}
	rows, err := csv.NewReader(strings.NewReader(plants(20, 0.5))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var named strings.Builder
	named.WriteString("column 2,column 1,column 3\n")
	for _, row := range rows[1:] {
		named.WriteString(row[1] + "," + row[0] + "," + row[2] + "\n")
	}
	writeFile(t, "named.csv", []byte(named.String()))
	if other := succeed(t, "predict", "run", "--data", "named.csv", "--decimal-comma=false", "--header"); other != own {
		t.Errorf("with points and names:\n%s\nwith commas:\n%s", other, own)
	}
}
