package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/record"
)

// passengers is a table with words, gaps, names and row numbers.
func passengers(rows int) string {
	var b strings.Builder
	b.WriteString("PassengerId,Survived,Name,Sex,Age,Fare,Embarked\n")
	for i := range rows {
		sex, age, port := []string{"male", "female"}[i%2], fmt.Sprint(20+i*7%40), []string{"S", "C", "Q", ""}[i%4]
		if i%5 == 0 {
			age = ""
		}
		survived := 0
		if i%2 == 1 || i*7%40 < 8 {
			survived = 1
		}
		fmt.Fprintf(&b, "%d,%d,\"Family%d, \"\"Mr.\"\"\",%s,%s,%.2f,%s\n", i+1, survived, i, sex, age, 7+float64(i*13%50)/4, port)
	}
	return b.String()
}

// TestTableAsPeopleHaveIt: one command with no settings but the data and its label reads words and
// gaps, chooses settings by the number of rows, and says what it decided; eval and predict read the
// same columns in the same way, sample by sample, and say what is new to the network.
func TestTableAsPeopleHaveIt(t *testing.T) {
	t.Chdir(t.TempDir())
	text := passengers(120)
	writeFile(t, "titanic.csv", []byte(text))
	code, _, stderr := execute(t, "train", "--data", "titanic.csv", "--label", "Survived", "--device", "gonum", "--out", "run")
	if code != exitDone {
		t.Fatal(stderr)
	}
	for _, words := range []string{
		"settings by the size of the data: --model mlp:64-32 --batch 8 --epochs", "--rounds 20 --sparsity 0.8",
		`column: Name      left out: more than 100 different words`, `column: Sex       2 levels: "female", "male"`,
		"column: Age       number; 24 of 120 missing: it is their mean", `column: Embarked  3 levels: "C", "Q", "S"; 30 of 120 missing`,
		`data: the column "PassengerId" counts the rows`,
	} {
		if !strings.Contains(stderr, words) {
			t.Errorf("%q is not in\n%s", words, stderr)
		}
	}
	result, err := os.ReadFile("run/result.json")
	if err != nil || !strings.Contains(string(result), `"use": "2 levels: \"female\", \"male\""`) {
		t.Errorf("the result does not say what became of the columns: %v", err)
	}

	// A level, and a gap, that the network has not seen; and the label is not needed.
	news := strings.Replace(strings.Replace(text, ",S\n", ",X\n", 1), "male", "", 1)
	writeFile(t, "news.csv", []byte(news))
	eval := evalOf(t, "run", "--data", "news.csv")
	code, stdout, stderr := execute(t, "predict", "run", "--data", "news.csv", "--json")
	notes := strings.Join(eval.Notes, "\n")
	for _, words := range []string{`column "Embarked": "X" is not among the levels of training and is taken for none of them; rows with such a level: 1`, `column "Sex": "" is missing, as it was nowhere in training, and is taken for none of the levels; rows where it is: 1`} {
		if code != exitDone || !strings.Contains(stderr, words) || !strings.Contains(notes, words) {
			t.Errorf("%q is not in\n%s\nor\n%s", words, stderr, notes)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(news)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	correct := 0
	for i, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		var p trainer.Prediction
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		if p.Class == rows[i+1][1] {
			correct++
		}
	}
	if correct != *eval.Correct {
		t.Errorf("%d predictions are right, eval has %d", correct, *eval.Correct)
	}
	sum := 0
	for class, row := range eval.Network.Confusion {
		sum += row[class]
	}
	if sum != *eval.Correct {
		t.Errorf("the confusion matrix has %d right, and %d are", sum, *eval.Correct)
	}
}

// TestSmallMistakes: what is misspelt or has no effect is refused, with what was most likely meant.
func TestSmallMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	for args, words := range map[string]string{
		"trian":                                `there is no command "trian"; try nashprune train`,
		"data lst":                             `data takes`,
		"train --epoch 3":                      "unknown flag: --epoch; try --epochs",
		"train --game off --rounds 3":          "--rounds 3 has no effect: it is for --game market and ranking; --game is off",
		"train --beta 0.5":                     "--beta 0.5 has no effect: it is for --game paper, or",
		"train --criterion taylor":             "--criterion taylor has no effect: it is for --game ranking",
		"train --game ranking --worth lottery": "--worth lottery has no effect: it is for --game market",

		"train --weight-worth root":                                     "--weight-worth root is for --players weights",
		"train --players weights --game ranking --weight-worth fisher":  "--weight-worth fisher has no effect: it is for --game market",
		"train --players weights --worth effective":                     "--worth effective has no effect with --players weights and --weight-worth adam",
		"train --players weights --certify-steps 9":                     "--certify-steps 9 has no effect with --players weights",
		"train --players weights --sparsity-pattern 2:4 --sparsity 0.7": "leave out --keep and --sparsity",
		"train --players weights --sparsity-pattern 2:4 --keep 10%":     "leave out --keep and --sparsity",
		"train --keep 0%":  "must be above 0 and at most 100",
		"train --keep ten": "a number above 0, or a percentage",
	} {
		code, stdout, stderr := execute(t, strings.Fields(args)...)
		refused(t, exitUsage, words, code, stdout, stderr)
	}
	// The first part of a mixed run has other players, which may be tested or not.
	succeed(t, strings.Fields("train --data plants.csv --model mlp:9-7 --batch 7 --epochs 12 --rounds 3 --players neurons,weights --max-bytes 80% --certify-steps 0 --out mixed")...)
	first, err := record.ReadResult([]byte(readText(t, "mixed/structured/result.json")))
	if err != nil || first.Equilibrium == nil || first.Equilibrium.Network != "" {
		t.Errorf("%+v, %v", first, err)
	}
	t.Setenv("NASHPRUNE_EPOCH", "3")
	code, stdout, stderr := execute(t, "devices")
	refused(t, exitUsage, "$NASHPRUNE_EPOCH is set, and no setting has this variable; try $NASHPRUNE_EPOCHS", code, stdout, stderr)
	t.Setenv("NASHPRUNE_EPOCH", "")
	run := resultOf(t, trainOn("plants.csv", "--keep", "50%", "--out", "half")...)
	if 2*run.Pruned.Kept != run.Pruned.Players {
		t.Errorf("%d of %d players are kept", run.Pruned.Kept, run.Pruned.Players)
	}
}
