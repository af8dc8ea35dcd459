package sweep

import (
	"cmp"
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

// Row is what is known of a cell. Where a network was pruned figures are of the pruned one, else
// of the dense one.
type Row struct {
	Run int // the cell's number
	Cell
	Dir    string // of the run
	State  State
	Reason string         // it failed, or diverged
	Result *record.Result // of a finished run, else nil
	Figures
	Device string
}

// Figures are what a run found, by the names of columns: the accuracy is in percent, in
// regression 100 R2. What is not known is not there.
type Figures map[string]float64

// columns are the names of figures in the order of tables.
var columns = []string{"accuracy", "dense_accuracy", "players", "parameters", "macs", "latency_us", "seconds"}

// take fills in what a result says.
func (r *Row) take(result *record.Result) {
	of := result.Ended()
	r.Figures = Figures{"players": 0, "parameters": float64(of.Parameters), "macs": float64(of.MACs), "latency_us": of.LatencyUS, "seconds": result.Seconds.Total}
	for _, gate := range result.Gates {
		r.Figures["players"] += float64(gate.Kept)
	}
	for name, quality := range map[string]record.Quality{"accuracy": of.Quality, "dense_accuracy": result.Dense.Quality} {
		if percent := quality.Percent(); percent != nil {
			r.Figures[name] = *percent
		}
	}
	r.Device = result.Device.Words()
}

// VariedNames returns the settings that differ between runs, in the order of the file.
func VariedNames(rows []Row) (names []string) {
	for _, row := range rows {
		for _, name := range row.Varied {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Where keeps the rows with all of the given values of settings or the state, each written as NAME=VALUE.
func Where(rows []Row, conditions ...string) ([]Row, error) {
	names := append(VariedNames(rows), "state")
	rows = slices.Clone(rows)
	for _, condition := range conditions {
		name, value, found := strings.Cut(condition, "=")
		if !found || !slices.Contains(names, name) {
			return nil, backend.Usagef("--where is %q; it must be NAME=VALUE with one of the names %s", condition, strings.Join(names, ", "))
		}
		rows = slices.DeleteFunc(rows, func(r Row) bool {
			if name == "state" {
				return string(r.State) != value
			}
			return r.Setting(name) != value
		})
	}
	return rows, nil
}

// Sort orders rows by a setting or a figure; a minus before the name turns the order around.
// What is missing comes last, and equal rows stay in their order.
func Sort(rows []Row, by string) error {
	name, descending := strings.CutPrefix(by, "-")
	names := append(VariedNames(rows), columns...)
	if !slices.Contains(names, name) {
		return backend.Usagef("--sort is %q; it must be one of %s, or one of them after a minus", by, strings.Join(names, ", "))
	}
	number := func(r Row) (x float64, known bool) {
		if x, known = r.Figures[name]; known {
			return x, true
		}
		x, err := strconv.ParseFloat(strings.TrimSuffix(r.Setting(name), "%"), 64) // of a limit
		return x, err == nil
	}
	sign := 1
	if descending {
		sign = -1
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		x, known := number(a)
		y, also := number(b)
		switch {
		case known && also:
			return sign * cmp.Compare(x, y)
		case known != also && known:
			return -1
		case known != also:
			return 1
		}
		return sign * strings.Compare(a.Setting(name), b.Setting(name))
	})
	return nil
}

// Mean is over the runs that differ in their seeds only.
type Mean struct {
	First Row     `json:"-"`
	Name  string  `json:"name"`  // the settings that vary, without the seed; where none do, the folder of the runs
	Seeds int     `json:"seeds"` // of finished runs
	Mean  Figures `json:"mean"`  // of those that all of these have
	// Half is half of the interval that holds the mean accuracy of all seeds with 95 %, were
	// accuracies normally distributed. Absent: of one seed, or all alike.
	Half *float64 `json:"half,omitempty"`
}

// Confidence is how often an interval holds what it is about.
const Confidence = 0.95

// HalfInterval returns half of the interval of a mean of n >= 2 normal figures with a standard
// deviation, one of m >= 1 intervals that hold together with [Confidence]:
//
//	t_{q, n-1} sd / sqrt(n),  q = 1 - (1 - Confidence) / (2 m)
//
// with Student's t by Bonferroni's inequality (Dunn, "Multiple Comparisons Among Means",
// JASA 56, 1961), which asks nothing of how the figures of intervals depend on each other.
func HalfInterval(deviation float64, n, m int) float64 {
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(1 - (1-Confidence)/float64(2*m))
	return t * deviation / math.Sqrt(float64(n))
}

// Means returns the means over seeds, in the order of the first run of each.
func Means(rows []Row) []Mean {
	var means []Mean
	type key struct {
		name   string
		config settings.Config
	}
	members, at := [][]Row{}, map[key]int{}
	for _, row := range rows {
		var words []string
		for _, name := range row.Varied {
			if name != "seed" {
				words = append(words, name+"="+row.Setting(name))
			}
		}
		of := key{strings.Join(words, ","), row.Config}
		if of.config.Seed = 0; row.Varied == nil {
			of.name = row.Name[:max(strings.LastIndex(row.Name, "/"), 0)]
		}
		if _, known := at[of]; !known {
			at[of] = len(means)
			means, members = append(means, Mean{First: row, Name: of.name}), append(members, nil)
		}
		if row.State == Finished {
			members[at[of]] = append(members[at[of]], row)
		}
	}
	for i := range means {
		means[i].average(members[i])
	}
	return means
}

func (m *Mean) average(rows []Row) {
	m.Seeds, m.Mean = len(rows), Figures{}
	for _, name := range columns {
		var values []float64
		for _, row := range rows {
			if x, known := row.Figures[name]; known {
				values = append(values, x)
			}
		}
		if len(values) == 0 || len(values) < len(rows) {
			continue
		}
		mean, deviation := stat.MeanStdDev(values, nil)
		m.Mean[name] = mean
		if name == "accuracy" && deviation > 0 { // NaN of one
			half := HalfInterval(deviation, len(values), 1)
			m.Half = &half
		}
	}
}

// WriteCSV writes a line a run.
func WriteCSV(w io.Writer, rows []Row) error {
	varied := VariedNames(rows)
	lines := [][]string{slices.Concat([]string{"run", "state"}, varied, columns, []string{"device", "reason", "name"})}
	for _, row := range rows {
		line := []string{strconv.Itoa(row.Run), string(row.State)}
		for _, name := range varied {
			line = append(line, row.Setting(name))
		}
		for _, name := range columns {
			text := ""
			if x, known := row.Figures[name]; known {
				text = strconv.FormatFloat(x, 'f', -1, 64)
			}
			line = append(line, text)
		}
		lines = append(lines, append(line, row.Device, row.Reason, row.Name))
	}
	return csv.NewWriter(w).WriteAll(lines)
}

// MarshalJSON writes a row with its figures and the settings that vary.
func (r Row) MarshalJSON() ([]byte, error) {
	varied := map[string]any{}
	for _, name := range r.Varied {
		varied[name] = r.value(name)
	}
	line := map[string]any{"run": r.Run, "name": r.Name, "state": r.State, "settings": varied}
	for name, x := range r.Figures {
		line[name] = x
	}
	for name, text := range map[string]string{"reason": r.Reason, "device": r.Device} {
		if text != "" {
			line[name] = text
		}
	}
	return json.Marshal(line)
}

// Count says how many cells are in each state.
func Count(rows []Row) string {
	count := map[State]int{}
	for _, row := range rows {
		count[row.State]++
	}
	var words []string
	for _, state := range []State{Finished, Diverged, Failed, Interrupted, Waiting} {
		if n := count[state]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(words, ", ")
}
