package trainer

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// ResultSchema is the number of the layout of result.json. It goes up when a
// field changes its meaning or goes away.
const ResultSchema = 1

// Result is what a run found, as result.json holds it. Latencies are medians for a
// batch. In classification accuracies are in percent and losses mean
// cross-entropies. In regression there is no accuracy: losses are mean squared
// errors in standardised units, r2 is the fraction of variance explained over all
// targets in these units, and rmse is the root mean squared error of each target in
// its own units, in the order of target_names.
type Result struct {
	Schema  int          `json:"schema"`
	Task    TaskKind     `json:"task,omitempty"` // absent: classification
	Command string       `json:"command"`
	Seed    uint64       `json:"seed"`
	Device  ResultDevice `json:"device"`
	Data    ResultData   `json:"data"`

	Dense  Judged  `json:"dense"`
	Gated  *Gated  `json:"gated,omitempty"`
	Pruned *Pruned `json:"pruned,omitempty"`
	// Market says what drove the market and how its target was met.
	Market      *ResultMarket `json:"market,omitempty"`
	Equilibrium *Equilibrium  `json:"equilibrium,omitempty"`

	Seconds Seconds `json:"seconds"`
}

// Write writes the result as indented JSON.
func (r *Result) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// ResultDevice says what the run was computed on.
type ResultDevice struct {
	Name       string     `json:"name"`
	Kind       DeviceKind `json:"kind"`
	BLAS       string     `json:"blas,omitempty"`
	DriverInfo string     `json:"driver_info,omitempty"`
	Kernels    string     `json:"kernels,omitempty"` // of its sets of kernels the one that computed
	Samples    Placement  `json:"samples,omitempty"` // where they were, if it has memory of its own
}

// Words names the device with what it computes with: the library of a CPU, the driver
// and the kernels of a GPU, and whether samples are streamed to it.
func (d ResultDevice) Words() string {
	words := d.Name
	for _, more := range []string{d.BLAS, d.DriverInfo} {
		if more != "" {
			words += ", " + more
		}
	}
	if d.Kernels != "" {
		words += ", kernels " + d.Kernels
	}
	if d.Samples == Streamed {
		words += ", samples streamed"
	}
	return words
}

// newResultDevice says of a device what results say of it.
func newResultDevice(d Device) ResultDevice {
	return ResultDevice{Name: d.Name, Kind: d.Kind, BLAS: d.BLAS, DriverInfo: d.DriverInfo, Kernels: d.Kernels}
}

// Regression tells whether numbers were predicted rather than classes.
func (r *Result) Regression() bool { return r.Task == Regression }

// ResultData says what the run was trained and judged on, in samples. Of a CSV
// file it names the column of the labels, and the classes in their order; in
// regression the targets in their order.
type ResultData struct {
	Name        string   `json:"name"`
	Train       int      `json:"train"`
	Validation  int      `json:"validation"`
	Test        int      `json:"test"`
	EvaluatedOn Part     `json:"evaluated_on"`
	Label       string   `json:"label,omitempty"`
	ClassNames  []string `json:"class_names,omitempty"`
	TargetNames []string `json:"target_names,omitempty"`
}

// Where the figures of the dense network come from.
const (
	FromBaseline = "baseline"  // trained as long without the game
	FromRun      = "run"       // the run itself, with --game off
	NotTrained   = "untrained" // no baseline was asked for: its size and speed alone
)

// Judged is a network with its size, its speed and how well it does.
type Judged struct {
	Source string `json:"source,omitempty"`
	Shape  []int  `json:"shape"` // inputs, hidden layers, outputs
	Quality
	Loss *float64 `json:"loss,omitempty"` // absent where the network is not trained
	// Best is the epoch that the network is from, where --patience looked for it.
	Best       *BestEpoch `json:"best,omitempty"`
	Parameters int        `json:"parameters"`
	MACs       int        `json:"macs"`  // multiply-accumulates a sample
	Bytes      int        `json:"bytes"` // of the parameters in float32
	LatencyUS  float64    `json:"latency_us"`
	// LatencyBatch is the batch that was timed: 128 test samples, or all there are.
	LatencyBatch int `json:"latency_batch"`
}

// newJudged fills in what can be said of a network by looking at it.
func newJudged(n *network.Network) Judged {
	return Judged{Shape: n.Widths(), Parameters: n.Parameters(), MACs: n.MACs(), Bytes: n.Bytes()}
}

// setEvaluation adds to j how well the network does on a part of the data.
func setEvaluation(j *Judged, e Evaluation, d *dataset.Dataset, part Part) {
	j.Quality, j.Loss = newQuality(e, d, part), &e.Loss
}

// Quality is how well a network does: in classification by its accuracy, in
// regression by the others. All are absent where the network is not trained.
type Quality struct {
	Accuracy *float64 `json:"accuracy,omitempty"`
	// R2 is absent, too, where the targets of all samples judged on are alike.
	R2   *float64  `json:"r2,omitempty"`
	RMSE []float64 `json:"rmse,omitempty"`
}

// newQuality says how well a network does by its evaluation on a part of the data,
// which has to have brought the logits in regression.
func newQuality(e Evaluation, d *dataset.Dataset, part Part) Quality {
	if d.Regression() {
		samples := part.Of(d)
		return Quality{R2: explained(e.Loss, samples), RMSE: rootMeanSquares(e.Logits, samples, d.TargetStandard)}
	}
	accuracy := e.Accuracy()
	return Quality{Accuracy: &accuracy}
}

// Gated is the network at its full width, with the participations that the game
// left: in the market zero for all who left, in the paper's game whatever they
// ended at.
type Gated struct {
	Quality
	// Masked is how well it does once the participations below the threshold are zero,
	// in the paper's game.
	Masked *Quality `json:"masked,omitempty"`
	// MaxLogitDifference is the largest difference, over all samples judged on,
	// between a logit of the compacted network and of the one of full width whose
	// removed players are gated to zero. BoundUsed is the largest part of the
	// float32 rounding bound that such a difference took; at most 1.
	MaxLogitDifference float64 `json:"max_logit_difference"`
	BoundUsed          float64 `json:"bound_used"`
}

// Pruned is the network that is left when all removed players are gone.
type Pruned struct {
	Judged
	Kept     int     `json:"kept"`
	Players  int     `json:"players"`  // at the start
	Sparsity float64 `json:"sparsity"` // percent of players removed
	// Criterion is what players were ranked by where there was no game and so no
	// equilibrium to end in.
	Criterion Criterion `json:"criterion,omitempty"`
}

// Equilibrium says how far from a Nash equilibrium the game ended, with worths or
// gradients measured over the whole training part, and how many players left for
// which reason. The market is looked at just before its last round keeps exactly
// as many as asked, the paper's game at the end of training.
type Equilibrium struct {
	MaxGap         float64 `json:"max_gap"`
	RelativeGap    float64 `json:"relative_gap"`
	Dominated      int     `json:"dominated"`
	PricedOut      int     `json:"priced_out"`
	Forced         int     `json:"forced"`
	BelowThreshold int     `json:"below_threshold"`
	Kept           int     `json:"kept"`
}

// newEquilibrium counts the reasons of players beside the gaps of a certificate.
func newEquilibrium(c game.Certificate, players []Player) *Equilibrium {
	e := &Equilibrium{MaxGap: c.MaxGap, RelativeGap: c.RelativeGap()}
	for _, p := range players {
		switch p.Reason {
		case game.Dominated:
			e.Dominated++
		case game.PricedOut:
			e.PricedOut++
		case game.Forced:
			e.Forced++
		case game.BelowThreshold:
			e.BelowThreshold++
		default:
			e.Kept++
		}
	}
	return e
}

// Seconds is where the time went, in wall seconds. Train is the training of the
// run without the baseline; game, while the game was played, and tail, after the
// market had closed, are parts of it.
type Seconds struct {
	Total    float64 `json:"total"`
	Train    float64 `json:"train"`
	Game     float64 `json:"game"`
	Tail     float64 `json:"tail"`
	Baseline float64 `json:"baseline"`
	Evaluate float64 `json:"evaluate"`
}

// Player is a row of players.csv. Without a game the worth is the score that the
// player was ranked by and the price the highest score of those who left its layer in
// that round.
type Player struct {
	Layer         int // hidden layer, from 0
	Index         int // in the layer at the start
	Worth         float64
	Price         float64
	Participation float64
	Epoch         int // in which it left, from 1; 0 while it stays
	Reason        game.Reason
}

var playerColumns = []string{"layer", "index", "worth", "price", "participation", "epoch", "reason"}

// marketPlayers returns all players of the market or of a ranking, with the epochs in which they
// left.
func marketPlayers(p plan, ledgers []*game.Ledger) []Player {
	var players []Player
	for l, ledger := range ledgers {
		for i, r := range ledger.Records {
			player := Player{Layer: l, Index: i, Worth: r.Worth, Price: r.Price, Participation: r.Participation, Reason: r.Reason}
			if r.Round > 0 {
				player.Epoch = p.epochOf(p.roundEnd(r.Round))
			}
			players = append(players, player)
		}
	}
	return players
}

// writePlayers writes players as CSV with a header. Numbers have as many digits
// as it takes to read them back unchanged.
func writePlayers(w io.Writer, players []Player) error {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	out := csv.NewWriter(w)
	rows := [][]string{playerColumns}
	for _, p := range players {
		rows = append(rows, []string{
			strconv.Itoa(p.Layer), strconv.Itoa(p.Index), number(p.Worth), number(p.Price),
			number(p.Participation), strconv.Itoa(p.Epoch), string(p.Reason),
		})
	}
	return out.WriteAll(rows)
}

// ReadPlayers reads what a run wrote to players.csv.
func ReadPlayers(r io.Reader) ([]Player, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(playerColumns)
	rows, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || strings.Join(rows[0], ",") != strings.Join(playerColumns, ",") {
		return nil, fmt.Errorf("the first line is not %s", strings.Join(playerColumns, ","))
	}
	var players []Player
	for n, row := range rows[1:] {
		p := Player{Reason: game.Reason(row[6])}
		for column, into := range []any{&p.Layer, &p.Index, &p.Worth, &p.Price, &p.Participation, &p.Epoch} {
			if _, err := fmt.Sscan(row[column], into); err != nil {
				return nil, fmt.Errorf("line %d: %s %q is not a number", n+2, playerColumns[column], row[column])
			}
		}
		players = append(players, p)
	}
	return players, nil
}
