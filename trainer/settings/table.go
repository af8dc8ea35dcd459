package settings

import (
	"math"
	"slices"
	"strings"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// The sections of the help text.
const (
	general  = "Data and network"
	training = "Training"
	market   = "Market (--game market)"
	ranking  = "Rankings instead of a game (--game ranking; also the market's settings)"
	paper    = "The paper's game (--game paper, or --criterion participation)"
)

// The largest values that are taken for what the user meant.
const (
	MaxEpochs       = 100_000
	MaxBatch        = 1 << 16
	MaxRounds       = 1 << 16
	maxLearningRate = 100
	maxPadding      = 1 << 16
	maxWeight       = 1e6 // of the paper's utilities, and of weight decay
)

// All declares every setting once, in the order of help texts and of files. Flags, keys
// of TOML files, variables of the environment, defaults and what is checked of each value
// follow from it; [Config.check] adds what settings say together.
var All = []*Setting{
	declare(general, "data", func(c *Config) *string { return &c.Data }, "digits", anything[string](),
		"data set (nashprune data list), a .csv or .npz file, a folder of IDX files, or a folder or archive of images").compared().variable("NASHPRUNE_DATASET"),
	declare(general, "data-dir", func(c *Config) *string { return &c.DataDir }, "", anything[string](),
		"`folder` to look for data sets in first (then $NASHPRUNE_DATA, then the user's cache)").compared().variable(""),
	declare(general, "max-data-bytes", func(c *Config) *uint64 { return &c.MaxDataBytes }, dataset.DefaultMaxBytes, inTOML,
		"most `bytes` to read of the data, unpacked"),
	declare(general, "image-size", func(c *Config) *string { return &c.ImageSize }, "",
		rule[string]{holds: func(s string) bool { _, _, err := dataset.ParseImageSize(s); return s == "" || err == nil }, words: "a height and a width in pixels, such as 64x64"},
		"`HxW`, the pixels that images in folders are brought to (default: all must have one size)").omitted(),
	declare(general, "label", func(c *Config) *string { return &c.Label }, "", anything[string](),
		"`column` of a CSV file with the labels (default: label, class, target or y, else the last); regression takes several, with commas in between").omitted().compared(),
	declare(general, "ignore", func(c *Config) *string { return &c.Ignore }, "", anything[string](),
		"`columns` of a table that are not read, with commas in between").omitted().compared(),
	declare(general, "header", func(c *Config) *bool { return &c.Header }, true, anything[bool](),
		"the first line of a table names its columns").compared(),
	declare(general, "decimal-comma", func(c *Config) *bool { return &c.DecimalComma }, false, anything[bool](),
		"numbers of a table have a comma before their decimals: 1.234,5").compared(),
	declare(general, "missing-is-class", func(c *Config) *bool { return &c.MissingIsClass }, false, anything[bool](),
		"labels such as NA, None or ? are a class and not missing").compared(),
	declare(general, "test", func(c *Config) *string { return &c.Test }, "", anything[string](),
		"CSV `file` with the test samples").omitted().compared(),
	declare(general, "test-fraction", func(c *Config) *float64 { return &c.TestFraction }, 0, below1,
		"`fraction` of each class (in regression, of all) to draw as test samples if the data has none (default 0.2)").omitted().compared(),
	declare(general, "validation", func(c *Config) *float64 { return &c.Validation }, 0, below1,
		"`fraction` of the training set to hold out"),
	declare(general, "evaluate-on", func(c *Config) *backend.Part { return &c.EvaluateOn }, backend.TestPart, oneOf(backend.TestPart, backend.ValidationPart),
		"`part` that the result is evaluated on"),
	declare(general, "task", func(c *Config) *dataset.Task { return &c.Task }, dataset.Classification, oneOf(dataset.Classification, dataset.Regression),
		"what is predicted, classes or the numbers of a .csv or .npz file").compared(),
	declare(general, "normalise", func(c *Config) *string { return &c.Normalise }, "",
		rule[string]{holds: func(s string) bool { _, ok := parseNormalise(s); return ok }, words: "none, or MEANS/DEVIATIONS such as 0.1307/0.3081 or 0.5,0.5,0.5/0.2,0.2,0.2, deviations above 0"},
		"`means/deviations` that scale features, pixels being from 0 to 1: one of all, or one a channel of images or a feature, with commas in between; none leaves features as they are (default: those of the training part, or what the file of a trained network says)").omitted(),
	declare(general, "model", func(c *Config) *string { return &c.Model }, "mlp:512-256", anything[string](),
		"network: mlp: and the widths of its hidden layers; lenet300, lenet5, vgg16, resnet20 (any resnetN, N = 6n+2, or resnetN:WIDTH); or a .toml file with a graph (nashprune help networks)").compared(),
	declare(general, "source", func(c *Config) *string { return &c.Source }, "", anything[string](),
		"trained network to start from, a model `file` (nashprune prune, which has the settings for it)").omitted(),
	declare(general, "players", func(c *Config) *string { return &c.Players }, "", playerKinds,
		"`kinds` of player, with commas in between: "+playerWords+" (default: neurons,filters,channels); or weights, each weight being a player; with --max-bytes other kinds may stand before weights, and are removed first").compared().omitted(),
	declare(general, "activation", func(c *Config) *network.Activation { return &c.Activation }, network.ReLU, oneOf(network.Activations...),
		"activation of hidden units"),
	declare(general, "init", func(c *Config) *network.Initialisation { return &c.Initialisation }, network.PyTorch, oneOf(network.Initialisations...),
		"initial weights"),
	declare(general, "seed", func(c *Config) *uint64 { return &c.Seed }, 1, inTOML,
		"`number` that determines all random numbers").compared(),
	declare(general, "device", func(c *Config) *string { return &c.Device }, "auto", anything[string](),
		"auto, cpu, vulkan, vulkan:N, N (the first GPU is 0), or a part of a device's name (nashprune devices)").compared(),
	declare(general, "kernels", func(c *Config) *string { return &c.Kernels }, "", anything[string](),
		"`set` of kernels of a Vulkan device: vec4 or tiled (default: by the device's kind)").omitted(),
	declare(general, "data-on-device", func(c *Config) *backend.Placement { return &c.DataOnDevice }, backend.AnyPlacement,
		oneOf(backend.AnyPlacement, backend.AutoPlacement, backend.Resident, backend.Streamed),
		"`where` a Vulkan device reads samples: from its own memory, streamed from the host, or streamed if they do not fit (default: auto)").omitted(),
	declare(general, "runtime", func(c *Config) *RuntimeKind { return &c.Runtime }, "", oneOf("", ONNXRuntime),
		"program that times the networks at the end, on one thread of the CPU, too").omitted(),
	declare(general, "runtime-library", func(c *Config) *string { return &c.RuntimeLibrary }, "", anything[string](),
		"`file` with the library of --runtime (default: where the system finds libonnxruntime)").omitted(),
	declare(general, "game", func(c *Config) *game.Kind { return &c.Game }, game.MarketGame, oneOf(game.Kinds...),
		"what is played along with the training"),
	declare(general, "baseline", func(c *Config) *bool { return &c.Baseline }, false, anything[bool](),
		"also train the dense network for as many epochs without the game, and compare"),

	declare(training, "epochs", func(c *Config) *int { return &c.Epochs }, 20, within(0, MaxEpochs),
		"passes over the training set; 0, of a trained network: players are removed without training").compared(),
	declare(training, "batch", func(c *Config) *int { return &c.Batch }, 128, within(1, MaxBatch),
		"samples a training step").compared(),
	declare(training, "optimiser", func(c *Config) *backend.OptimiserKind { return &c.Optimiser }, "", oneOf(append([]backend.OptimiserKind{""}, backend.OptimiserKinds...)...),
		"optimiser of the weights (default: adamw with --weight-decay 0.2; in the paper's game adam)").compared(),
	declare(training, "learning-rate", func(c *Config) *float64 { return &c.LearningRate }, 2e-3, within[float64](0, maxLearningRate).in(above0(maxLearningRate).words),
		"learning rate of the weights (default of a trained network: 0.004, less for many layers without batch norms)").compared(),
	declare(training, "momentum", func(c *Config) *float64 { return &c.Momentum }, 0, below1,
		"momentum of sgd and rmsprop"),
	declare(training, "weight-decay", func(c *Config) *float64 { return &c.WeightDecay }, 0, within(0, maxWeight),
		"decay of the weights; that of adamw pauses while players are removed").compared(),
	declare(training, "clip-norm", func(c *Config) *float64 { return &c.ClipNorm }, 0, within(0, math.MaxFloat32).in("the length of a gradient, or 0 for no clipping"),
		"greatest length of the gradient; a longer one is scaled down"),
	declare(training, "schedule", func(c *Config) *ScheduleKind { return &c.Schedule }, "", oneOf(Constant, Cosine, Step),
		"schedule of the learning rate (default: cosine; in the paper's game constant)"),
	declare(training, "step-epochs", func(c *Config) *float64 { return &c.StepEpochs }, 0, within(0, float64(MaxEpochs)).in("a number of epochs, or 0 for a third of all"),
		"`epochs` between two steps of --schedule step (default: a third of all)").omitted(),
	declare(training, "step-factor", func(c *Config) *float64 { return &c.StepFactor }, defaultStepFactor, above0(1),
		"factor of the learning rate at each step"),
	declare(training, "learning-rate-warm-up", func(c *Config) *float64 { return &c.LearningRateWarmUp }, 0, within(0, float64(MaxEpochs)),
		"`epochs` over which the learning rate rises from zero"),
	declare(training, "label-smoothing", func(c *Config) *float64 { return &c.LabelSmoothing }, 0, below1,
		"`fraction` of each label that is spread over all classes"),
	declare(training, "class-weights", func(c *Config) *string { return &c.ClassWeights }, "", anything[string](),
		"`weights` of the classes in the loss: balanced, or a number for each, with commas in between"),
	declare(training, "crop-padding", func(c *Config) *int { return &c.CropPadding }, 0, within(0, maxPadding),
		"`pixels` around training images, with the mean colour, out of which each is cropped at random, anew in every step; for networks that read images").omitted(),
	declare(training, "flip", func(c *Config) *bool { return &c.Flip }, false, anything[bool](),
		"mirror half of the training images, drawn anew in every step; for networks that read images").omitted(),
	declare(training, "patience", func(c *Config) *int { return &c.Patience }, 0, within(0, MaxEpochs).in("a number of epochs, or 0 for no early stopping"),
		"`epochs` without a better loss on --validation samples, after which training stops and restores the best epoch"),

	declare(market, "keep", func(c *Config) *cost.Limit { return &c.Keep }, 0, limit("a whole number of players"),
		"number of `players` that stay"+orPercent).omitted().target(CountedTarget),
	declare(market, "sparsity", func(c *Config) *float64 { return &c.Sparsity }, 0.95, below1,
		"`fraction` of players to remove, if no other target is given").omitted().target(CountedTarget),
	declare(market, "shape", func(c *Config) *string { return &c.Shape }, "", anything[string](),
		"`players` that each gate keeps, in their order, such as 25-13, instead of --keep; with --game off, that it has from the start").omitted().target(CountedTarget),
	declare(market, "max-params", func(c *Config) *cost.Limit { return &c.MaxParameters }, 0, limit("a whole number of parameters"),
		"most `parameters`"+orPercent+", instead of --keep").omitted().target(CountedTarget),
	declare(market, "max-macs", func(c *Config) *cost.Limit { return &c.MaxMACs }, 0, limit("a whole number of multiply-accumulates a sample"),
		"most multiply-`accumulates` a sample"+orPercent+", instead of --keep").omitted().target(CountedTarget),
	declare(market, "max-bytes", func(c *Config) *cost.Limit { return &c.MaxBytes }, 0, limit("a whole number of bytes"),
		"most `bytes` of the file that a run with --players weights writes, compressed sparse rows"+orPercent+", instead of --keep").omitted().target(CountedTarget),
	declare(market, "max-latency-us", func(c *Config) *cost.Limit { return &c.MaxLatencyUS }, 0, within[cost.Limit](-100, math.MaxFloat32).in("a number of microseconds"+orPercent),
		"most `microseconds` for a batch of 128 on the device"+orPercent+", instead of --keep").omitted().target(CountedTarget),
	declare(market, "max-accuracy-drop", func(c *Config) *float64 { return &c.MaxAccuracyDrop }, 0, within(0., 100).in("a number of points, at most 100"),
		"most `points` of accuracy to lose on --validation, instead of --keep").omitted().target(MeasuredTarget),
	declare(market, "round-to", func(c *Config) *int { return &c.RoundTo }, 1, within(1, math.MaxInt32).in("a number of players, or 1 for no rounding"),
		"`number` of which the players that each gate keeps are a multiple, such as 8; narrower gates keep all"),
	declare(market, "cost", func(c *Config) *cost.Resource { return &c.Cost }, "", oneOf("", cost.Players, cost.Parameters, cost.MACs, cost.Latency),
		"what a player pays for in one market of all gates (default: what a --max target bounds, else a market a gate)").omitted(),
	declare(market, "latency-model", func(c *Config) *string { return &c.LatencyModel }, "", anything[string](),
		"result.json of another run, with the model of latencies (default: measure one)").omitted(),
	declare(market, "worth", func(c *Config) *game.Valuation { return &c.Worth }, game.Outputs, oneOf(append([]game.Valuation{""}, game.Valuations...)...),
		"what determines the worth of a player, its effect on the outputs, without class weights, or on the loss (effective); lottery and reverse are false markets that test certificates").omitted(),
	declare(market, "warm-up", func(c *Config) *float64 { return &c.WarmUp }, 0.1, within(0., 1).in("a fraction of the run, from 0 to 1"),
		"`fraction` of the run before the market opens"),
	declare(market, "game-share", func(c *Config) *float64 { return &c.GameShare }, 0.4, above0(1),
		"`fraction` of the run while the market is open"),
	declare(market, "rounds", func(c *Config) *int { return &c.Rounds }, 40, within(1, MaxRounds),
		"rounds of the market").compared(),
	declare(market, "compensate", func(c *Config) *compensation.Kind { return &c.Compensate }, compensation.None, oneOf(compensation.Kinds...),
		"what the nodes that read removed players take over: nothing (none), their mean outputs (mean), or all that the other players predict (full), which helps with few rounds"),

	declare(market, "certify-steps", func(c *Config) *int { return &c.CertifySteps }, 200, within(0, 1<<16),
		"most training `steps` after which the networks with and without a player are compared, when the market has closed (a hundredth of the run where that is fewer, less with many gates, and no fewer than ten); 0, or --compensate: no such test"),

	declare(market, "weight-worth", func(c *Config) *game.Metric { return &c.WeightWorth }, game.AdamMetric, oneOf(game.Metrics...),
		"metric by which a weight w of --players weights is far from zero: w^2 E[g^2] (fisher), w^2 sqrt(E[g^2]) (root), or w^2 sqrt(v) with the optimiser's v (adam)"),
	declare(market, "sparsity-pattern", func(c *Config) *string { return &c.Pattern }, "",
		rule[string]{holds: func(s string) bool { _, err := game.ParsePattern(s); return s == "" || err == nil }, words: "N:M with N from 1 to M-1 and M at most 64, such as 2:4"},
		"`N:M`, by which M neighbouring inputs of each output of --players weights keep N, instead of --keep").omitted(),

	declare(market, "structured-part", func(c *Config) *float64 { return &c.StructuredPart }, 0.5, within(0., 1).in("a fraction, from 0 to 1"),
		"`fraction` of the compression, in logarithms, that comes from the other kinds of --players before single weights are removed"),

	declare(ranking, "criterion", func(c *Config) *game.Criterion { return &c.Criterion }, game.Magnitude, oneOf(game.Criteria...),
		"score that ranks the players"),
	declare(ranking, "group-lasso", func(c *Config) *float64 { return &c.GroupLasso }, 0, within(0, maxWeight),
		"`weight` of a penalty on the norms of the players' weights and biases, from the end of --warm-up until the last removal").omitted(),

	declare(paper, "alpha", func(c *Config) *float64 { return &c.Alpha }, 1, within(0, maxWeight), "weight of the benefit"),
	declare(paper, "beta", func(c *Config) *float64 { return &c.Beta }, 0, within(0, maxWeight), "weight of the quadratic cost of size"),
	declare(paper, "gamma", func(c *Config) *float64 { return &c.Gamma }, 0, within(0, maxWeight), "weight of the linear cost of participation"),
	declare(paper, "eta", func(c *Config) *float64 { return &c.Eta }, 0, within(0, maxWeight), "weight of the competition"),
	declare(paper, "benefit", func(c *Config) *game.Benefit { return &c.Benefit }, game.Printed, oneOf(game.Benefits...), "reading of the benefit"),
	declare(paper, "benefit-gradient", func(c *Config) *game.BenefitGradient { return &c.BenefitGradient }, game.OfTheta, oneOf(game.BenefitGradients...),
		"variable of the benefit's gradient, theta or the effective weights s theta"),
	declare(paper, "update", func(c *Config) *backend.PaperUpdate { return &c.Update }, backend.GradientAscent,
		oneOf(backend.GradientAscent, backend.AdamAscent, backend.BestResponse, backend.HardConcrete), "how players move; hard-concrete draws them in every step, and --gamma is the weight of an L0 penalty"),
	declare(paper, "joint", func(c *Config) *bool { return &c.Joint }, false, anything[bool](),
		"theta pays its cost, too: weights move on the loss plus the costs of their players"),
	declare(paper, "participation-rate", func(c *Config) *float64 { return &c.ParticipationRate }, 1e-3, above0(maxLearningRate), "step size of a move"),
	declare(paper, "multiplier-rate", func(c *Config) *float64 { return &c.MultiplierRate }, 0, within(0, maxWeight),
		"step size of the multipliers by which the gates of --update hard-concrete come to the fraction that stays (0: none)").omitted(),
	declare(paper, "threshold", func(c *Config) *float64 { return &c.Threshold }, game.PaperThreshold, within(0., 1).in("a participation, from 0 to 1"),
		"players that end below this `participation` are removed"),
}

// orPercent ends the help of limits.
const orPercent = ", or a percentage of the dense network such as 10%"

// limit holds for a whole number, and for a percentage.
func limit(words string) rule[cost.Limit] {
	const exact = 1 << 53 // up to which floats hold whole numbers
	return rule[cost.Limit]{holds: func(l cost.Limit) bool {
		return l >= -100 && l <= exact && (l < 0 || l == cost.Limit(math.Trunc(float64(l))))
	}, words: words + orPercent}
}

// playerKinds holds for kinds of player with commas in between.
var playerKinds = rule[string]{holds: func(s string) bool {
	for _, kind := range (Config{Players: s}).PlayerKinds() {
		if kind != network.Weights && !slices.Contains(network.PlayerKinds, kind) {
			return false
		}
	}
	return true
}, words: "some of " + playerWords + " and weights, with commas in between"}

// playerWords lists the kinds of player.
var playerWords = func() string {
	var words []string
	for _, kind := range network.PlayerKinds {
		words = append(words, string(kind))
	}
	return strings.Join(words, ", ")
}()

// defaultStepFactor is in every configuration file, with any schedule.
const defaultStepFactor = 0.1

// byName finds the settings of All.
var byName = func() map[string]*Setting {
	found := map[string]*Setting{}
	for _, s := range All {
		found[s.Name] = s
	}
	return found
}()

// Find returns the setting of a name, or nil if there is none.
func Find(name string) *Setting { return byName[name] }

// Variable returns the variable of the environment that stands in for a flag, of a
// setting or of a command: NASHPRUNE_LEARNING_RATE for learning-rate. It is empty for
// settings without one: $NASHPRUNE_DATA is the folder of data sets, which package
// dataset looks at.
func Variable(flag string) string {
	if s := Find(flag); s != nil && s.named {
		return s.environment
	}
	return "NASHPRUNE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
