package sweep

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// Row is a run in the table of a sweep. Where a network was pruned figures are of the pruned
// one, else of the dense one.
type Row struct {
	Run    int              `json:"run"`
	Name   string           `json:"name"` // of its folder
	Varied []settings.Value `json:"-"`
	State  State            `json:"state"`
	Reason string           `json:"reason,omitempty"` // it failed, or diverged
	Figures
	Device string `json:"device,omitempty"`
}

// Figures are what a run found.
type Figures struct {
	// Accuracy is in percent; in regression, 100 R2.
	Accuracy      *float64 `json:"accuracy,omitempty"`
	DenseAccuracy *float64 `json:"dense_accuracy,omitempty"` // where one was trained
	Players       int      `json:"players,omitempty"`        // that stay
	Parameters    int      `json:"parameters,omitempty"`
	MACs          int      `json:"macs,omitempty"`
	LatencyUS     float64  `json:"latency_us,omitempty"`
	Seconds       float64  `json:"seconds,omitempty"`
}

// figureNames are those of columns with numbers, in the order of [Figures.numbers].
var figureNames = []string{"accuracy", "dense_accuracy", "players", "parameters", "macs", "latency_us", "seconds"}

// numbers returns the figures; NaN stands for what is missing.
func (f Figures) numbers() []float64 {
	optional := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	return []float64{optional(f.Accuracy), optional(f.DenseAccuracy), float64(f.Players), float64(f.Parameters), float64(f.MACs), f.LatencyUS, f.Seconds}
}

// take fills in what a result says.
func (r *Row) take(result *record.Result) {
	of := result.Dense
	r.DenseAccuracy = figure(of.Quality)
	if result.Pruned != nil {
		of = result.Pruned.NetworkResult
	}
	r.Accuracy, r.Parameters, r.MACs, r.LatencyUS = figure(of.Quality), of.Parameters, of.MACs, of.LatencyUS
	for _, gate := range result.Gates {
		r.Players += gate.Kept
	}
	r.Seconds, r.Device = result.Seconds.Total, result.Device.Words()
}

func figure(q record.Quality) *float64 {
	if q.R2 != nil {
		percent := 100 * *q.R2
		return &percent
	}
	return q.Accuracy
}

// Setting returns a run's value of a setting that varies; empty where it has none.
func (r Row) Setting(name string) string {
	for _, v := range r.Varied {
		if v.Name == name {
			return v.Text()
		}
	}
	return ""
}

// VariedNames returns the settings that differ between runs, in the order of the file.
func VariedNames(rows []Row) (names []string) {
	for _, row := range rows {
		for _, v := range row.Varied {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// Where keeps the rows with a value of a setting or a state, written as NAME=VALUE.
func Where(rows []Row, condition string) ([]Row, error) {
	name, value, found := strings.Cut(condition, "=")
	names := append(VariedNames(rows), "state")
	if !found || !slices.Contains(names, name) {
		return nil, backend.Usagef("--where is %q; it must be NAME=VALUE with one of the names %s", condition, strings.Join(names, ", "))
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		if name == "state" {
			return string(r.State) != value
		}
		return r.Setting(name) != value
	}), nil
}

// Sort orders rows by a setting or a figure; a minus before the name turns the order around.
// What is missing comes last, and equal rows stay in their order.
func Sort(rows []Row, by string) error {
	name, descending := strings.CutPrefix(by, "-")
	of := slices.Index(figureNames, name)
	names := append(VariedNames(rows), figureNames...)
	if !slices.Contains(names, name) {
		return backend.Usagef("--sort is %q; it must be one of %s, or one of them after a minus", by, strings.Join(names, ", "))
	}
	sign := 1
	if descending {
		sign = -1
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		x, y := a.Setting(name), b.Setting(name)
		p, q := number(x), number(y)
		if of >= 0 {
			p, q = a.numbers()[of], b.numbers()[of]
		}
		switch {
		case math.IsNaN(p) && math.IsNaN(q):
			return sign * strings.Compare(x, y)
		case math.IsNaN(p):
			return 1
		case math.IsNaN(q):
			return -1
		case p < q:
			return -sign
		case p > q:
			return sign
		}
		return 0
	})
	return nil
}

// number reads a value of a setting; NaN: it is none.
func number(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// Mean is over the runs that differ in their seeds only.
type Mean struct {
	First Row     `json:"-"`
	Name  string  `json:"name"`  // the settings that vary, without the seed
	Seeds int     `json:"seeds"` // of finished runs
	Mean  Figures `json:"mean"`  // players, parameters and so on are rounded
	// Half is half of the interval that holds the mean accuracy of all seeds with 95 %, were
	// accuracies normally distributed: t sd / sqrt(n). Absent: of one seed, or all alike.
	Half *float64 `json:"half,omitempty"`
}

// Means returns the means over seeds, in the order of the first run of each.
func Means(rows []Row) []Mean {
	var means []Mean
	members := map[string][]Row{}
	for _, row := range rows {
		varied := slices.DeleteFunc(slices.Clone(row.Varied), func(v settings.Value) bool { return v.Name == "seed" })
		name := settings.CombinationName(varied)
		if _, known := members[name]; !known {
			means = append(means, Mean{First: row, Name: name})
			members[name] = nil
		}
		if row.State == Finished {
			members[name] = append(members[name], row)
		}
	}
	for i := range means {
		means[i].average(members[means[i].Name])
	}
	return means
}

func (m *Mean) average(rows []Row) {
	if m.Seeds = len(rows); m.Seeds == 0 {
		return
	}
	columns := make([][]float64, len(figureNames))
	for _, row := range rows {
		for c, x := range row.numbers() {
			columns[c] = append(columns[c], x)
		}
	}
	mean := func(c int) float64 { return stat.Mean(columns[c], nil) }
	known := func(x float64) *float64 {
		if math.IsNaN(x) {
			return nil
		}
		return &x
	}
	whole := func(c int) int { return int(math.Round(mean(c))) }
	m.Mean = Figures{known(mean(0)), known(mean(1)), whole(2), whole(3), whole(4), mean(5), mean(6)}
	if deviation := stat.StdDev(columns[0], nil); m.Seeds > 1 && deviation > 0 {
		n := float64(m.Seeds)
		half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * deviation / math.Sqrt(n)
		m.Half = &half
	}
}

// WriteCSV writes a line a run.
func WriteCSV(w io.Writer, rows []Row) error {
	varied := VariedNames(rows)
	out := csv.NewWriter(w)
	header := append(append([]string{"run", "state"}, varied...), figureNames...)
	if err := out.Write(append(header, "device", "reason")); err != nil {
		return err
	}
	for _, row := range rows {
		line := []string{strconv.Itoa(row.Run), string(row.State)}
		for _, name := range varied {
			line = append(line, row.Setting(name))
		}
		for _, x := range row.numbers() {
			text := ""
			if row.State == Finished && !math.IsNaN(x) {
				text = strconv.FormatFloat(x, 'f', -1, 64)
			}
			line = append(line, text)
		}
		if err := out.Write(append(line, row.Device, row.Reason)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// MarshalJSON writes a row with the settings that vary.
func (r Row) MarshalJSON() ([]byte, error) {
	type plain Row // without this method
	varied := map[string]any{}
	for _, v := range r.Varied {
		varied[v.Name] = v.Value
	}
	return json.Marshal(struct {
		plain
		Settings map[string]any `json:"settings"`
	}{plain(r), varied})
}

// Count says how many cells are in each state.
func Count(rows []Row) string {
	var words []string
	for _, state := range []State{Finished, Diverged, Failed, Interrupted, Waiting} {
		n := 0
		for _, row := range rows {
			if row.State == state {
				n++
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(words, ", ")
}
