package game

import (
	"slices"
)

// Criterion names what players are ranked by where there is no market. The higher
// its score, the later a player is removed. Weights are taken times the
// participation.
type Criterion string

const (
	// Random ranks by random numbers that follow from the seed.
	Random Criterion = "random"
	// Magnitude is the norm of a player's weights and bias.
	Magnitude Criterion = "magnitude"
	// PathMagnitude is that times the norm of the weights by which the layer above
	// takes in what the player puts out.
	PathMagnitude Criterion = "path-magnitude"
	// Taylor is |s mean(c)|, to first order the change of the mean loss when the
	// player goes; c is the derivative of one sample's loss with respect to s, and
	// the mean is over the whole training part (Molchanov et al., arXiv:1611.06440,
	// for a mean instead of a batch).
	Taylor Criterion = "taylor"
	// Fisher is s^2 mean(c^2), the Fisher information along s, measured over the
	// whole training part: twice the rise of the loss to second order (Theis et al.,
	// arXiv:1801.05787).
	Fisher Criterion = "fisher"
	// OutputSquare is s^2 mean(c^2) with contributions to the outputs, as [Outputs] has
	// them, over the samples that a market would observe in the round: H_ii, what a player
	// would be worth without rivals.
	OutputSquare Criterion = "outputs"
	// OBS is the order of a backward elimination with refit: the mean square of what the
	// nodes that read the player lose with it, after all before it have gone and the others
	// have taken over what these gave (Hassibi and Stork, NIPS 1992).
	OBS Criterion = "obs"
	// Participation is s itself. The paper's game is played until the last removal,
	// with its own settings; gates under an L1 penalty are a case of it (Liu et al.,
	// arXiv:1708.06519).
	Participation Criterion = "participation"
)

// Criteria lists the criteria.
var Criteria = []Criterion{Random, Magnitude, PathMagnitude, Taylor, Fisher, OutputSquare, OBS, Participation}

// Known reports whether the criterion exists.
func (c Criterion) Known() bool { return slices.Contains(Criteria, c) }

// MeansFisher reports whether the criterion is s^2 mean(c^2), of the outputs or of the loss.
func (c Criterion) MeansFisher() bool { return c == OutputSquare || c == Fisher }

// Observes reports whether a round observes the players on samples of its own.
func (c Criterion) Observes() bool { return c == OutputSquare || c == OBS }
