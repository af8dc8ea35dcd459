package record

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
)

// ResultSchema is the number of the layout of result.json. It goes up when a
// field changes its meaning or goes away. Results of schema 1 do not list gates.
const ResultSchema = 2

// Result is what a run found, as result.json holds it. Latencies are medians for a
// batch. In classification accuracies are in percent and losses mean
// cross-entropies. In regression there is no accuracy: losses are mean squared
// errors in standardised units, r2 is the fraction of variance explained over all
// targets in these units; rmse and mae are the root mean squared and the mean absolute
// error of each target in its own units, in the order of target_names.
type Result struct {
	Schema  int          `json:"schema"`
	Program string       `json:"program,omitempty"` // name and version
	Task    dataset.Task `json:"task,omitempty"`    // absent: classification
	Command string       `json:"command"`
	Seed    uint64       `json:"seed"`
	Device  Device       `json:"device"` // the last
	// Devices are all that computed parts of the run, in their order.
	Devices []DeviceUse `json:"devices,omitempty"`
	Data    Data        `json:"data"`
	Model   Model       `json:"model,omitzero"` // absent in earlier results
	Source  *Source     `json:"source,omitempty"`
	Gates   []Gate      `json:"gates"` // in the order in which other fields have one entry a gate

	Dense  NetworkResult `json:"dense"`
	Gated  *Gated        `json:"gated,omitempty"`
	Pruned *Pruned       `json:"pruned,omitempty"`
	// Market says what drove the market and how its target was met.
	Market      *Market      `json:"market,omitempty"`
	Equilibrium *Equilibrium `json:"equilibrium,omitempty"`
	// Certificate is what equilibrium.json holds, after a run with a game; nil of a result that was read.
	Certificate *Certificate `json:"-"`
	// Weights says what became of single weights, where these were the players. The gates are
	// then the tensors, and there is no equilibrium.
	Weights *Weights `json:"weights,omitempty"`

	// Structured says what was removed before single weights were, with --max-bytes.
	Structured *Structured `json:"structured,omitempty"`

	Runtime *Runtime `json:"runtime,omitempty"`

	Seconds Seconds `json:"seconds"`
}

// Ended returns the network that the run ended with: the pruned one, where there is one.
func (r *Result) Ended() NetworkResult {
	if r.Pruned != nil {
		return r.Pruned.NetworkResult
	}
	return r.Dense
}

// File names the file of that network in the run's folder.
func (r *Result) File() string {
	if r.Pruned != nil {
		return PrunedFile
	}
	return DenseFile
}

// Structured is the run that removed whole units before single weights were removed.
type Structured struct {
	Folder        string  `json:"folder"` // in that of the run
	Part          float64 `json:"part"`   // of the compression, in logarithms
	MaxParameters int     `json:"max_parameters"`
	Players       int     `json:"players"`
	Kept          int     `json:"kept"`
	Dense         int     `json:"dense_parameters"`
	Parameters    int     `json:"parameters"`
	// Before is how well the network did before the first run removed anything; empty where that is not known.
	Before Quality `json:"dense"`
}

// WriteJSON writes a result, a report or what else a command prints as indented JSON.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// ReadResult reads what a run wrote to result.json, with the gates that schema 1 does not
// list. Its errors are those of JSON, or say which program wrote another schema.
func ReadResult(text []byte) (*Result, error) {
	r := new(Result)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, err
	}
	switch {
	case r.Schema == 1:
		r.Schema = ResultSchema
		r.fillGates()
	case r.Schema != ResultSchema:
		return nil, fmt.Errorf("it has schema %d, written by %q, and this program knows 1 to %d: read it with the program that wrote it",
			r.Schema, r.Program, ResultSchema)
	}
	return r, nil
}

// Device says what the run was computed on.
type Device struct {
	Name       string             `json:"name"`
	Kind       backend.DeviceKind `json:"kind"`
	BLAS       string             `json:"blas,omitempty"`
	DriverInfo string             `json:"driver_info,omitempty"`
	Kernels    string             `json:"kernels,omitempty"` // of its sets of kernels the one that computed
	Samples    backend.Placement  `json:"samples,omitempty"` // where they were, if it has memory of its own
}

// Words names the device with what it computes with: the library of a CPU, the driver
// and the kernels of a GPU, and whether samples are streamed to it.
func (d Device) Words() string {
	words := d.Name
	for _, more := range []string{d.BLAS, d.DriverInfo} {
		if more != "" {
			words += ", " + more
		}
	}
	if d.Kernels != "" {
		words += ", kernels " + d.Kernels
	}
	if d.Samples == backend.Streamed {
		words += ", samples streamed"
	}
	return words
}

// DeviceUse is a device with where it began.
type DeviceUse struct {
	Device
	Training string `json:"training"`  // GameTraining, RankingTraining or DenseTraining
	FromStep int    `json:"from_step"` // of that training; steps count from 0
}

// threads is what the name of a CPU ends with.
var threads = regexp.MustCompile(`, \d+ threads?$`)

// Same reports whether d has the name and the library of other. The number of a CPU's
// threads does not matter; it changes no result.
func (d Device) Same(other Device) bool {
	name := func(d Device) string { return threads.ReplaceAllString(d.Name, "") }
	return d.Kind == other.Kind && d.BLAS == other.BLAS && name(d) == name(other)
}

// SameBits reports whether d is the same as other also in its driver and kernels, so that
// both give the same bits.
func (d Device) SameBits(other Device) bool {
	return d.Same(other) && d.DriverInfo == other.DriverInfo && d.Kernels == other.Kernels
}

// NewDevice says of a device what results say of it.
func NewDevice(d backend.Device) Device {
	return Device{Name: d.Name, Kind: d.Kind, BLAS: d.BLAS, DriverInfo: d.DriverInfo, Kernels: d.Kernels}
}

// Runtime says how long forward passes take in another program, on one thread of the CPU.
type Runtime struct {
	Name      string           `json:"name"`
	Version   string           `json:"version"`
	Problem   string           `json:"problem,omitempty"` // why there are no latencies
	Latencies []RuntimeLatency `json:"latencies"`
}

// RuntimeLatency has the medians for a batch, in microseconds.
type RuntimeLatency struct {
	Batch    int     `json:"batch"`
	DenseUS  float64 `json:"dense_us"`
	PrunedUS float64 `json:"pruned_us,omitempty"` // absent without a game
}

// Regression reports whether numbers were predicted rather than classes.
func (r *Result) Regression() bool { return r.Task == dataset.Regression }

// MissedDrop reports whether the accuracy on the validation part fell by more than the target
// allows.
func (r *Result) MissedDrop() bool {
	if r.Market == nil || r.Market.AccuracyDrop == 0 {
		return false
	}
	drop, known := r.Market.Validation.Drop()
	return known && drop > r.Market.AccuracyDrop+1e-9 // percentages are rounded
}

// MissedLatency reports whether the pruned network takes longer than the target allows.
func (r *Result) MissedLatency() bool {
	return r.Market != nil && r.Pruned != nil && r.Market.Resource == cost.Latency && r.Pruned.LatencyUS > r.Market.Limit
}

// Data says what the run was trained and evaluated on, in samples. Of a CSV
// file it names the column of the labels, and the classes in their order; in
// regression the targets in their order.
type Data struct {
	Name        string       `json:"name"`
	Train       int          `json:"train"`
	Validation  int          `json:"validation"`
	Test        int          `json:"test"`
	EvaluatedOn backend.Part `json:"evaluated_on"`
	Digest      string       `json:"digest,omitempty"` // of all samples before division, see dataset.Dataset; absent in earlier results
	Label       string       `json:"label,omitempty"`
	ClassNames  []string     `json:"class_names,omitempty"`
	TargetNames []string     `json:"target_names,omitempty"`
	Notes       []string     `json:"notes,omitempty"` // what was decided about the data, a sentence each
	// Columns says what became of each column of a table, where some are no plain numbers.
	Columns []dataset.ColumnUse `json:"columns,omitempty"`
	// LargestClass is the percentage of the samples evaluated on that are of the largest class:
	// the accuracy of always answering it. 0 in regression and in earlier results.
	LargestClass float64 `json:"largest_class,omitzero"`
}

// Model says which network was trained, before any removal. The digest tells graphs apart
// that have one name, as a file that was changed has.
type Model struct {
	Name   string `json:"name"`
	Digest string `json:"digest"` // SHA-256 of the graph in JSON, in hexadecimal
}

// Source says which file a trained network came from, where the run began with one.
type Source struct {
	Path    string   `json:"path"`              // as the user gave it
	Format  string   `json:"format"`            // such as safetensors
	Types   []string `json:"types"`             // of the numbers of its parameters, such as F16
	Digest  string   `json:"digest"`            // SHA-256 of all that was read, in hexadecimal
	Derived string   `json:"derived,omitempty"` // what the file does not say of its graph
	Warning string   `json:"warning,omitempty"` // about its figures on the data
}

// Where the figures of the dense network come from.
const (
	FromSource   = "source"    // the trained network that the run began with
	FromBaseline = "baseline"  // trained as long without the game
	FromRun      = "run"       // the run itself, with --game off
	NotTrained   = "untrained" // no baseline was asked for: its size and speed alone
)

// NetworkResult is a network with its size, its speed and how well it does.
type NetworkResult struct {
	Source string `json:"source,omitempty"`
	Shape  []int  `json:"shape"` // inputs, players of each gate, outputs
	Quality
	Loss *float64 `json:"loss,omitempty"` // absent where the network is not trained
	// Best is the epoch that the network is from, where --patience looked for it.
	Best       *BestEpoch `json:"best,omitempty"`
	Parameters int        `json:"parameters"`
	// ZeroWeights of the parameters are zero, as single weights are that were removed.
	ZeroWeights int     `json:"zero_weights,omitempty"`
	MACs        int     `json:"macs"`  // multiply-accumulates a sample
	Bytes       int     `json:"bytes"` // of the parameters in float32
	LatencyUS   float64 `json:"latency_us"`
	// LatencyBatch is the batch that was timed: 128 test samples, or all there are.
	LatencyBatch int `json:"latency_batch"`
	Classes
}

// Quality is how well a network does: in classification by its accuracy, in
// regression by the others. All are absent where the network is not trained.
type Quality struct {
	Accuracy *float64 `json:"accuracy,omitempty"`
	// BalancedAccuracy is the mean over the classes of the percentage of their samples that
	// are right. Unrecognised are the classes none of whose samples is.
	BalancedAccuracy *float64 `json:"balanced_accuracy,omitempty"`
	Unrecognised     []int    `json:"unrecognised,omitempty"`
	// R2 is absent, too, where the targets of all samples evaluated on are alike.
	R2   *float64  `json:"r2,omitempty"`
	RMSE []float64 `json:"rmse,omitempty"`
	MAE  []float64 `json:"mae,omitempty"`
}

// Percent returns the accuracy, or in regression 100 R2; nil where there is none.
func (q Quality) Percent() *float64 {
	if q.R2 != nil {
		percent := 100 * *q.R2
		return &percent
	}
	return q.Accuracy
}

// Gated is the network at its full width, with the last participations of the game: in
// the market zero for all removed players.
type Gated struct {
	Quality
	// Masked is how well it does once the participations below the threshold are zero,
	// in the paper's game.
	Masked *Quality `json:"masked,omitempty"`
	// MaxLogitDifference is the largest difference, over all samples evaluated on,
	// between a logit of the compacted network and of the one of full width whose
	// removed players are gated to zero. BoundUsed is the largest part of the
	// float32 rounding bound that such a difference took; at most 1.
	MaxLogitDifference float64 `json:"max_logit_difference"`
	BoundUsed          float64 `json:"bound_used"`
	BoundedSamples     int     `json:"bounded_samples,omitzero"` // that BoundUsed is over; 0: all
}

// Pruned is the network that is left when all removed players are gone.
type Pruned struct {
	NetworkResult
	Kept     int     `json:"kept"`
	Players  int     `json:"players"`  // at the start
	Sparsity float64 `json:"sparsity"` // percent of players removed
	// Criterion is what players were ranked by where there was no game and so no
	// equilibrium to end in.
	Criterion game.Criterion `json:"criterion,omitempty"`
}

// Equilibrium says how far from a Nash equilibrium the game ended, with worths or
// gradients that were measured apart, and how many players left for which reason. The
// market is looked at in the rounds that were checked, the paper's game at the end of
// training.
type Equilibrium struct {
	MaxGap         float64 `json:"max_gap"`
	RelativeGap    float64 `json:"relative_gap"`
	Claimed        bool    `json:"claimed"`         // an equilibrium; of the market: that of its model
	Model          Verdict `json:"model,omitempty"` // whether it is one of the market's model
	Checked        int     `json:"rounds_checked,omitempty"`
	Network        Verdict `json:"network,omitempty"`                 // whether it is one of the network, where bids and asks were measured
	Constant       bool    `json:"no_better_than_constant,omitempty"` // so the network fails: see [BidAsk.Constant]
	Dead           int     `json:"dead"`
	Dominated      int     `json:"dominated"`
	PricedOut      int     `json:"priced_out"`
	Forced         int     `json:"forced"`
	BelowThreshold int     `json:"below_threshold"`
	Followed       int     `json:"followed,omitzero"` // removed as parts of other players
	Kept           int     `json:"kept"`
}

// NewEquilibrium counts the reasons of players beside the gaps of a certificate.
func NewEquilibrium(c *Certificate, players []Player) *Equilibrium {
	e := &Equilibrium{MaxGap: c.MaxGap, RelativeGap: c.RelativeGap, Claimed: c.Claimed}
	if c.Model != nil {
		e.Model, e.Checked = c.Model.Verdict, c.Model.Checks
	}
	if c.BidAsk != nil {
		e.Network, e.Constant = c.BidAsk.Verdict, c.BidAsk.Constant()
	}
	for _, p := range players {
		switch p.Reason {
		case game.Dead:
			e.Dead++
		case game.Dominated:
			e.Dominated++
		case game.PricedOut:
			e.PricedOut++
		case game.Forced:
			e.Forced++
		case game.BelowThreshold:
			e.BelowThreshold++
		case game.Followed:
			e.Followed++
		default:
			e.Kept++
		}
	}
	return e
}

// Seconds is where the time went, in wall seconds. Train is the training of the
// run without the baseline; game, while the game was played, rounds, its rounds alone, and
// tail, after the market had closed, are parts of it. Certify is the measurement of bids
// and asks.
type Seconds struct {
	Total    float64 `json:"total"`
	Train    float64 `json:"train"`
	Game     float64 `json:"game"`
	Rounds   float64 `json:"rounds"`
	Certify  float64 `json:"certify"`
	Tail     float64 `json:"tail"`
	Baseline float64 `json:"baseline"`
	Evaluate float64 `json:"evaluate"`
}

// BestEpoch is the epoch at whose end the loss that is trained was lowest on the validation part.
type BestEpoch struct {
	Epoch          int     `json:"epoch"` // from 1
	ValidationLoss float64 `json:"validation_loss"`
}
