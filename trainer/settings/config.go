// Package settings holds the configuration of a run: every setting with its name,
// default, range and help, and what they decide together.
package settings

import (
	"cmp"
	"slices"
	"strings"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
)

// ScheduleKind names how the learning rate goes over a run.
type ScheduleKind string

const (
	// Constant keeps the learning rate.
	Constant ScheduleKind = "constant"
	// Cosine keeps the learning rate while the market is open and then lets it
	// fall to [CosineFloor] of itself along half a cosine. Without a market it
	// falls over the whole run.
	Cosine ScheduleKind = "cosine"
	// Step multiplies the learning rate by StepFactor every StepEpochs epochs.
	Step ScheduleKind = "step"
)

// CosineFloor is the fraction of the learning rate at which [Cosine] ends.
const CosineFloor = 0.01

// RuntimeKind names a program that runs exported networks.
type RuntimeKind string

// ONNXRuntime is ONNX Runtime.
const ONNXRuntime RuntimeKind = "onnxruntime"

// Augmentation returns how training images are moved.
func (c Config) Augmentation() dataset.Augmentation {
	return dataset.Augmentation{Padding: c.CropPadding, Flip: c.Flip}
}

// Config is everything that decides a run. [All] declares each field's name, default and
// range, [Default] returns the defaults; a zero value means what the field says, not
// "default".
type Config struct {
	Data         string // name of a data set, a CSV or NPZ file, a folder of IDX files, or a folder or archive of images; empty, with a Source: as that says
	DataDir      string // looked at first for named data sets; empty: environment and cache alone
	MaxDataBytes uint64 // most that is read of the data's files, unpacked
	ImageSize    string // HxW that images in folders are brought to; empty: all have one size
	Label        string // column or columns of a CSV file, as dataset.Options.Label says
	Ignore       string // columns of a table that are not read
	Header       bool   // whether the first line of a table names its columns

	// How fields of a table are read, as dataset.Options says.
	DecimalComma, MissingIsClass bool

	Test         string       // CSV file that is the test part of another; empty: none
	TestFraction float64      // fraction drawn to be the test part of data that has none; 0: dataset.DefaultTestFraction
	Validation   float64      // fraction of the training set held out, 0 <= F < 1
	EvaluateOn   backend.Part // the part that the result is evaluated on: test or validation

	Task           dataset.Task
	Normalise      string // how features are scaled, see parseNormalise; empty: by the training part, or as the Source says
	Model          string // a name or a file, see models.Parse; empty, with a Source: the graph is that of the file
	Source         string // file of a trained network to start from, see package modelfile; empty: initial weights
	Players        string // kinds of player, with commas in between; empty: network.DefaultPlayers
	Activation     network.Activation
	Initialisation network.Initialisation
	Seed           uint64
	Device         string
	Kernels        string // of the device's sets; empty: its own choice
	DataOnDevice   backend.Placement
	Runtime        RuntimeKind // that times networks besides; empty: none
	RuntimeLibrary string      // its file; empty: where the system finds it

	Epochs             int // at least 1, or with a Source 0: players are removed, and nothing is trained
	Batch              int // at least 1
	Optimiser          backend.OptimiserKind
	LearningRate       float64      // positive
	Momentum           float64      // of sgd and rmsprop, 0 <= m < 1; 0: none
	WeightDecay        float64      // of weights, not of biases; at least 0; of AdamW not while players leave
	ClipNorm           float64      // longest gradient; 0: any
	Schedule           ScheduleKind // empty: cosine, and constant in the paper's game
	StepEpochs         float64      // of the schedule step; 0: a third of the run
	StepFactor         float64      // of the schedule step, 0 < F <= 1
	LearningRateWarmUp float64      // epochs over which it rises linearly from 0; 0: none
	LabelSmoothing     float64      // 0 <= S < 1, see Loss
	ClassWeights       string       // BalancedWeights, or a number a class; empty: all 1
	CropPadding        int          // of training images, see dataset.Augmentation; at least 0
	Flip               bool         // likewise
	Patience           int          // epochs without a better validation loss that end a training; 0: none do

	Game game.Kind

	// The market and its target. A run has one of Keep, Sparsity, Shape, the Max limits and
	// MaxAccuracyDrop; 0: not given. Resolve turns Sparsity and a percentage of Keep into a number.
	// What other percentages come to is for the plan of a training. Rankings take all but
	// MaxAccuracyDrop.
	Keep            cost.Limit    // players kept
	Sparsity        float64       // fraction of players removed, 0 <= S < 1
	Shape           string        // players that each gate keeps, such as 25-13; without a game, that it has
	MaxParameters   cost.Limit    // most parameters
	MaxMACs         cost.Limit    // most multiply-accumulates a sample
	MaxBytes        cost.Limit    // most bytes of the file of a network whose weights were players
	StructuredPart  float64       // of the compression, see [Config.Mixed]
	MaxLatencyUS    cost.Limit    // most microseconds for a batch, by the model of latencies
	MaxAccuracyDrop float64       // most points of accuracy lost on the validation part
	Cost            cost.Resource // what players pay for in one market of all layers; empty: every layer is a market of its own, unless the target is a budget
	LatencyModel    string        // file with the model of latencies; empty: it is measured
	RoundTo         int           // of which the players that each gate keeps are a multiple, or all there are; at least 1

	Worth        game.Valuation    // what contributions are taken to; empty: game.Effective
	WarmUp       float64           // fraction of the run before the market opens
	GameShare    float64           // fraction of the run while it is open; what is left is the tail
	Rounds       int               // of the market, at least 1
	CertifySteps int               // of each training by which bids and asks are measured; 0: they are not
	Compensate   compensation.Kind // what readers of removed players take over

	WeightWorth game.Metric // of single weights
	Pattern     string      // N:M, by which groups of weights keep N; empty: none

	Criterion  game.Criterion // what players are ranked by where there is no market
	GroupLasso float64        // weight of the penalty on the norms of players until the last removal of a ranking; 0: none

	// The paper's game; the weights are those of game.Paper.
	Alpha             float64
	Beta              float64
	Gamma             float64
	Eta               float64
	Benefit           game.Benefit
	BenefitGradient   game.BenefitGradient
	Update            backend.PaperUpdate
	Joint             bool    // theta pays its cost in the gradient, too
	ParticipationRate float64 // lr_s of either ascent, the damping of best responses, or the rate of log alpha
	MultiplierRate    float64 // of the ascent of Lagrange's multipliers by which gates that are drawn come to a sparsity; 0: there are none
	Threshold         float64 // players that end below it are removed

	Baseline bool // train the dense network as long without the game, and compare
}

// DataOptions returns how the data is read and divided.
func (c Config) DataOptions() dataset.Options {
	height, width, _ := dataset.ParseImageSize(c.ImageSize) // 0 where there is none
	return dataset.Options{
		Regression: c.Task == dataset.Regression, ImageHeight: height, ImageWidth: width,
		Dir: c.DataDir, MaxBytes: int64(c.MaxDataBytes), Label: c.Label, TestFile: c.Test,
		Ignore: c.Ignore, NoHeader: !c.Header, DecimalComma: c.DecimalComma, MissingIsClass: c.MissingIsClass,
		TestFraction: c.TestFraction, Seed: c.Seed, Validation: c.Validation, Normalise: c.normalisation(), NormaliseBytes: c.normalisation(),
	}
}

// UpdateRule returns the optimiser of the weights.
func (c Config) UpdateRule() backend.Optimiser {
	return backend.Optimiser{Kind: c.Optimiser, Momentum: c.Momentum, WeightDecay: c.WeightDecay, ClipNorm: c.ClipNorm}
}

// Paper returns the weights of the paper's game.
func (c Config) Paper() game.Paper {
	return game.Paper{Benefit: c.Benefit, Gradient: c.BenefitGradient, Alpha: c.Alpha, Beta: c.Beta, Gamma: c.Gamma, Eta: c.Eta}
}

// The largest networks that are taken for what the user meant.
const (
	MaxNetworkParameters = 1 << 28 // a gigabyte of weights, four with moments and gradients
	MaxActivations       = 1 << 32 // of a batch; whether they fit is for the memory plan of a device
)

// Resolve returns the configuration of a run of its Model with everything that was left
// open decided, or an error of the kind [backend.ErrUsage] about the first value that
// makes no sense. What depends on the numbers of players stays open where these are known
// with the data alone; [Config.ResolveFor] decides it then.
func (c Config) Resolve() (Config, error) {
	widths, err := c.KnownWidths()
	if err != nil {
		return c, err
	}
	return c.ResolveFor(widths)
}

// KnownWidths returns the number of players of each gate, nil where it is known with the
// data alone. Errors are of the kind [backend.ErrUsage].
func (c Config) KnownWidths() ([]int, error) {
	if c.Source != "" && c.Model == "" {
		return nil, nil
	}
	m, err := models.Parse(c.Model)
	if err != nil {
		return nil, backend.Usagef("--model: %v", err)
	}
	if kinds := c.PlayerKinds(); slices.Contains(kinds, network.Neurons) && !slices.Contains(kinds, network.Inputs) {
		return m.Hidden, nil
	}
	return nil, nil
}

// WeightPattern returns the pattern of single weights; zero: there is none.
func (c Config) WeightPattern() game.Pattern {
	p, _ := game.ParsePattern(c.Pattern) // which check has read
	return p
}

// Mixed reports whether players of other kinds are removed first, and single weights after.
// Then there are two runs: see package trainer.
func (c Config) Mixed() bool { return c.PlaysWeights() && len(c.PlayerKinds()) > 1 }

// PlaysWeights reports whether the players are single weights, at least in the end.
func (c Config) PlaysWeights() bool { return slices.Contains(c.PlayerKinds(), network.Weights) }

// PlayerKinds returns the kinds of player that the configuration names.
func (c Config) PlayerKinds() []network.PlayerKind {
	if c.Players == "" {
		return network.DefaultPlayers
	}
	var kinds []network.PlayerKind
	for _, word := range strings.Split(c.Players, ",") {
		kinds = append(kinds, network.PlayerKind(word))
	}
	return kinds
}

// Graph returns the graph of the Model for samples of a shape. Errors are of the kind
// [backend.ErrUsage].
func (c Config) Graph(sample network.Shape, outputs int) (*network.Graph, error) {
	m, err := models.Parse(c.Model)
	if err != nil {
		return nil, backend.Usagef("--model: %v", err)
	}
	if problem := Find("players").problem(c); problem != "" {
		return nil, backend.Usagef("%s", problem)
	}
	g, err := m.Graph(sample, outputs, c.Activation, c.PlayerKinds())
	if err != nil {
		return nil, backend.Usagef("--model: %v", err)
	}
	return g, nil
}

// weightCriteria are what single weights can be ranked by.
var weightCriteria = []game.Criterion{game.Random, game.Magnitude, game.OutputSquare, game.Fisher}

// defaultDecay is the weight decay where no optimiser is chosen; testdata/mnist compares it
// with none.
const defaultDecay = 0.2

// ResolveFor is [Config.Resolve] for a network whose gates have so many players, in place
// of the Model, which it does not look at. Nil says that they are not known yet.
func (c Config) ResolveFor(players []int) (Config, error) {
	if c.Schedule == "" {
		c.Schedule = Cosine
		if c.Game == game.PaperGame {
			c.Schedule = Constant
		}
	}
	if c.Optimiser == "" {
		c.Optimiser = backend.Adam
		if c.Game != game.PaperGame {
			c.Optimiser = backend.AdamW
			c.WeightDecay = cmp.Or(c.WeightDecay, defaultDecay)
		}
	}
	if c.DataOnDevice == backend.AutoPlacement {
		c.DataOnDevice = backend.AnyPlacement
	}
	if err := c.check(); err != nil {
		return c, err
	}
	if c.Schedule == Step && c.StepEpochs == 0 {
		c.StepEpochs = float64(c.Epochs) / 3
	}
	return c.resolveTarget(players)
}

// check looks at every value on its own and at those that belong together.
func (c Config) check() error {
	for _, s := range All {
		if problem := s.problem(c); problem != "" {
			return backend.Usagef("%s", problem)
		}
	}
	for _, rule := range []struct {
		holds   bool
		message string
		value   any
	}{
		{c.Data != "" || c.Source != "", "--data is %q; it must be a data set (nashprune data list), a CSV or NPZ file, a folder of IDX files, or a folder or archive of images", c.Data},
		{c.RuntimeLibrary == "" || c.Runtime != "", "--runtime-library %s is for --runtime onnxruntime", c.RuntimeLibrary},
		{c.Test == "" || c.TestFraction == 0, "--test-fraction is %v, and --test names the test samples: give one of them", c.TestFraction},
		{c.Epochs > 0 || c.Source != "", "--epochs is %v; it must be at least 1 without a trained network", c.Epochs},
		{c.Epochs > 0 || c.Game.InRounds() && (c.Game == game.MarketGame || c.Criterion != game.Participation), "--epochs 0 removes players without training; that takes --game market, or ranking by another --criterion than participation; --game is %s", c.Game},
		{c.Source == "" || !c.Baseline, "--baseline trains the dense network, and %s holds one that is trained; leave out --baseline", c.Source},
		{c.Source == "" || c.Shape == "" || c.Game != game.NoGame, "--shape is %s; with --game off a trained network has its own, leave out --shape", c.Shape},
		{c.Momentum == 0 || c.Optimiser.HasMomentum(), "--momentum is for sgd and rmsprop; --optimiser is %s", string(c.Optimiser)},
		{c.Optimiser != backend.AdamW || c.WeightDecay*c.LearningRate <= 1, "--weight-decay times --learning-rate is %v; it must be at most 1, or a step of adamw takes more than all of a weight", c.WeightDecay * c.LearningRate},
		{c.StepEpochs == 0 || c.Schedule == Step, "--step-epochs is for --schedule step; --schedule is %s", string(c.Schedule)},
		{c.StepFactor == defaultStepFactor || c.Schedule == Step, "--step-factor is for --schedule step; --schedule is %s", string(c.Schedule)},
		{c.LearningRateWarmUp <= float64(c.Epochs), "--learning-rate-warm-up is %v; it must be at most --epochs", c.LearningRateWarmUp},
		{c.Task != dataset.Regression || c.LabelSmoothing == 0 && c.ClassWeights == "", "--label-smoothing and --class-weights are for classes; --task is %s", string(c.Task)},
		{c.Patience == 0 || c.Game != game.PaperGame, "--patience is %d; it must be 0 with --game paper, which has no early stopping", c.Patience},
		{c.MaxAccuracyDrop == 0 || c.Task != dataset.Regression, "--max-accuracy-drop is for classes; --task is %s", string(c.Task)},
		{c.WarmUp+c.GameShare <= 1+1e-9, // the sum of two decimals may be a rounding above 1
			"--warm-up and --game-share add up to %v; the sum must be at most 1", c.WarmUp + c.GameShare},
		{c.Update != backend.BestResponse || c.ParticipationRate <= 1, "--participation-rate is %v; it must be at most 1 with --update best-response", c.ParticipationRate},
		{c.Update != backend.HardConcrete || c.Game != game.PaperGame, "--update is %s, which --game paper does not play; try --game ranking --criterion participation", string(c.Update)},
		{c.MultiplierRate == 0 || c.Update == backend.HardConcrete, "--multiplier-rate is %v; it must be 0 without --update hard-concrete", c.MultiplierRate},
		{!c.Joint || c.Game == game.PaperGame, "--joint is for --game paper; --game is %s", string(c.Game)},
		{c.Pattern == "" || c.PlaysWeights() && c.Game.InRounds(), "--sparsity-pattern %s is for --players weights with --game market or ranking", c.Pattern},
		{c.Pattern == "" || c.Keep == 0 && c.Shape == "" && c.MaxBytes == 0, "--sparsity-pattern %s says how many weights stay: leave out --keep, --shape and --max-bytes", c.Pattern},
		{c.PlaysWeights() || c.WeightWorth == game.AdamMetric || c.WeightWorth == "", "--weight-worth %s is for --players weights", c.WeightWorth},
		{c.MaxBytes == 0 || c.PlaysWeights(), "--max-bytes is %v; it is for --players weights, alone or with other kinds", c.MaxBytes},
		{!c.Mixed() || c.Epochs != 1, "--epochs is %v; two runs share them with --players KINDS,weights, so it must be 2 or more", c.Epochs},
		{!c.Mixed() || c.MaxBytes != 0 && c.Game.InRounds(), "--players %s takes --max-bytes, with --game market or ranking; try --players weights alone", c.Players},
		{!c.PlaysWeights() || c.Cost == "" && c.RoundTo <= 1 && c.MaxParameters == 0 && c.MaxMACs == 0 && c.MaxLatencyUS == 0 && c.MaxAccuracyDrop == 0, "--players %s takes --keep, --sparsity, --shape, --sparsity-pattern or --max-bytes; leave out --cost, --round-to and the --max targets", c.Players},
		{!c.PlaysWeights() || c.Compensate == compensation.None || c.Compensate == "", "--compensate is %s; it must be none with --players weights", c.Compensate},
		{!c.PlaysWeights() || c.GroupLasso == 0, "--group-lasso is %v; it must be 0 with --players weights", c.GroupLasso},
		{!c.PlaysWeights() || !c.Worth.Null(), "--worth is %s, a market that is false on purpose; with --players weights it must be outputs or effective", c.Worth},
		{!c.PlaysWeights() || c.Game != game.RankingGame || slices.Contains(weightCriteria, c.Criterion), "--criterion is %s; with --players weights it must be random, magnitude, outputs or fisher", c.Criterion},
		{!c.PlaysWeights() || c.Game != game.MarketGame || c.WeightWorth != game.AdamMetric || c.Optimiser == "" || c.Optimiser.HasSecond(), "--weight-worth adam takes a second moment, and --optimiser %s has none: try adamw, or --weight-worth root", c.Optimiser},
		{!c.PlaysWeights() || c.Game != game.MarketGame || c.WeightWorth != game.AdamMetric || c.Epochs > 0, "--weight-worth adam takes a second moment from training, and --epochs is %d: try --weight-worth root", c.Epochs},
		{c.GroupLasso == 0 || c.Game == game.RankingGame, "--group-lasso is %v; it must be 0 without --game ranking", c.GroupLasso},
		{c.Game != game.NoGame || !c.Baseline, "--game is %s, which has no baseline; leave out --baseline", c.Game},
	} {
		if !rule.holds {
			return backend.Usagef(rule.message, rule.value)
		}
	}
	if c.ClassWeights != "" && c.ClassWeights != BalancedWeights {
		if _, err := parseClassWeights(c.ClassWeights); err != nil {
			return err
		}
	}
	return c.CheckHeldOut(c.Validation > 0 || dataset.IsImages(c.Data)) // which may have a folder of them
}

// CheckHeldOut says which setting needs validation samples, where there are none.
func (c Config) CheckHeldOut(some bool) error {
	const hint = " needs samples that are held out; try --validation 0.1"
	switch {
	case some:
	case c.EvaluateOn == backend.ValidationPart:
		return backend.Usagef("--evaluate-on %s"+hint, c.EvaluateOn)
	case c.Patience > 0:
		return backend.Usagef("--patience %d"+hint, c.Patience)
	case c.MaxAccuracyDrop > 0 && c.Game == game.MarketGame:
		return backend.Usagef("--max-accuracy-drop %v"+hint, c.MaxAccuracyDrop)
	}
	return nil
}
