package sweep

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nashprune/trainer/cost"
	"nashprune/trainer/settings"
)

// rows returns four runs: two settings, two seeds, one of which has failed.
func rows(t *testing.T) []Row {
	t.Helper()
	runs, err := settings.ParseGrid([]byte("[grid]\nmodel = [\"mlp:9\", \"mlp:10-2\"]\nseed = [7, 8]"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Row
	for n, accuracy := range []float64{91, 94, 95, 0} {
		row := Row{Run: n, Cell: Cell{Name: string(rune('a' + n)), Varied: []string{"model", "seed"}, Config: runs[n].Config}, State: Failed, Reason: "no \"luck\", again"}
		if accuracy > 0 {
			row.State, row.Reason, row.Figures = Finished, "", Figures{"accuracy": accuracy, "players": float64(10 + n), "latency_us": 1.5}
		}
		all = append(all, row)
	}
	return all
}

func order(rows []Row) (runs []int) {
	for _, r := range rows {
		runs = append(runs, r.Run)
	}
	return runs
}

func TestSortAndWhere(t *testing.T) {
	for by, want := range map[string][]int{
		"accuracy": {0, 1, 2, 3}, "-accuracy": {2, 1, 0, 3}, // what is missing comes last
		"seed": {0, 2, 1, 3}, "-seed": {1, 3, 0, 2}, "model": {2, 3, 0, 1}, "-model": {0, 1, 2, 3},
	} {
		all := rows(t)
		if err := Sort(all, by); err != nil || !slices.Equal(order(all), want) {
			t.Errorf("by %s: %v, %v", by, order(all), err)
		}
	}
	for condition, want := range map[string][]int{"seed=8": {1, 3}, "model=mlp:9": {0, 1}, "state=failed": {3}, "seed=9": nil} {
		if kept, err := Where(rows(t), condition); err != nil || !slices.Equal(order(kept), want) {
			t.Errorf("%s: %v, %v", condition, order(kept), err)
		}
	}
	if kept, err := Where(rows(t), "seed=9", "model=mlp:9"); err != nil || len(kept) != 0 {
		t.Errorf("two conditions, of which the first keeps nothing: %v, %v", order(kept), err)
	}
	for _, bad := range []string{"epochs=3", "seed"} {
		if _, err := Where(rows(t), bad); err == nil || !strings.Contains(err.Error(), "model, seed, state") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	limits := rows(t)[:3]
	for i, limit := range []cost.Limit{-20, -100, -5} { // as texts 100% is before 20%
		limits[i].Varied, limits[i].Config.MaxMACs = []string{"max-macs"}, limit
	}
	if err := Sort(limits, "max-macs"); err != nil || !slices.Equal(order(limits), []int{2, 0, 1}) {
		t.Errorf("by percentages: %v, %v", order(limits), err)
	}
	if err := Sort(rows(t), "luck"); err == nil || !strings.Contains(err.Error(), "model, seed, accuracy") {
		t.Errorf("%v", err)
	}
}

// TestMeans: of 91 and 94 the mean is 92.5 with a deviation of 3/sqrt(2), and t for one degree of
// freedom is 12.7062.
func TestMeans(t *testing.T) {
	means := Means(rows(t))
	if len(means) != 2 || means[0].Seeds != 2 || means[1].Seeds != 1 || means[1].Half != nil || means[1].Mean["accuracy"] != 95 {
		t.Fatalf("%+v", means)
	}
	if m := means[0]; m.Mean["accuracy"] != 92.5 || math.Abs(*m.Half-12.7062*1.5) > 1e-3 || m.Mean["players"] != 10.5 || len(m.Mean) != 3 {
		t.Errorf("%+v", m)
	}
}

// TestMeansOfAComparison: no setting of its cells is one that varies, and means are over seeds still.
func TestMeansOfAComparison(t *testing.T) {
	all := rows(t)
	for i, name := range []string{"runs/9/market/free/seed-7", "runs/9/market/free/seed-8", "runs/9/taylor/free/seed-7", "runs/9/taylor/free/seed-8"} {
		all[i].Name, all[i].Varied = name, nil
	}
	means := Means(all)
	if len(means) != 2 || means[0].Name != "runs/9/market/free" || means[0].Mean["accuracy"] != 92.5 || means[1].Name != "runs/9/taylor/free" || means[1].Seeds != 1 {
		t.Errorf("%+v", means)
	}
}

func TestCSVAndJSON(t *testing.T) {
	var text strings.Builder
	if err := WriteCSV(&text, rows(t)); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil || len(lines) != 5 {
		t.Fatalf("%v, %v", lines, err)
	}
	if want := []string{"0", "finished", "mlp:9", "7", "91", "", "10", "", "", "1.5", "", "", "", "a"}; !slices.Equal(lines[1], want) {
		t.Errorf("%q", lines[1])
	}
	if last := lines[4]; last[1] != "failed" || last[4] != "" || last[12] != "no \"luck\", again" {
		t.Errorf("%q", last)
	}
	encoded, err := json.Marshal(rows(t)[1])
	if err != nil || !strings.Contains(string(encoded), `"settings":{"model":"mlp:9","seed":8}`) || !strings.Contains(string(encoded), `"accuracy":94`) {
		t.Errorf("%s, %v", encoded, err)
	}
}

// TestArray: runs that are done are not given to Slurm again.
func TestArray(t *testing.T) {
	for states, want := range map[string]string{"www": "0-2", "wfw": "0,2", "fwwfdw": "1-2,5", "ffd": "", "w": "0"} {
		var all []Row
		for n, letter := range states {
			all = append(all, Row{Run: n, State: map[rune]State{'w': Waiting, 'f': Finished, 'd': Diverged}[letter]})
		}
		if got := indices(openRuns(all), 0); got != want {
			t.Errorf("%s: %q, want %q", states, got, want)
		}
	}
}

// TestArrayOfLaterRuns: Slurm refuses indices above 1000, and a comparison has more runs. Its script
// makes the runs of their numbers.
func TestArrayOfLaterRuns(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil { // as on Windows, where there is no Slurm
		t.Skip(err)
	}
	s := &Sweep{Dir: t.TempDir(), Cells: make([]Cell, 1500)}
	for n := range s.Cells {
		s.Cells[n].Name = strconv.Itoa(n)
	}
	var later []int
	for n := 1200; n < 1389; n++ {
		later = append(later, n)
	}
	for _, test := range []struct {
		numbers            []int
		array, index, made string
	}{{later, "0-188", "5", "1205"}, {[]int{3, 1000}, "3,1000", "3", "3"}} {
		script, err := s.Script(Cluster{Program: []string{"echo"}}, test.numbers...)
		if err != nil || !strings.Contains(script, "#SBATCH --array="+test.array+"\n") {
			t.Errorf("%v\n%s", err, script)
		}
		cmd := exec.Command("bash", "-c", script)
		cmd.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID="+test.index)
		if out, err := cmd.Output(); err != nil || string(out) != fmt.Sprintf("sweep cell %s %s\n", s.Dir, test.made) {
			t.Errorf("index %s: %s, %v", test.index, out, err)
		}
	}
}

// TestArrays: more open runs than an array may have are given in pieces, and none that is queued.
func TestArrays(t *testing.T) {
	s := &Sweep{Dir: t.TempDir(), Cells: make([]Cell, 25)}
	for n := range s.Cells {
		s.Cells[n].Name = strconv.Itoa(n)
	}
	all, err := s.arrays(map[int]bool{4: true, 8: true}, 9, nil)
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, want := range []struct {
		first int
		list  string
	}{{0, "0-3,5-7,9"}, {10, "0-9"}, {20, "0-4"}} {
		if got := all[i]; got.first != want.first || indices(got.runs, got.first) != want.list {
			t.Errorf("array %d: %+v", i, got)
		}
	}
}

// TestFolderNames: names hold for every file system.
func TestFolderNames(t *testing.T) {
	if a, b := folderName("data=../a b:c"), folderName("data="+strings.Repeat("x", 200)); a != "data=.._a_b_c" || len(b) != 120 {
		t.Errorf("%q, %q", a, b)
	}
	if name := folderName(""); name != "run" {
		t.Errorf("%q", name)
	}
}
