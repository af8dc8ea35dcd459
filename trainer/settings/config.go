// Package settings holds the configuration of a run: every setting with its name,
// default, range and help, and what they decide together.
package settings

import (
	"math"
	"slices"
	"strconv"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
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

// Config is everything that decides a run. Its TOML keys are the names of the
// command line's flags. [Default] has the defaults; a zero value means
// what the field says, not "default".
type Config struct {
	Data         string       `toml:"data"`                   // name of a data set, a CSV or NPZ file, or a folder of IDX files
	DataDir      string       `toml:"data-dir"`               // looked at first for named data sets; empty: environment and cache alone
	MaxDataBytes uint64       `toml:"max-data-bytes"`         // most that is read of the data's files, unpacked
	Label        string       `toml:"label,omitempty"`        // column or columns of a CSV file, as dataset.Options.Label says
	Test         string       `toml:"test,omitempty"`         // CSV file that is the test part of another; empty: none
	TestFraction float64      `toml:"test-fraction,omitzero"` // fraction drawn to be the test part of data that has none; 0: dataset.DefaultTestFraction
	Validation   float64      `toml:"validation"`             // fraction of the training set held out, 0 <= F < 1
	EvaluateOn   backend.Part `toml:"evaluate-on"`            // the part that the result is judged on: test or validation

	Task           dataset.Task           `toml:"task"`
	Model          string                 `toml:"model"` // mlp:H1-H2-..., the hidden widths
	Activation     network.Activation     `toml:"activation"`
	Initialisation network.Initialisation `toml:"init"`
	Seed           uint64                 `toml:"seed"`
	Device         string                 `toml:"device"`
	Kernels        string                 `toml:"kernels,omitempty"` // of the device's sets; empty: its own choice
	DataOnDevice   backend.Placement      `toml:"data-on-device,omitempty"`

	Epochs             int                   `toml:"epochs"` // at least 1
	Batch              int                   `toml:"batch"`  // at least 1
	Optimiser          backend.OptimiserKind `toml:"optimiser"`
	LearningRate       float64               `toml:"learning-rate"`         // positive
	Momentum           float64               `toml:"momentum"`              // of sgd and rmsprop, 0 <= m < 1; 0: none
	WeightDecay        float64               `toml:"weight-decay"`          // of weights, not of biases; at least 0; of AdamW not while players leave
	ClipNorm           float64               `toml:"clip-norm"`             // longest gradient; 0: any
	Schedule           ScheduleKind          `toml:"schedule"`              // empty: cosine, and constant in the paper's game
	StepEpochs         float64               `toml:"step-epochs,omitzero"`  // of the schedule step; 0: a third of the run
	StepFactor         float64               `toml:"step-factor"`           // of the schedule step, 0 < F <= 1
	LearningRateWarmUp float64               `toml:"learning-rate-warm-up"` // epochs over which it rises linearly from 0; 0: none
	LabelSmoothing     float64               `toml:"label-smoothing"`       // 0 <= S < 1, see Loss
	ClassWeights       string                `toml:"class-weights"`         // BalancedWeights, or a number a class; empty: all 1
	Patience           int                   `toml:"patience"`              // epochs without a better validation loss that end a training; 0: none do

	Game game.Kind `toml:"game"`

	// The market and its target, one of the first seven; 0: not given. Resolve turns
	// Sparsity into Keep, and is the only one to look at it where another is given.
	// Rankings take the first three.
	Keep            int           `toml:"keep,omitzero"`              // players kept
	Sparsity        float64       `toml:"sparsity,omitzero"`          // fraction of players removed, 0 <= S < 1
	Shape           string        `toml:"shape,omitempty"`            // players that each hidden layer keeps, such as 25-13
	MaxParameters   int           `toml:"max-params,omitzero"`        // most parameters
	MaxMACs         int           `toml:"max-macs,omitzero"`          // most multiply-accumulates a sample
	MaxLatencyUS    float64       `toml:"max-latency-us,omitzero"`    // most microseconds for a batch, by the model of latencies
	MaxAccuracyDrop float64       `toml:"max-accuracy-drop,omitzero"` // most points of accuracy lost on the validation part
	Cost            cost.Resource `toml:"cost,omitempty"`             // what players pay for in one market of all layers; empty: every layer is a market of its own, unless the target is a budget
	LatencyModel    string        `toml:"latency-model,omitempty"`    // file with the model of latencies; empty: it is measured

	Worth     game.Valuation `toml:"worth,omitempty"` // what a player is worth; empty: game.Effective
	WarmUp    float64        `toml:"warm-up"`         // fraction of the run before the market opens
	GameShare float64        `toml:"game-share"`      // fraction of the run while it is open; what is left is the tail
	Rounds    int            `toml:"rounds"`          // of the market, at least 1
	Damping   float64        `toml:"damping"`         // fraction of the way to the best response, 0 < D <= 1

	Criterion game.Criterion `toml:"criterion"` // what players are ranked by where there is no market

	// The paper's game; the weights are those of game.Paper.
	Alpha             float64              `toml:"alpha"`
	Beta              float64              `toml:"beta"`
	Gamma             float64              `toml:"gamma"`
	Eta               float64              `toml:"eta"`
	Benefit           game.Benefit         `toml:"benefit"`
	BenefitGradient   game.BenefitGradient `toml:"benefit-gradient"`
	Update            backend.PaperUpdate  `toml:"update"`
	ParticipationRate float64              `toml:"participation-rate"` // lr_s of either ascent, or the damping of best responses
	Threshold         float64              `toml:"threshold"`          // players that end below it are removed

	Baseline bool `toml:"baseline"` // train the dense network as long without the game, and compare
}

// Default returns the defaults: digits, 784-512-256-10, the market.
func Default() Config {
	return Config{
		Data:           "digits",
		MaxDataBytes:   dataset.DefaultMaxBytes,
		EvaluateOn:     backend.TestPart,
		Task:           dataset.Classification,
		Model:          "mlp:512-256",
		Activation:     network.ReLU,
		Initialisation: network.PyTorch,
		Seed:           1,
		Device:         "auto",

		Epochs:       20,
		Batch:        128,
		Optimiser:    backend.Adam,
		LearningRate: 2e-3,
		StepFactor:   0.1,

		Game:      game.MarketGame,
		Worth:     game.Outputs,
		Sparsity:  0.95,
		WarmUp:    0.1,
		GameShare: 0.4,
		Rounds:    40,
		Damping:   0.5,
		Criterion: game.Magnitude,

		Alpha:             1,
		Benefit:           game.Printed,
		BenefitGradient:   game.OfTheta,
		Update:            backend.GradientAscent,
		ParticipationRate: 1e-3,
		Threshold:         game.Gone,
	}
}

// DataOptions returns how the data is read and divided.
func (c Config) DataOptions() dataset.Options {
	return dataset.Options{
		Regression: c.Task == dataset.Regression,
		Dir:        c.DataDir, MaxBytes: int64(c.MaxDataBytes), Label: c.Label, TestFile: c.Test,
		TestFraction: c.TestFraction, Seed: c.Seed, Validation: c.Validation,
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

// The largest values that are taken for what the user meant.
const (
	maxEpochs            = 100_000
	maxBatch             = 1 << 16
	maxRounds            = 1 << 16
	maxLearningRate      = 100
	maxWeight            = 1e6     // of the paper's utilities
	MaxNetworkParameters = 1 << 28 // a gigabyte of weights, four with moments and gradients
	MaxActivations       = 1 << 28 // of a batch; three gigabytes with what goes back
)

// Resolve returns the configuration with everything that was left open decided,
// or an error of the kind [backend.ErrUsage] about the first value that makes no sense.
func (c Config) Resolve() (Config, error) {
	hidden, err := network.Parse(c.Model)
	if err != nil {
		return c, backend.Usagef("--model: %v", err)
	}
	if c.Schedule == "" {
		c.Schedule = Cosine
		if c.Game == game.PaperGame {
			c.Schedule = Constant
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
	return c.resolveTarget(hidden)
}

// check looks at every value on its own.
func (c Config) check() error {
	between := func(x, low, high float64) bool { return x >= low && x <= high } // false for NaN
	oneOf := func(value string, known ...string) bool { return slices.Contains(known, value) }
	for _, rule := range []struct {
		holds   bool
		message string
		value   any
	}{
		{c.Data != "", "--data is %q; it must be a data set (nashprune data list), a CSV or NPZ file, or a folder of IDX files", c.Data},
		{c.MaxDataBytes <= math.MaxInt64, "--max-data-bytes is %d; it must be at most 9223372036854775807, the largest number in TOML", c.MaxDataBytes},
		{c.TestFraction >= 0 && c.TestFraction < 1, "--test-fraction is %v; it must be a fraction of the samples, above 0 and below 1", c.TestFraction},
		{c.Test == "" || c.TestFraction == 0, "--test-fraction is %v and --test names the test samples: give one of them", c.TestFraction},
		{c.Validation >= 0 && c.Validation < 1, "--validation is %v; it must be a fraction of the training set, at least 0 and below 1", c.Validation},
		{oneOf(string(c.EvaluateOn), string(backend.TestPart), string(backend.ValidationPart)), "--evaluate-on is %q; it must be test or validation", string(c.EvaluateOn)},
		{c.EvaluateOn == backend.TestPart || c.Validation > 0, "--evaluate-on is %q and no sample is held out; try --validation 0.1", string(c.EvaluateOn)},
		{oneOf(string(c.Task), string(dataset.Classification), string(dataset.Regression)), "--task is %q; it must be classification or regression", string(c.Task)},
		{c.Activation.Known(), "--activation is %q; it must be relu, leaky-relu, gelu or tanh", string(c.Activation)},
		{oneOf(string(c.Initialisation), string(network.He), string(network.PyTorch)), "--init is %q; it must be he or pytorch", string(c.Initialisation)},
		{c.Seed <= math.MaxInt64, "--seed is %d; it must be at most 9223372036854775807, the largest number in TOML", c.Seed},
		{c.DataOnDevice.Known(), "--data-on-device is %q; it must be auto, resident or streamed", string(c.DataOnDevice)},
		{c.Epochs >= 1 && c.Epochs <= maxEpochs, "--epochs is %d; it must be at least 1 and at most " + strconv.Itoa(maxEpochs), c.Epochs},
		{c.Batch >= 1 && c.Batch <= maxBatch, "--batch is %d; it must be at least 1 and at most " + strconv.Itoa(maxBatch), c.Batch},
		{c.Optimiser.Known(), "--optimiser is %q; it must be adam, adamw, sgd or rmsprop", string(c.Optimiser)},
		{c.LearningRate > 0 && c.LearningRate <= maxLearningRate, "--learning-rate is %v; it must be above 0 and at most 100", c.LearningRate},
		{c.Momentum >= 0 && c.Momentum < 1, "--momentum is %v; it must be at least 0 and below 1", c.Momentum},
		{c.Momentum == 0 || !c.Optimiser.Known() || c.Optimiser.HasMomentum(), "--momentum is for sgd and rmsprop; --optimiser is %s", string(c.Optimiser)},
		{between(c.WeightDecay, 0, maxWeight), "--weight-decay is %v; it must be at least 0 and at most 1e6", c.WeightDecay},
		{c.Optimiser != backend.AdamW || c.WeightDecay*c.LearningRate <= 1, "--weight-decay times --learning-rate is %v: it must be at most 1, or a step of adamw takes more than all of a weight", c.WeightDecay * c.LearningRate},
		{between(c.ClipNorm, 0, math.MaxFloat32), "--clip-norm is %v; it must be the length of a gradient, above 0, or 0 for no clipping", c.ClipNorm},
		{oneOf(string(c.Schedule), string(Constant), string(Cosine), string(Step)), "--schedule is %q; it must be constant, cosine or step", string(c.Schedule)},
		{between(c.StepEpochs, 0, maxEpochs), "--step-epochs is %v; it must be a number of epochs, above 0, or 0 for a third of all", c.StepEpochs},
		{c.StepEpochs == 0 || c.Schedule == Step, "--step-epochs is for --schedule step; --schedule is %s", string(c.Schedule)},
		{c.StepFactor > 0 && c.StepFactor <= 1, "--step-factor is %v; it must be above 0 and at most 1", c.StepFactor},
		{c.StepFactor == Default().StepFactor || c.Schedule == Step, // the default is in every configuration that was written
			"--step-factor is for --schedule step; --schedule is %s", string(c.Schedule)},
		{c.LabelSmoothing >= 0 && c.LabelSmoothing < 1, "--label-smoothing is %v; it must be at least 0 and below 1", c.LabelSmoothing},
		{c.Task != dataset.Regression || c.LabelSmoothing == 0 && c.ClassWeights == "", "--label-smoothing and --class-weights are for classes; --task is %s", string(c.Task)},
		{c.Patience >= 0 && c.Patience <= maxEpochs, "--patience is %d; it must be a number of epochs, at least 1, or 0 for no early stopping", c.Patience},
		{c.Patience == 0 || c.Validation > 0, "--patience %d needs samples that are held out; try --validation 0.1", c.Patience},
		{c.Patience == 0 || c.Game != game.PaperGame, "--patience is %d; it must be 0 with --game paper, which has no early stopping", c.Patience},
		{between(c.LearningRateWarmUp, 0, float64(c.Epochs)), "--learning-rate-warm-up is %v; it must be at least 0 and at most the epochs", c.LearningRateWarmUp},
		{oneOf(string(c.Game), string(game.MarketGame), string(game.PaperGame), string(game.RankingGame), string(game.NoGame)), "--game is %q; it must be market, paper, ranking or off", string(c.Game)},
		{c.Game != game.RankingGame || c.Criterion.Known(), "--criterion is %q; it must be random, magnitude, path-magnitude, taylor, fisher or participation", string(c.Criterion)},
		{c.Keep >= 0, "--keep is %d; it must be a number of players", c.Keep},
		{c.Sparsity >= 0 && c.Sparsity < 1, "--sparsity is %v; it must be the fraction of players removed, at least 0 and below 1", c.Sparsity},
		{c.MaxParameters >= 0, "--max-params is %d; it must be a number of parameters", c.MaxParameters},
		{c.MaxMACs >= 0, "--max-macs is %d; it must be a number of multiply-accumulates a sample", c.MaxMACs},
		{between(c.MaxLatencyUS, 0, math.MaxFloat32), "--max-latency-us is %v; it must be a number of microseconds, above 0", c.MaxLatencyUS},
		{between(c.MaxAccuracyDrop, 0, 100), "--max-accuracy-drop is %v; it must be a number of points, above 0 and at most 100", c.MaxAccuracyDrop},
		{c.MaxAccuracyDrop == 0 || c.Validation > 0 || c.Game != game.MarketGame, "--max-accuracy-drop %v needs samples that are held out; try --validation 0.1", c.MaxAccuracyDrop},
		{c.MaxAccuracyDrop == 0 || c.Task != dataset.Regression, "--max-accuracy-drop is for classes; --task is %s", string(c.Task)},
		{c.Worth.Known(), "--worth is %q; it must be effective or outputs", string(c.Worth)},
		{oneOf(string(c.Cost), "", string(cost.Players), string(cost.Parameters), string(cost.MACs), string(cost.Latency)), "--cost is %q; it must be players, parameters, macs or latency", string(c.Cost)},
		{between(c.WarmUp, 0, 1), "--warm-up is %v; it must be a fraction of the run, 0 to 1", c.WarmUp},
		{c.GameShare > 0 && c.GameShare <= 1, "--game-share is %v; it must be a fraction of the run, above 0 and at most 1", c.GameShare},
		{c.WarmUp+c.GameShare <= 1+1e-9, // the sum of two decimals may be a rounding above 1
			"--warm-up and --game-share add up to %v; the sum must be at most 1", c.WarmUp + c.GameShare},
		{c.Rounds >= 1 && c.Rounds <= maxRounds, "--rounds is %d; it must be at least 1 and at most " + strconv.Itoa(maxRounds), c.Rounds},
		{c.Damping > 0 && c.Damping <= 1, "--damping is %v; it must be above 0 and at most 1", c.Damping},
		{oneOf(string(c.Update), string(backend.GradientAscent), string(backend.AdamAscent), string(backend.BestResponse)), "--update is %q; it must be gradient, adam or best-response", string(c.Update)},
		{c.ParticipationRate > 0 && c.ParticipationRate <= maxLearningRate, "--participation-rate is %v; it must be above 0 and at most 100", c.ParticipationRate},
		{c.Update != backend.BestResponse || c.ParticipationRate <= 1, "--participation-rate is %v: with --update best-response it must be at most 1", c.ParticipationRate},
		{max(c.Alpha, c.Beta, c.Gamma, c.Eta) <= maxWeight || math.IsNaN(c.Alpha+c.Beta+c.Gamma+c.Eta), "--alpha, --beta, --gamma and --eta must be at most %v", maxWeight},
		{between(c.Threshold, 0, 1), "--threshold is %v; it must be a participation, 0 to 1", c.Threshold},
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
	if err := c.Paper().Validate(); err != nil {
		return backend.Usagef("--game paper: %v", err)
	}
	return nil
}
