package shaders

import "unsafe"

// Sizes that kernels and their callers agree on.
const (
	BackwardRows = 16 // samples of a block of the sums that Backward leaves
	NormRows     = 32 // rows of a block of the sums that Norms leaves

	// Of the gradient of a matrix, Squares adds up so many vec4 in one sum, or more
	// where there would be more sums than the most.
	SquaresSummed = 32
	SquaresMost   = 4096
)

// What kernels are given of the function that follows a layer's gate.
const (
	Logits = iota // no gate, and nothing applied
	ReLU
	LeakyReLU
	GELU
	Tanh
	Identity // a gate, and nothing applied
	ReLU6
)

// Values of the constants of Gradient and Update for the optimiser.
const (
	SGD = iota
	RMSProp
	Adam
	AdamW
)

// Step is what kernels read of the present training step.
type Step struct {
	First       uint32  // place of the batch's first sample in the order
	Rows        uint32  // samples of the batch, at least 1
	Next        uint32  // place of the next step in the plan
	Share       float32 // 1 / Rows
	Rate        float32 // learning rate; of Adam over 1 - beta1^t
	SecondScale float32 // of Adam: 1 / (1 - beta2^t)
	Shrink      float32 // of AdamW: 1 - learning rate * weight decay
	Memory      float32 // weight of this batch in means over several; 1 in training
	FirstSlope  float32 // corrections of the moments of the players' slopes:
	SecondSlope float32 // 1 / (1 - beta^t) of each
	Place       uint32  // of the batch's first sample in its pass over samples, for OutputSample
	Number      uint32  // of the optimiser's step, from 1, for what is drawn
}

// Job is what some workgroups of a dispatch of Gradient or Collect are for: a matrix of
// parameters, or the players of a gate. Places are in vec4, of the buffers that are bound.
type Job struct {
	First      uint32 // its first workgroup, among those of the matrices or of the gates
	InStride   uint32 // of a matrix: of a row of its inputs
	OutStride  uint32 // of a row of parameters or players
	Source     uint32 // place of its inputs in Below, or of its blocks in Sums
	Derivative uint32 // of a matrix: place in Derivative
	Target     uint32 // place in Parameters, First, Second and Gradient, or in Players
}

// StepWords is how many words of four bytes a step has.
const StepWords = unsafe.Sizeof(Step{}) / 4

// Outcome is the loss of a sample, and whether it is a hit.
type Outcome struct {
	Loss    float32
	Correct uint32 // 1 if its largest logit was its class; in regression 0
}

// Rows of the matrix of a gate's players.
const (
	Participation = iota // s
	Mean                 // mean c and mean c^2 of the last batch or, in Measure, of all so far
	Square
	Norm        // |theta|^2
	Competition // sum over j != i of s_j <theta_i, theta_j>
	FirstSlope  // moments of dU/ds in the paper's game, or log alpha
	SecondSlope // and price of a gate that is drawn
	PlayerRows  // how many there are
)

// Widths of matrices in push constants are strides, counted in vec4, unless they
// say otherwise.

// MatrixPush is the size of one matrix.
type MatrixPush struct{ Rows, Stride uint32 }

// LayerPush is the size of a layer.
type LayerPush struct{ InStride, OutStride uint32 }

// Gather turns to the step of the plan at the cursor, and copies its samples as the
// network's inputs.
var Gather = kernel("gather", []string{"State", "Cursor", "Plan", "Order", "Samples", "Batch", "Features", "Normalisation"},
	[]string{"LOCAL_SIZE", "FLOATS", "STEP_WORDS", "LISTED", "MOVES"}, GatherPush{}).texels("Normalisation")

// GatherPush holds the push constants of Gather.
type GatherPush struct {
	Inputs       uint32 // numbers that the network reads of a sample
	Stride       uint32 // of a row of the batch
	SampleStride uint32 // of a sample
	Plane        uint32 // features of a channel
	Width        uint32 // of an image
	Padding      uint32 // moves are from -Padding to Padding
	Flip         uint32 // 1: half of the images are mirrored
	SeedLow      uint32
	SeedHigh     uint32
}

// tile returns the constants of the matrix products with which all theirs begin:
// how many invocations a workgroup has, what each computes, how many of them are
// side by side, and how many terms they share at a time (0: none).
func tile() []string { return []string{"LOCAL_SIZE", "ROWS", "COLUMNS", "ACROSS", "STEP"} }

// Forward computes a layer. The first of a step moves the cursor on.
var Forward = kernel("forward",
	[]string{"State", "Below", "Parameters", "Players", "Affine", "Result", "Cursor"},
	append(tile(), "ACTIVATION", "FIRST"), LayerPush{}).texels("Below", "Parameters")

// Sparse computes a layer from the weights that are not zero.
var Sparse = kernel("sparse", []string{"State", "Below", "Parameters", "Players", "Values", "Columns", "Offsets", "Result", "Cursor"},
	[]string{"LOCAL_SIZE", "ACTIVATION", "FIRST", "SAMPLES"}, LayerPush{})

// lossBuffers and lossConstants are those of the kernels that know losses.
var (
	lossBuffers   = []string{"Order", "Answers", "Weights", "Derivative", "Outcomes"}
	lossConstants = []string{"TARGETS", "OWN", "OTHER", "WEIGHTED"}
)

// Output computes the last layer and the loss of the batch. A workgroup has all outputs
// of its samples, so it takes that they are few.
var Output = kernel("output",
	append([]string{"State", "Below", "Parameters", "Result"}, lossBuffers...),
	append(tile(), lossConstants...), OutputPush{}).texels("Below", "Parameters")

// OutputPush holds the push constants of Output.
type OutputPush struct{ InStride, OutStride, Outputs uint32 }

// Loss computes the loss of a batch from its outputs, however many.
var Loss = kernel("loss",
	append([]string{"State", "Result"}, lossBuffers...),
	append([]string{"LOCAL_SIZE"}, lossConstants...), LossPush{})

// LossPush holds the push constants of Loss.
type LossPush struct{ Outputs, OutStride uint32 }

// OutputSample differentiates outputs in place of the loss of the batch.
var OutputSample = kernel("outputsample", []string{"State", "Derivative"}, []string{"LOCAL_SIZE"}, OutputSamplePush{})

// OutputSamplePush holds the push constants of OutputSample.
type OutputSamplePush struct {
	Outputs, Stride uint32
	Own, Others     float32 // backend.OutputSample
}

// Backward takes the derivative through a layer and, unless ACTIVATION is Logits, the
// gates below it.
var Backward = kernel("backward",
	[]string{"State", "Derivative", "Parameters", "Affine", "Players", "Result", "Sums"},
	append(tile(), "BLOCK", "ACTIVATION", "ADD"), BackwardPush{}).texels("Derivative", "Parameters", "Affine")

// BackwardPush holds the push constants of Backward.
type BackwardPush struct {
	InStride, OutStride uint32
	Blocks              uint32 // rows of each of the two matrices in Sums
}

// Gradient updates matrices of parameters and adds up the contributions of players, by a
// table of jobs. OldParameters is bound to the buffer of Parameters, and so on.
var Gradient = kernel("gradient",
	[]string{"State", "Jobs", "Below", "Derivative", "Sums", "OldParameters", "OldFirst", "OldSecond",
		"Parameters", "First", "Second", "Gradient", "Players"},
	append(tile(), "RULE", "FIRST_SHARE", "SECOND_SHARE", "EPSILON", "DECAY", "KEEP", "UPDATE", "BLOCK", "GATES"),
	GradientPush{}).texels("Below", "Derivative", "Sums", "OldParameters", "OldFirst", "OldSecond")

// GradientPush holds the push constants of Gradient.
type GradientPush struct {
	First     uint32 // job of a matrix
	Matrices  uint32
	FirstGate uint32 // job of a gate
	Gates     uint32
	Tiles     uint32 // workgroups of all matrices; those of the gates follow
	Blocks    uint32 // rows of each matrix in Sums
}

// Collect adds up the contributions of players alone.
var Collect = kernel("collect", []string{"State", "Jobs", "Sums", "Players"}, []string{"LOCAL_SIZE", "BLOCK"}, CollectPush{})

// CollectPush holds the push constants of Collect.
type CollectPush struct {
	First  uint32 // job
	Gates  uint32
	Blocks uint32 // rows of each matrix in Sums
}

// Squares is the first stage of the length of all gradients, of matrices of parameters by
// the table of jobs.
var Squares = kernel("squares", []string{"Gradient", "Jobs", "Squares"}, []string{"LOCAL_SIZE", "SUMMED", "MOST"}, SquaresPush{})

// SquaresPush holds the push constants of Squares.
type SquaresPush struct {
	First    uint32 // job of a matrix
	Matrices uint32
	FirstSum uint32  // place of the first sum
	Scale    float32 // 1 / the length to clip to
}

// Clip is the second stage, in one workgroup: what gradients are multiplied with.
var Clip = kernel("clip", []string{"Squares", "Factor"}, []string{"LOCAL_SIZE"}, ClipPush{})

// ClipPush holds the push constants of Clip.
type ClipPush struct {
	Count uint32 // of the sums
}

// Update moves a matrix of parameters with the gradient that Gradient or Settle left.
var Update = kernel("update",
	[]string{"State", "Factor", "Gradient", "Parameters", "First", "Second"},
	[]string{"LOCAL_SIZE", "RULE", "FIRST_SHARE", "SECOND_SHARE", "EPSILON", "DECAY"}, UpdatePush{})

// UpdatePush holds the push constants of Update.
type UpdatePush struct {
	Rows, Stride uint32
	Weights      uint32 // rows that decay
}

// Mask multiplies numbers in the shape of parameters with the participations of single weights.
var Mask = kernel("mask", []string{"Mask", "From", "To"}, []string{"LOCAL_SIZE"}, MatrixPush{})

// Squaring squares numbers of a batch where they are.
var Squaring = kernel("square", []string{"State", "Numbers"}, []string{"LOCAL_SIZE", "DERIVATIVES"}, SquarePush{})

// SquarePush holds the push constants of Squaring.
type SquarePush struct {
	Stride uint32
}

// Values of the constant of Weigh.
const (
	SumOfSquares  = iota // derivatives are sums over the batch of squares
	SquaresSingle        // a matrix a sample
	MeanSlope            // derivatives of the mean of the batch, whose mean is taken
)

// Weigh takes squares of derivatives of single samples, or derivatives, into their means.
var Weigh = kernel("weigh", []string{"State", "Derivatives", "Squares"}, []string{"LOCAL_SIZE", "SUM"}, MatrixPush{})

// Mixture computes the sum of s theta over a layer's players, or of the rows of s theta.
var Mixture = kernel("mixture", []string{"Parameters", "Players", "Mixture"}, []string{"LOCAL_SIZE", "GATED"}, MatrixPush{})

// Total adds up the rows, and leaves the sum in the place of the biases.
var Total = kernel("total", []string{"Mixture"}, []string{"LOCAL_SIZE"}, TotalPush{})

// TotalPush holds the push constants of Total.
type TotalPush struct{ Rows uint32 }

// Charge adds what theta pays in the paper's game to the gradient that Gradient left.
var Charge = kernel("charge", []string{"Parameters", "Players", "Mixture", "Gradient"}, []string{"LOCAL_SIZE"}, ChargePush{})

// ChargePush holds the push constants of Charge; the weights are those of game.Paper.
type ChargePush struct {
	Rows, Stride uint32
	Beta, Eta    float32
}

// Norms is the first stage of |theta|^2 and of the competition.
var Norms = kernel("norms", []string{"Parameters", "Mixture", "Sums"}, []string{"LOCAL_SIZE", "ROWS"}, NormsPush{})

// NormsPush holds the push constants of Norms.
type NormsPush struct {
	Rows, Stride uint32
	First        uint32 // block in Sums
	Blocks       uint32 // rows of each of the two matrices in Sums
}

// Paper is the second stage, and a move in the paper's game.
var Paper = kernel("paper", []string{"State", "Sums", "Players"}, []string{"LOCAL_SIZE", "UPDATE", "BENEFIT", "EFFECTIVE"}, PaperPush{})

// PaperPush holds the push constants of Paper; the weights are those of game.Paper.
type PaperPush struct {
	Stride, Blocks          uint32
	Alpha, Beta, Gamma, Eta float32
	Rate                    float32 // lr_s, the damping, or the rate of log alpha
	Gate                    uint32  // which of the network's, and the seed, for what is drawn
	SeedLow, SeedHigh       uint32
}

// PaperWeights is a move of single weights, and what becomes of their gradient.
var PaperWeights = kernel("paperweights", []string{"State", "Theta", "Mixture", "Gradient", "Mask", "First", "Second"},
	[]string{"LOCAL_SIZE", "UPDATE", "BENEFIT", "EFFECTIVE", "JOINT"}, PaperWeightsPush{})

// PaperWeightsPush holds the push constants of PaperWeights; the weights are those of game.Paper.
type PaperWeightsPush struct {
	Rows, Stride            uint32
	Alpha, Beta, Gamma, Eta float32
	Rate                    float32 // lr_s or the damping
}

// Effects computes what a gate's players do to the outputs or the loss of each sample, at its
// only point.
var Effects = kernel("effects", []string{"State", "Derivative", "Affine", "Effects"}, []string{"LOCAL_SIZE"}, EffectsPush{})

// EffectsPush holds the push constants of Effects.
type EffectsPush struct{ Stride uint32 }

// Moments takes a batch into E[x x^T] of blocks of columns of x, which is bound twice, and
// into E[x].
var Moments = kernel("moments", []string{"State", "Moments", "Below", "Derivative"},
	append(tile(), "SQUARES", "MEANS"), MomentsPush{}).texels("Below", "Derivative")

// MomentsPush holds the push constants of Moments.
type MomentsPush struct {
	Stride uint32 // of a row of x
	Block  uint32 // columns of a block; with MEANS of the only one
}

// Play lets the players of a gate move one at a time to best responses at their prices, block by block. A
// block has four players an invocation.
var Play = kernel("play", []string{"Interactions", "Participations", "Prices"}, []string{"LOCAL_SIZE"}, PlayPush{}).texels("Interactions")

// PlayPush holds the push constants of Play.
type PlayPush struct {
	Players, Sweeps uint32
	Ridge           float32 // a part of H_ii
}

// What Pass does to a number.
const (
	Copy     = iota
	Apply    // the activation
	Slope    // multiply by the slope of the activation at Value
	Multiply // by the participation of its player
)

// Which numbers Pass names by a list.
const (
	Unlisted     = iota
	ListedSource // number i goes from List[i]
	ListedTarget // or to it
)

// Pass copies numbers of every sample from one tensor to another, or adds them.
var Pass = kernel("pass", []string{"State", "Source", "Value", "Players", "List", "Target"},
	[]string{"LOCAL_SIZE", "ADD", "ACTIVATION", "DO", "LISTED", "FOURS"}, PassPush{}).texels("Source", "Value")

// PassPush is what Pass is given, in numbers.
type PassPush struct {
	Width                      uint32 // numbers of a sample
	Clear                      uint32 // and how many behind them become zero
	SourceStride, SourceOffset uint32 // of a row, and in it
	TargetStride, TargetOffset uint32
	Inner                      uint32 // numbers that a player multiplies
}

// Places of a point among those of its gate, which add up contributions.
const (
	OnlyPoint = iota // it sums them up by blocks of samples; else Tally does
	FirstPoint
	FurtherPoint
)

// Through takes derivatives through a gate and the activation behind it where Backward
// does not, and sums up what the players need.
var Through = kernel("through", []string{"State", "Affine", "Players", "Result", "Contributions", "Sums"},
	[]string{"LOCAL_SIZE", "BLOCK", "ACTIVATION", "POINT"}, ThroughPush{})

// ThroughPush is what Through is given, in numbers.
type ThroughPush struct {
	Stride uint32 // of a row of the batch, and of players
	Count  uint32 // players
	Blocks uint32 // rows of each matrix in Sums
}

// Dropout drops numbers in a training step, or their derivatives.
var Dropout = kernel("dropout", []string{"State", "Source", "Target"}, []string{"LOCAL_SIZE", "ADD"}, DropoutPush{}).texels("Source")

// DropoutPush holds the push constants of Dropout.
type DropoutPush struct {
	Width     uint32 // numbers of a sample
	Stride    uint32
	Node      uint32
	Threshold uint32 // of words
	Scale     float32
	SeedLow   uint32
	SeedHigh  uint32
}

// Ungate takes derivatives through a gate and the activation behind it where a player
// multiplies many numbers. Derivative is bound to the buffer of Result.
var Ungate = kernel("ungate", []string{"State", "Affine", "Derivative", "Players", "Result", "Contributions"},
	[]string{"LOCAL_SIZE", "ACTIVATION", "ADD", "COUNTS"}, UngatePush{}).numbers("Affine", "Derivative")

// UngatePush is what Ungate is given, in numbers.
type UngatePush struct {
	Stride       uint32 // of a row of the batch
	PlayerStride uint32 // of a row of players
	Inner        uint32 // numbers that a player multiplies
}

// Tally sums up the contributions of players by blocks of samples.
var Tally = kernel("tally", []string{"State", "Contributions", "Sums"}, []string{"LOCAL_SIZE", "BLOCK"}, TallyPush{})

// TallyPush holds the push constants of Tally.
type TallyPush struct {
	Stride uint32
	Blocks uint32 // rows of each matrix in Sums
}

// Pointwise computes what a node other than a dense layer leaves behind its gate, of a batch
// norm also what is before it.
var Pointwise = kernel("pointwise", []string{"State", "Source", "Players", "Moments", "Parameters", "Affine", "Result"},
	[]string{"LOCAL_SIZE", "ACTIVATION", "NORM"}, PointwisePush{}).texels("Source")

// PointwisePush holds the push constants of Pointwise.
type PointwisePush struct {
	Width    uint32 // numbers of a sample
	Stride   uint32
	Inner    uint32 // numbers of a channel
	Channels uint32 // with padding
	Biases   uint32 // their row of the parameters
}

// Convolve computes a convolution or, with BACK, the derivative of its inputs. The first
// product of a step moves the cursor on.
var Convolve = kernel("convolve", []string{"State", "Source", "Parameters", "Result", "Cursor"},
	append(tile(), "BACK", "GROUPED", "ADD", "ALIGNED", "FIRST"), ConvolvePush{}).texels("Parameters").numbers("Source")

// ConvolvePush is what Convolve is given, in numbers.
type ConvolvePush struct {
	SourceStride, SourceHeight, SourceWidth, Channels uint32 // Channels and Outputs are those of a group
	TargetStride, TargetHeight, TargetWidth, Outputs  uint32
	KernelHeight, KernelWidth                         uint32
	StrideY, StrideX, PaddingY, PaddingX              uint32
	Stride                                            uint32 // of a row of parameters, in vec4
	Biases                                            uint32 // their row
	High                                              uint32 // tiles of the channels of a group
}

// Correlate sums up the gradients of a convolution over blocks of samples.
var Correlate = kernel("correlate", []string{"State", "Below", "Derivative", "Partials"},
	append(tile(), "GROUPED", "ALIGNED"), CorrelatePush{}).texels("Derivative").numbers("Below")

// CorrelatePush is what Correlate is given, in numbers.
type CorrelatePush struct {
	InStride, InHeight, InWidth, Channels   uint32 // Channels and Outputs are those of a group
	OutStride, OutHeight, OutWidth, Outputs uint32
	KernelWidth                             uint32
	Terms                                   uint32 // rows of the parameters that are weights, without padding
	StrideY, StrideX, PaddingY, PaddingX    uint32
	Stride                                  uint32 // of a row of parameters, in vec4
	Rows                                    uint32 // of the parameters
	Biased                                  uint32 // 0: the biases are no parameters
	High                                    uint32 // tiles of the outputs of a group
	Share                                   uint32 // samples of a block
}

// Settle adds up the gradients over blocks, and perhaps moves the parameters.
var Settle = kernel("settle", []string{"State", "Partials", "Parameters", "First", "Second", "Gradient"},
	[]string{"LOCAL_SIZE", "RULE", "FIRST_SHARE", "SECOND_SHARE", "EPSILON", "DECAY", "KEEP", "UPDATE"}, SettlePush{})

// SettlePush holds the push constants of Settle.
type SettlePush struct {
	Rows, Stride uint32
	Weights      uint32 // rows that decay
	Share        uint32 // samples of a block
}

// What the kernels of batch norms take sums or statistics of.
const (
	OfInputs      = iota
	OfSquares     // of NormSums; of NormStats the running statistics
	OfDerivatives // and their products with the standardised inputs
)

// NormSums sums up the numbers of channels by blocks of samples.
var NormSums = kernel("normsums", []string{"State", "Value", "Derivative", "Moments", "Partials"},
	[]string{"LOCAL_SIZE", "WHAT"}, NormSumsPush{}).numbers("Value", "Derivative")

// NormSumsPush is what NormSums is given, in numbers.
type NormSumsPush struct {
	Stride   uint32 // of a row of the batch
	Inner    uint32 // numbers of a channel
	Channels uint32 // with padding
	Biases   uint32 // row of the parameters
	Share    uint32 // samples of a block
}

// NormStats finds what a batch norm computes with.
var NormStats = kernel("normstats", []string{"State", "Partials", "Statistics", "Moments"}, []string{"LOCAL_SIZE", "WHAT"}, NormStatsPush{})

// NormStatsPush is what NormStats is given, in numbers.
type NormStatsPush struct {
	Count             uint32 // channels
	Channels          uint32 // with padding
	Biases            uint32 // row of the parameters
	Inner             uint32 // numbers of a channel
	Share             uint32 // samples of a block
	Epsilon, Momentum float32
}

// NormBack computes the derivative of the inputs of a batch norm.
var NormBack = kernel("normback", []string{"State", "Value", "Derivative", "Moments", "Parameters", "Result"},
	[]string{"LOCAL_SIZE", "BATCH", "ADD"}, NormBackPush{}).texels("Value", "Derivative")

// NormBackPush holds the push constants of NormBack.
type NormBackPush struct {
	Width    uint32 // numbers of a sample
	Stride   uint32
	Inner    uint32 // numbers of a channel
	Channels uint32 // with padding
}

// Pool takes the largest numbers of windows and their places, or the means.
var Pool = kernel("pool", []string{"State", "Below", "Result", "Places"}, []string{"LOCAL_SIZE", "LARGEST"}, PoolPush{}).numbers("Below")

// PoolBack computes the derivative of the inputs of a pool.
var PoolBack = kernel("poolback", []string{"State", "Places", "Derivative", "Result"},
	[]string{"LOCAL_SIZE", "LARGEST", "ADD", "WINDOWS_Y", "WINDOWS_X"}, PoolPush{}).numbers("Places", "Derivative")

// PoolPush is what the kernels of pools are given, in numbers.
type PoolPush struct {
	InStride, InHeight, InWidth          uint32
	OutStride, OutHeight, OutWidth       uint32
	Channels                             uint32
	KernelHeight, KernelWidth            uint32
	StrideY, StrideX, PaddingY, PaddingX uint32
}

// Rows of the cells of a view, which has one for each player of a gate.
const (
	CellParticipation = iota
	CellWorth
	CellRows // how many there are
)

// Show leaves the participations and worths of a gate's players in the cells of a view.
var Show = kernel("show", []string{"Participations", "Worths", "Places", "Cells"}, []string{"LOCAL_SIZE", "BLOCK"}, ShowPush{})

// ShowPush holds the push constants of Show, in numbers.
type ShowPush struct {
	Players uint32
	Stride  uint32 // of a row of cells
	Squares uint32 // place of the means of c^2, without BLOCK
	Ridge   float32
}

// Cells paints the cells of a gate into a picture. Its Frame holds the clock in seconds, the
// price (0: there is none), and when each player was removed (0: it is there).
var Cells = kernel("cells", []string{"Frame", "Cells", "Picture"}, []string{"LOCAL_SIZE"}, CellsPush{})

// CellsPush holds the push constants of Cells.
type CellsPush struct {
	Players   uint32
	Stride    uint32 // of a row of cells, in numbers
	Columns   uint32
	Size      uint32 // pixels from one cell to the next
	X, Y      uint32 // of the first pixel
	Width     uint32 // of the picture
	BlueFirst uint32 // 1: the bytes of a pixel are blue, green, red, 255
}

// Peak makes multiply-adds in registers: each invocation PeakOperations in a turn.
var Peak = kernel("peak", []string{"Result"}, []string{"LOCAL_SIZE"}, PeakPush{})

// PeakOperations are the additions and multiplications in a turn of Peak: two in
// each of the four numbers of three vectors, sixteen times over.
const PeakOperations = 2 * 4 * 3 * 16

// PeakPush holds the push constants of Peak.
type PeakPush struct {
	Turns           uint32
	Factor, Summand float32 // 1 and 0, which no compiler must know
}

// All returns every kernel.
func All() []Kernel {
	return []Kernel{
		Gather, Forward, Sparse, Output, Loss, OutputSample, Backward, Gradient, Collect,
		Squares, Clip, Update, Mask, Squaring, Weigh,
		Mixture, Total, Charge, Norms, Paper, PaperWeights, Effects, Moments, Play, Pass, Dropout, Through, Ungate, Tally,
		Pointwise, Convolve, Correlate, Settle, NormSums, NormStats, NormBack, Pool, PoolBack, Show, Cells, Peak,
	}
}
