package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"nashprune/game"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// Schema is the number of the layout of a checkpoint.
const Schema = 5

// Checkpoint is everything that a run needs to go on.
type Checkpoint struct {
	Schema int             `json:"schema"`
	Config settings.Config `json:"config"`

	// Stage is the training under way, and Position where it is.
	Stage    Stage            `json:"stage"`
	Position session.Position `json:"position"`
	Steps    int              `json:"optimiser_steps"`
	// Metrics is the length of metrics.jsonl at the time, in bytes.
	Metrics int64 `json:"metrics"`
	// Result is what is known so far; Seconds of earlier processes included.
	Result record.Result `json:"result"`
	// Lines is the metrics so far, in a shared prefix, which other runs go on from.
	Lines string `json:"lines,omitempty"`

	// Graph is that of the network, Whole that before any removal.
	Graph *network.Graph `json:"graph"`
	Whole *network.Graph `json:"whole"`

	State       *backend.State   `json:"-"`
	BestNetwork *network.Network `json:"-"` // of the best epoch, if Position names one
	Departed    *network.Network `json:"-"` // of the graph Whole, while a market is open that has removed players
}

// The entries of the metadata: all but the tensors, and the SHA-256 of both, so
// that a damaged bit is an error rather than another result.
const (
	checkpointKey = "nashprune.checkpoint"
	checksumKey   = "nashprune.sha256"
)

// Save writes the checkpoint, whole or not at all.
func (c *Checkpoint) Save(path string) error {
	described := *c
	described.Graph = c.State.Network.Graph
	description, err := json.Marshal(described)
	if err != nil {
		return fmt.Errorf("describe checkpoint: %w", err)
	}
	tensors := described.tensors()
	sum, err := checksum(string(description), tensors)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return safetensors.Write(w, map[string]string{checkpointKey: string(description), checksumKey: sum}, tensors)
	})
}

// checksum returns the SHA-256 of the parts of a checkpoint, in hexadecimal.
func checksum(description string, tensors []safetensors.Tensor) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, description)
	for _, t := range tensors {
		fmt.Fprintln(hash, t.Name, t.Shape)
		if err := t.WriteNumbers(hash); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Load reads a checkpoint and checks that it is whole.
func Load(path string) (*Checkpoint, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	c, err := readCheckpoint(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return c, nil
}

func readCheckpoint(r io.Reader) (*Checkpoint, error) {
	metadata, list, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(metadata[checkpointKey]))
	decoder.DisallowUnknownFields()
	type plain Checkpoint
	var read struct {
		plain
		Graph json.RawMessage `json:"graph"` // read below, as they may ask for more memory
		Whole json.RawMessage `json:"whole"`
	}
	if err := decoder.Decode(&read); err != nil {
		return nil, fmt.Errorf("its description is damaged: %w", err)
	}
	c := (*Checkpoint)(&read.plain)
	if c.Schema != Schema {
		return nil, fmt.Errorf("it has layout %d and this program knows %d: finish the run with the program that began it", c.Schema, Schema)
	}
	if sum, err := checksum(metadata[checkpointKey], list); err != nil || metadata[checksumKey] != sum {
		return nil, fmt.Errorf("it is damaged: its checksum is not that of its contents")
	}
	if c.Graph, err = readGraph(read.Graph, list); err != nil {
		return nil, err
	}
	if c.Whole, err = readGraph(read.Whole, list); err != nil {
		return nil, err
	}
	if err := c.take(list); err != nil {
		return nil, err
	}
	return c, c.consistent()
}

// readGraph returns the graph that a description holds, nil if there is none.
func readGraph(text json.RawMessage, list []safetensors.Tensor) (*network.Graph, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	g, err := network.ReadGraph(text, func(g *network.Graph) error { return safetensors.CheckEntries(g, list) })
	if err != nil {
		return nil, fmt.Errorf("its graph is damaged: %w", err)
	}
	return g, nil
}

// consistent checks that the parts of a checkpoint belong together.
func (c *Checkpoint) consistent() error {
	var err error
	if c.Config, err = c.Config.ResolveFor(c.Whole.MarketWidths()); err != nil { // a setting that a later program brought may be open
		return fmt.Errorf("its configuration is damaged: %v", err)
	}
	if c.Stage != GameStage && c.Stage != DenseStage {
		return fmt.Errorf("there is no stage %q", c.Stage)
	}
	if c.Position.Step < 0 || c.Metrics < 0 || c.Steps < 0 {
		return fmt.Errorf("it stands at step %d of the run and %d of the optimiser", c.Position.Step, c.Steps)
	}
	n := c.State.Network
	if (c.Position.Best != nil) != (c.BestNetwork != nil) {
		return fmt.Errorf("its best epoch is not one of the network")
	}
	if ledgers := c.Position.Ledgers; ledgers != nil {
		if len(ledgers) != len(n.Gates) {
			return fmt.Errorf("its market does not have the gates of the network")
		}
		for l, ledger := range ledgers {
			if ledger == nil || len(ledger.Live) != n.Gates[l].Players {
				return fmt.Errorf("the market of gate %d does not have the players of the network", l)
			}
			for position, i := range ledger.Live {
				if i < 0 || i >= len(ledger.Records) || position > 0 && i <= ledger.Live[position-1] {
					return fmt.Errorf("the market of gate %d lists a player that it cannot have", l)
				}
			}
		}
	}
	return c.consistentMarket()
}

// consistentMarket checks what is known of removed players against the ledgers.
func (c *Checkpoint) consistentMarket() error {
	p, whole := c.Position, c.Departed
	if c.Config.Game != game.MarketGame && (whole != nil || p.Checks != nil || p.Layers != nil || p.BidAsk != nil) {
		return fmt.Errorf("it knows of a market, and its game is %s", c.Config.Game)
	}
	if whole != nil && !slices.Equal(whole.Graph.Widths(), p.AtStart()) {
		return fmt.Errorf("the removed players are of gates of %v players, and the market began with %v", whole.Graph.Widths(), p.AtStart())
	}
	if p.Layers != nil && len(p.Layers) != len(p.Ledgers) {
		return fmt.Errorf("what it knows of its market is of %d gates, and the network has %d", len(p.Layers), len(p.Ledgers))
	}
	return nil
}

// Fits checks that a checkpoint is one of the given plan.
func (c *Checkpoint) Fits(p session.Plan) error {
	if c.Position.Step > p.Total {
		return fmt.Errorf("it stands at step %d of %d", c.Position.Step, p.Total)
	}
	if p.Game.InRounds() != (c.Position.Ledgers != nil || c.Position.Weights != nil) {
		return fmt.Errorf("it is not one of a training with --game %s", p.Game)
	}
	if err := c.ofPlan(p); err != nil {
		return err
	}
	played := 0
	for played < p.Config.Rounds && p.Game.InRounds() && p.RoundEnd(played+1) <= c.Position.Step {
		played++
	}
	if p.Total == 0 && p.Game.InRounds() { // rounds are not at steps
		played = min(c.Position.Rounds(), p.Config.Rounds)
	}
	if c.Position.BidAsk != nil && (played < p.Config.Rounds || !p.Bids()) {
		return fmt.Errorf("by step %d the market has played %d rounds of %d, and what is known of its bids says otherwise", c.Position.Step, played, p.Config.Rounds)
	}
	if held := c.Position.Held; held < 0 || held > played {
		return fmt.Errorf("by step %d the market has played %d rounds and held its demand in %d", c.Position.Step, played, held)
	}
	looked := played > 0 && p.Target.AccuracyDrop > 0
	if best, held := c.Position.BestAccuracy, c.Position.Held; !record.Percentage(&best) || !looked && (best != 0 || held != 0) {
		return fmt.Errorf("by step %d it knows of a best accuracy of %v %% and of %d rounds held, which no rounds of its market have seen", c.Position.Step, best, held)
	}
	for l, ledger := range c.Position.Ledgers {
		if ledger.Rounds != played {
			return fmt.Errorf("gate %d has played %d rounds of its market, and by step %d there were %d", l, ledger.Rounds, c.Position.Step, played)
		}
	}
	return nil
}

// ofPlan checks that the network is what removals leave of the plan's.
func (c *Checkpoint) ofPlan(p session.Plan) error {
	g := p.Graph
	if c.Position.Ledgers != nil {
		if !slices.Equal(c.Position.AtStart(), g.Widths()) {
			return fmt.Errorf("its market began with gates of %v players, and the data and --model ask for %v", c.Position.AtStart(), g.Widths())
		}
		cut, err := g.Cut(c.Position.Live())
		if err != nil {
			return err
		}
		g = cut.Graph
	}
	want, err := json.Marshal(g)
	if err != nil {
		return err
	}
	got, err := json.Marshal(c.State.Network.Graph)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("its network is %s, and the data and --model ask for %s", got, want)
	}
	return nil
}

// Market returns what a checkpoint knows of its market, or of a ranking within a latency, and its
// target; nil if the run has neither.
func (c *Checkpoint) Market() (*record.Market, error) {
	known, config := c.Result.Market, c.Config
	if config.Game != game.MarketGame && !config.NeedsLatency() {
		return nil, nil
	}
	if known == nil {
		return nil, errors.New("it does not know what drives its market")
	}
	known.Cost = config.Cost
	if v, looks := known.Validation, known.AccuracyDrop > 0; (v != nil) != looks || v != nil && !(record.Percentage(v.Dense) && record.Percentage(v.Pruned)) {
		return nil, fmt.Errorf("its accuracies on the validation part are not those of a market whose target is %s", known.Resource)
	}
	if !config.NeedsLatency() {
		return known, nil
	}
	if known.LatencyModel == nil {
		return nil, errors.New("it has no model of latencies")
	}
	if err := known.LatencyModel.Check(c.State.Network.Graph); err != nil {
		return nil, fmt.Errorf("its model of latencies is damaged: %w", err)
	}
	return known, nil
}

// Stage is what a run is at.
type Stage string

const (
	GameStage  Stage = "game"  // the training that the run is about, with its game if there is one
	DenseStage Stage = "dense" // the baseline
)
