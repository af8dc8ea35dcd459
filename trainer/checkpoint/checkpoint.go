package checkpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"nashprune/game"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// Schema is the number of the layout of a checkpoint.
const Schema = 3

// Checkpoint is everything that a run needs to go on.
type Checkpoint struct {
	Schema int             `json:"schema"`
	Config settings.Config `json:"config"`

	// Stage is the training under way, and Position where it is.
	Stage    Stage            `json:"stage"`
	Position session.Position `json:"position"`
	Steps    int              `json:"optimiser_steps"`
	Tracked  int              `json:"tracked"`
	// Metrics is the length of metrics.jsonl at the time, in bytes.
	Metrics int64 `json:"metrics"`
	// Result is what is known so far; Seconds of earlier processes included.
	Result record.Result `json:"result"`
	// Lines is the metrics so far, in a shared prefix, which other runs go on from.
	Lines string `json:"lines,omitempty"`

	State       *backend.State   `json:"-"`
	BestNetwork *network.Network `json:"-"` // of the best epoch, if Position names one
	Departed    *network.Network `json:"-"` // of full width, while a market is open that has removed players
}

// The names of the tensors of a checkpoint: one of these prefixes, the layer,
// and the array.
const (
	networkPrefix      = "network"
	firstPrefix        = "first"
	secondPrefix       = "second"
	bestPrefix         = "best"
	contributionPrefix = "contribution"
	slopePrefix        = "slope"
	departedPrefix     = "departed"
)

// The entries of the metadata: all but the tensors, and the SHA-256 of both, so
// that a damaged bit is an error rather than another result.
const (
	checkpointKey = "nashprune.checkpoint"
	checksumKey   = "nashprune.sha256"
)

// Save writes the checkpoint, whole or not at all.
func (c *Checkpoint) Save(path string) error {
	description, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("describe checkpoint: %w", err)
	}
	var tensors []network.Tensor
	tensors = appendNetwork(tensors, networkPrefix, c.State.Network)
	tensors = appendNetwork(tensors, firstPrefix, c.State.First)
	tensors = appendNetwork(tensors, secondPrefix, c.State.Second)
	tensors = appendNetwork(tensors, bestPrefix, c.BestNetwork)
	tensors = appendNetwork(tensors, departedPrefix, c.Departed)
	for l, contributions := range c.State.Contributions {
		tensors = append(tensors,
			vector(contributionPrefix, l, "mean", contributions.Mean),
			vector(contributionPrefix, l, "square", contributions.MeanSquare))
	}
	for l, slopes := range c.State.Slopes {
		tensors = append(tensors, vector(slopePrefix, l, "first", slopes.First), vector(slopePrefix, l, "second", slopes.Second))
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		return network.WriteTensors(w, map[string]string{
			checkpointKey: string(description), checksumKey: checksum(string(description), tensors),
		}, tensors)
	})
}

// checksum returns the SHA-256 of the parts of a checkpoint, in hexadecimal.
func checksum(description string, tensors []network.Tensor) string {
	hash := sha256.New()
	fmt.Fprintln(hash, description)
	var bits []byte
	for _, t := range tensors {
		fmt.Fprintln(hash, t.Name, t.Shape)
		bits = bits[:0]
		for _, x := range t.Float32 {
			bits = binary.LittleEndian.AppendUint32(bits, math.Float32bits(x))
		}
		hash.Write(bits)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func tensorName(prefix string, layer int, array string) string {
	return fmt.Sprintf("%s.%d.%s", prefix, layer, array)
}

func vector(prefix string, layer int, array string, v []float32) network.Tensor {
	return network.Tensor{Name: tensorName(prefix, layer, array), Shape: []int{len(v)}, Float32: v}
}

// appendNetwork appends the arrays of n, if there is one.
func appendNetwork(tensors []network.Tensor, prefix string, n *network.Network) []network.Tensor {
	if n == nil {
		return tensors
	}
	for l, layer := range n.Layers {
		tensors = append(tensors,
			network.Tensor{Name: tensorName(prefix, l, "weight"), Shape: []int{layer.Out, layer.In}, Float32: layer.Weight},
			vector(prefix, l, "bias", layer.Bias))
		if layer.Participation != nil {
			tensors = append(tensors, vector(prefix, l, "participation", layer.Participation))
		}
	}
	return tensors
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
	metadata, list, err := network.ReadTensors(r)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(metadata[checkpointKey]))
	decoder.DisallowUnknownFields()
	c := new(Checkpoint)
	if err := decoder.Decode(c); err != nil {
		return nil, fmt.Errorf("its description is damaged: %w", err)
	}
	if c.Schema != Schema {
		return nil, fmt.Errorf("it has layout %d and this program knows %d: finish the run with the program that began it", c.Schema, Schema)
	}
	if metadata[checksumKey] != checksum(metadata[checkpointKey], list) {
		return nil, fmt.Errorf("it is damaged: its checksum is not that of its contents")
	}
	tensors := map[string]network.Tensor{}
	for _, t := range list {
		tensors[t.Name] = t
	}
	c.State = &backend.State{Steps: c.Steps, Tracked: c.Tracked}
	for prefix, into := range map[string]**network.Network{
		networkPrefix: &c.State.Network, firstPrefix: &c.State.First, secondPrefix: &c.State.Second, bestPrefix: &c.BestNetwork,
		departedPrefix: &c.Departed,
	} {
		if *into, err = takeNetwork(tensors, prefix); err != nil {
			return nil, err
		}
		if *into != nil {
			(*into).Activation = c.Config.Activation
		}
	}
	if err := c.takePlayers(tensors); err != nil {
		return nil, err
	}
	return c, c.consistent()
}

// takeNetwork returns the network under a prefix, nil if there is none.
func takeNetwork(tensors map[string]network.Tensor, prefix string) (*network.Network, error) {
	var n network.Network
	for l := 0; ; l++ {
		weight, ok := tensors[tensorName(prefix, l, "weight")]
		if !ok {
			break
		}
		if len(weight.Shape) != 2 {
			return nil, fmt.Errorf("%s has %d dimensions instead of 2", weight.Name, len(weight.Shape))
		}
		layer := network.Linear{Out: weight.Shape[0], In: weight.Shape[1], Weight: weight.Float32}
		layer.Bias = tensors[tensorName(prefix, l, "bias")].Float32
		participation, gated := tensors[tensorName(prefix, l, "participation")]
		if gated {
			layer.Participation = participation.Float32
		}
		if len(layer.Bias) != layer.Out || gated && len(layer.Participation) != layer.Out {
			return nil, fmt.Errorf("layer %d of %s does not have one bias and one participation a neuron", l, prefix)
		}
		if l > 0 && n.Layers[l-1].Out != layer.In {
			return nil, fmt.Errorf("layer %d of %s has %d inputs, and the one below %d outputs", l, prefix, layer.In, n.Layers[l-1].Out)
		}
		n.Layers = append(n.Layers, layer)
	}
	if n.Layers == nil {
		return nil, nil
	}
	return &n, nil
}

// takePlayers takes what is known of the players besides their participations.
func (c *Checkpoint) takePlayers(tensors map[string]network.Tensor) error {
	if c.State.Network == nil {
		return fmt.Errorf("it holds no network")
	}
	for l, layer := range c.State.Network.Hidden() {
		taken := backend.Contributions{
			Mean:       tensors[tensorName(contributionPrefix, l, "mean")].Float32,
			MeanSquare: tensors[tensorName(contributionPrefix, l, "square")].Float32,
		}
		if len(taken.Mean) != layer.Out || len(taken.MeanSquare) != layer.Out {
			return fmt.Errorf("the contributions of layer %d are not one a player", l)
		}
		c.State.Contributions = append(c.State.Contributions, taken)
		slopes := backend.SlopeMoments{
			First:  tensors[tensorName(slopePrefix, l, "first")].Float32,
			Second: tensors[tensorName(slopePrefix, l, "second")].Float32,
		}
		if len(slopes.First) != layer.Out || len(slopes.Second) != layer.Out {
			return fmt.Errorf("the moments of the slopes of layer %d are not one a player", l)
		}
		c.State.Slopes = append(c.State.Slopes, slopes)
	}
	return nil
}

// consistent checks that the parts of a checkpoint belong together.
func (c *Checkpoint) consistent() error {
	if _, err := c.Config.Resolve(); err != nil {
		return fmt.Errorf("its configuration is damaged: %v", err)
	}
	if c.Stage != GameStage && c.Stage != DenseStage {
		return fmt.Errorf("there is no stage %q", c.Stage)
	}
	if c.Position.Step < 0 || c.Metrics < 0 || c.Steps < 0 || c.Tracked < 0 {
		return fmt.Errorf("it stands at step %d of the run and %d of the optimiser", c.Position.Step, c.Steps)
	}
	n := c.State.Network
	if (c.Position.Best != nil) != (c.BestNetwork != nil) || c.BestNetwork != nil && !slices.Equal(c.BestNetwork.Widths(), n.Widths()) {
		return fmt.Errorf("its best epoch is not one of the network")
	}
	for l, layer := range n.Layers {
		if last := l == len(n.Layers)-1; last != (layer.Participation == nil) {
			return fmt.Errorf("layer %d: all layers but the last have participations", l)
		}
		for _, moments := range []*network.Network{c.State.First, c.State.Second} {
			if moments == nil {
				continue
			}
			if len(moments.Layers) != len(n.Layers) || moments.Layers[l].In != layer.In || moments.Layers[l].Out != layer.Out {
				return fmt.Errorf("the optimiser's moments do not have the shape of the network")
			}
		}
	}
	if ledgers := c.Position.Ledgers; ledgers != nil {
		if len(ledgers) != len(n.Layers)-1 {
			return fmt.Errorf("its market does not have the layers of the network")
		}
		for l, ledger := range ledgers {
			if ledger == nil || len(ledger.Live) != n.Layers[l].Out || len(ledger.OnlyZero) != len(ledger.Records) {
				return fmt.Errorf("the market of layer %d does not have the players of the network", l)
			}
			for position, i := range ledger.Live {
				if i < 0 || i >= len(ledger.Records) || position > 0 && i <= ledger.Live[position-1] {
					return fmt.Errorf("the market of layer %d lists a player that it cannot have", l)
				}
			}
		}
	}
	return c.consistentMarket()
}

// consistentMarket checks what is known of the players that left and of the state
// that is certified against the ledgers.
func (c *Checkpoint) consistentMarket() error {
	p, widths := c.Position, c.State.Network.Widths()
	if c.Config.Game == game.RankingGame {
		if p.WhenItLeft != nil || p.AtTheEnd != nil || p.Closing != nil || c.Departed != nil {
			return fmt.Errorf("it knows of a market, and players are only ranked")
		}
		return nil
	}
	if len(p.WhenItLeft) != len(p.Ledgers) || p.AtTheEnd != nil && len(p.AtTheEnd) != len(p.Ledgers) || p.Closing != nil && len(p.Closing) != len(p.Ledgers) {
		return fmt.Errorf("what it knows of its market does not have the layers of the network")
	}
	for l, ledger := range p.Ledgers {
		players := len(ledger.Records)
		widths[l+1] = players
		fits := len(p.WhenItLeft[l]) == players && (p.AtTheEnd == nil || len(p.AtTheEnd[l]) == players)
		if p.Closing != nil {
			end := p.Closing[l]
			fits = fits && len(end.Worths) == len(end.Players) && len(end.Participations) == len(end.Players)
			for position, i := range end.Players {
				fits = fits && i >= 0 && i < players && (position == 0 || i > end.Players[position-1])
			}
		}
		if !fits {
			return fmt.Errorf("what it knows of the market of layer %d is not about %d players", l, players)
		}
	}
	if c.Departed != nil && !slices.Equal(c.Departed.Widths(), widths) {
		return fmt.Errorf("its removed players do not have the network's widths %v", widths)
	}
	return nil
}

// Fits checks that a checkpoint is one of the given plan.
func (c *Checkpoint) Fits(p session.Plan) error {
	if c.Position.Step > p.Total {
		return fmt.Errorf("it stands at step %d of %d", c.Position.Step, p.Total)
	}
	if p.Game.InRounds() != (c.Position.Ledgers != nil) {
		return fmt.Errorf("it is not one of a training with --game %s", p.Game)
	}
	widths := c.State.Network.Widths() // before the first removal
	for l, ledger := range c.Position.Ledgers {
		widths[l+1] = len(ledger.Records)
	}
	if !slices.Equal(widths, p.Widths) {
		return fmt.Errorf("its network has the widths %v and the data and --model ask for %v", widths, p.Widths)
	}
	played := 0
	for played < p.Config.Rounds && p.Game.InRounds() && p.RoundEnd(played+1) <= c.Position.Step {
		played++
	}
	if closed := p.Game == game.MarketGame && played == p.Config.Rounds; closed != (c.Position.Closing != nil) || closed != (c.Position.AtTheEnd != nil) {
		return fmt.Errorf("by step %d the market has played %d rounds of %d, and what is known of its end says otherwise", c.Position.Step, played, p.Config.Rounds)
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
			return fmt.Errorf("layer %d has played %d rounds of its market, and by step %d there were %d", l, ledger.Rounds, c.Position.Step, played)
		}
	}
	return nil
}

// Market returns what a checkpoint knows of its market and the market's target, nil if
// the run has no market.
func (c *Checkpoint) Market() (*record.Market, error) {
	known, config := c.Result.Market, c.Config
	if config.Game != game.MarketGame {
		return nil, nil
	}
	if known == nil {
		return nil, errors.New("it does not know what drives its market")
	}
	hidden, err := network.Parse(config.Model)
	if err != nil {
		return nil, err
	}
	known.Target, known.Cost = config.Target(len(hidden)), config.Cost
	if v, looks := known.Validation, known.AccuracyDrop > 0; (v != nil) != looks || v != nil && !(record.Percentage(v.Dense) && record.Percentage(v.Pruned)) {
		return nil, fmt.Errorf("its accuracies on the validation part are not those of a market whose target is %s", known.Words())
	}
	if !config.NeedsLatency() {
		return known, nil
	}
	if known.LatencyModel == nil {
		return nil, errors.New("it has no model of latencies")
	}
	if err := known.LatencyModel.Check(len(hidden) + 1); err != nil {
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
