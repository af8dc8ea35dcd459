package compare

import (
	"io"
	"slices"

	"gonum.org/v1/gonum/stat"

	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/sweep"
)

// Schema is the number of the layout of compare.json. It goes up when a field
// changes its meaning or goes away.
const Schema = 2

// Report is what compare.json holds. Figures are percentages: accuracies, or in
// regression the variance explained.
type Report struct {
	Schema  int           `json:"schema"`
	Program string        `json:"program"`
	Command string        `json:"command"`
	Task    dataset.Task  `json:"task"`
	Device  record.Device `json:"device"` // of one run; others may have other devices
	Data    record.Data   `json:"data"`   // of the runs that are compared
	Model   string        `json:"model"`
	Epochs  int           `json:"epochs"`
	Seeds   []uint64      `json:"seeds"` // of every method
	// MostSeeds is how many seeds methods have that are within [Closeness] of the best of
	// their size and shape, and the market that they are compared to.
	MostSeeds int `json:"most_seeds"`

	Search  *Search   `json:"search,omitempty"`
	Dense   []SeedRun `json:"dense"` // of the network without removals, for comparison
	Winners []Winner  `json:"winners"`
	Entries []Entry   `json:"entries"` // by size, shape and method
}

// Winner says where the layers of [FreeWinner], [ParametersWinner] or [LatencyWinner] come from.
type Winner struct {
	Shape  Shape  `json:"shape"`
	Keep   int    `json:"keep"`
	Method string `json:"method"` // with the highest mean over the seeds that all methods have
	Layers []int  `json:"layers"` // that it came to with the first seed
}

// Search says how the settings were chosen: on samples held out of the training
// part, with one seed, for each method, size and shape.
type Search struct {
	Seed   uint64  `json:"seed"`
	Held   int     `json:"held_out"` // samples
	Trials []Trial `json:"trials"`
}

// Trial is one setting that was tried.
type Trial struct {
	Method   string   `json:"method"`
	Shape    Shape    `json:"shape"`
	Keep     int      `json:"keep"`
	Setting  Setting  `json:"setting"`
	Figure   *float64 `json:"figure,omitempty"` // on the samples held out; absent: it diverged
	Diverged string   `json:"diverged,omitempty"`
	Chosen   bool     `json:"chosen"`
}

// Entry is a method at a size and shape.
type Entry struct {
	Method  string    `json:"method"`
	Shape   Shape     `json:"shape"`
	Keep    int       `json:"keep"`           // the size: players, or as many as give the same parameters
	Null    bool      `json:"null,omitempty"` // a market that is false on purpose
	Setting Setting   `json:"setting"`
	Runs    []SeedRun `json:"runs"`

	// Mean and Deviation are over the seeds, where no run diverged.
	Mean      *float64 `json:"mean,omitempty"`
	Deviation *float64 `json:"deviation,omitempty"` // with n-1; absent for one seed
	// Difference is that of the figures to the market's at the same size and shape, over
	// the seeds that both have; absent where one diverged.
	Difference *Difference `json:"difference,omitempty"`
	// LatencyUS is the median time for a batch with a network of the first seed's shape,
	// all shapes having taken turns; zero where that run diverged.
	LatencyUS float64 `json:"latency_us"`
}

// SeedRun is one run of an entry.
type SeedRun struct {
	Seed       uint64   `json:"seed"`
	Figure     *float64 `json:"figure,omitempty"` // absent: it diverged
	Loss       *float64 `json:"loss,omitempty"`
	Layers     []int    `json:"layers,omitempty"` // players of each gate
	Parameters int      `json:"parameters"`
	MACs       int      `json:"macs"`
	Seconds    float64  `json:"seconds"` // of training
	Diverged   string   `json:"diverged,omitempty"`
	// Model and Network are the verdicts of a market's certificate: whether its rounds are
	// equilibria of their model, and what is left one of the network; absent where there is
	// none.
	Model   record.Verdict `json:"model,omitempty"`
	Network record.Verdict `json:"network,omitempty"`
	Device  string         `json:"device,omitempty"` // on which it was computed last
}

// Difference is a mean of paired differences with its interval.
type Difference struct {
	Mean  float64  `json:"mean"`
	Pairs int      `json:"pairs"`
	Low   *float64 `json:"low,omitempty"` // absent for one pair, and without spread
	High  *float64 `json:"high,omitempty"`
}

// ExcludesZero reports whether the interval says which of the two is better. Where there is
// none it says nothing.
func (d Difference) ExcludesZero() bool { return d.Low != nil && (*d.Low > 0 || *d.High < 0) }

// PairedDifference returns the mean of a_i - b_i, i = 1..n, with its interval, one of m >= 1
// that hold together, see [sweep.HalfInterval]. Both hold the same number of figures, at least
// one. There is no interval where all differences are equal but for rounding, by less than 1e-9:
// figures are multiples of a sample's part, so few seeds may have equal ones by chance.
func PairedDifference(a, b []float64, m int) Difference {
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = a[i] - b[i]
	}
	mean, deviation := stat.MeanStdDev(differences, nil)
	d := Difference{Mean: mean, Pairs: len(a)}
	if len(a) > 1 && deviation >= 1e-9 {
		half := sweep.HalfInterval(deviation, len(a), m)
		low, high := mean-half, mean+half
		d.Low, d.High = &low, &high
	}
	return d
}

// figures returns the figures of all runs, nil if one diverged.
func figures(runs []SeedRun) []float64 {
	var figures []float64
	for _, r := range runs {
		if r.Figure == nil {
			return nil
		}
		figures = append(figures, *r.Figure)
	}
	return figures
}

// Summary returns mean and deviation of the figures of runs, nil where one diverged,
// and no deviation of one.
func Summary(runs []SeedRun) (mean, deviation *float64) {
	all := figures(runs)
	if all == nil {
		return nil, nil
	}
	m, d := stat.MeanStdDev(all, nil)
	if len(all) == 1 {
		return &m, nil
	}
	return &m, &d
}

// Entry returns an entry of the report, or nil if there is none.
func (r *Report) Entry(method string, shape Shape, keep int) *Entry {
	for _, e := range r.Table(shape, keep) {
		if e.Method == method {
			return e
		}
	}
	return nil
}

// Table returns the entries of a size and shape.
func (r *Report) Table(shape Shape, keep int) []*Entry {
	var all []*Entry
	for i := range r.Entries {
		if e := &r.Entries[i]; e.Shape == shape && e.Keep == keep {
			all = append(all, e)
		}
	}
	return all
}

// differ compares all entries of a size and shape with the market's, over the seeds that
// both have. The intervals hold together.
func (r *Report) differ(shape Shape, keep int) {
	market := r.Entry(Reference, shape, keep)
	if market == nil {
		return
	}
	both := func(e *Entry) (a, b []float64) {
		n := min(len(e.Runs), len(market.Runs))
		return figures(e.Runs[:n]), figures(market.Runs[:n])
	}
	compared := slices.DeleteFunc(r.Table(shape, keep), func(e *Entry) bool {
		a, b := both(e)
		return e == market || a == nil || b == nil
	})
	for _, e := range compared {
		a, b := both(e)
		d := PairedDifference(a, b, len(compared))
		e.Difference = &d
	}
}

// Devices returns the devices of all runs, each once.
func (r *Report) Devices() (names []string) {
	for _, e := range append([]Entry{{Runs: r.Dense}}, r.Entries...) {
		for _, run := range e.Runs {
			if run.Device != "" && !slices.Contains(names, run.Device) {
				names = append(names, run.Device)
			}
		}
	}
	return names
}

// WriteCSV writes a row a run, with a header.
func (r *Report) WriteCSV(w io.Writer) error {
	type row struct {
		Method  string  `json:"method"`
		Shape   Shape   `json:"shape"`
		Keep    int     `json:"keep"` // 0: the dense network
		Setting Setting `json:"setting"`
		SeedRun
	}
	var rows []row
	for _, e := range append([]Entry{{Method: "dense", Runs: r.Dense}}, r.Entries...) {
		for _, run := range e.Runs {
			rows = append(rows, row{e.Method, e.Shape, e.Keep, e.Setting, run})
		}
	}
	return record.WriteCSV(w, rows)
}
