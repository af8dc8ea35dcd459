package trainer

import (
	"math"

	"nashprune/game"
	"nashprune/trainer/random"
)

// plan is the calendar of one training: what happens at which step. It holds no
// state, so a training can be taken up again at any step.
type plan struct {
	config   Config
	game     GameKind
	samples  int
	perEpoch int // steps; the last may hold a partial batch
	total    int // steps

	// The market opens after step opens and closes after step closes; both are
	// zero where there is none.
	opens, closes int
	widths        []int // at the start, from the inputs to the logits
	// shares are the players that each hidden layer keeps in the market, or, where
	// all layers share one or are ranked together, may be expected to keep.
	shares  []int
	target  Target
	latency *LatencyModel // where the market needs one, once it is known
}

// longestStretch is how many steps run without a word from the host: short
// enough to show progress and to stop soon, long enough to cost nothing.
const longestStretch = 64

// newPlan returns the plan of a training of a network of the given widths. It is
// an error of the kind [ErrUsage] when the rounds do not fit into the market's
// steps, and when no network meets the market's target.
func newPlan(c Config, kind GameKind, widths []int, samples int) (plan, error) {
	p := plan{config: c, game: kind, samples: samples, widths: widths}
	p.perEpoch = (samples + c.Batch - 1) / c.Batch
	p.total = c.Epochs * p.perEpoch
	if !kind.inRounds() {
		return p, nil
	}
	p.opens = int(math.Round(c.WarmUp * float64(p.total)))
	p.closes = min(p.total, p.opens+int(math.Round(c.GameShare*float64(p.total))))
	if steps := p.closes - p.opens; steps < c.Rounds {
		return p, Usagef("--rounds %d do not fit into the %d steps while the market is open: fewer rounds, more epochs or a larger --game-share",
			c.Rounds, steps)
	}
	return p, p.aim()
}

// roundEnd returns the step after which round k takes place, from 1.
func (p plan) roundEnd(k int) int {
	return p.opens + k*(p.closes-p.opens)/p.config.Rounds
}

// roundAt returns the round that takes place after step, or 0.
func (p plan) roundAt(step int) int {
	if !p.game.inRounds() || step <= p.opens || step > p.closes {
		return 0
	}
	rounds, span := p.config.Rounds, p.closes-p.opens
	// The smallest k that does not end before step.
	if k := ((step-p.opens)*rounds + span - 1) / span; p.roundEnd(k) == step {
		return k
	}
	return 0
}

// sharedSteps returns the steps of the prefix that a training shares with others that
// differ only in what happens from the first round on, or 0 if it shares none, as with a
// model of latencies, which is measured.
func (p plan) sharedSteps() int {
	if !p.game.inRounds() || p.config.needsLatency() {
		return 0
	}
	return p.roundEnd(1) - 1
}

// epochOf returns the epoch that contains the given number of finished steps,
// from 1: the epoch of its last step.
func (p plan) epochOf(step int) int { return max(1, (step+p.perEpoch-1)/p.perEpoch) }

// tracking says whether the step that follows keeps statistics: from an epoch
// before the market opens until it closes, unless rounds observe the players.
func (p plan) tracking(step int) bool {
	return p.game == MarketGame && p.config.Worth != game.Outputs && step >= p.opens-p.perEpoch && step < p.closes
}

// open tells whether players may leave after the step that follows. Weights then do not
// decay by AdamW: they make up for participations that fall, and decay would hold them
// back (testdata/mnist).
func (p plan) open(step int) bool {
	return p.game.inRounds() && step >= p.opens && step < p.closes
}

// next returns where the stretch that starts after step ends: at the next round
// or the end of the epoch, where the market opens, a step before its first round, where tracking begins or
// ends, or when it is long enough.
func (p plan) next(step int) int {
	end := min(step+longestStretch, (step/p.perEpoch+1)*p.perEpoch, p.total)
	for s := step + 1; s < end; s++ {
		if p.roundAt(s) > 0 || s == p.opens || s == p.sharedSteps() || p.tracking(s) != p.tracking(step) {
			return s
		}
	}
	return end
}

// learningRate returns the rate of the step that follows after step others.
func (p plan) learningRate(step int) float64 {
	rate := p.config.LearningRate
	if warmUp := p.config.LearningRateWarmUp * float64(p.perEpoch); float64(step+1) < warmUp {
		rate *= float64(step+1) / warmUp
	}
	switch p.config.Schedule {
	case Cosine:
		if step >= p.closes {
			rate *= between(1, CosineFloor, float64(step-p.closes)/float64(p.total-p.closes))
		}
	case Step:
		rate *= math.Pow(p.config.StepFactor, math.Floor(float64(step)/(p.config.StepEpochs*float64(p.perEpoch))))
	}
	return rate
}

// between returns the point on half a cosine from one number to another when a
// fraction of the way has passed.
func between(from, to, passed float64) float64 {
	return to + (from-to)*(1+math.Cos(math.Pi*passed))/2
}

// stretch returns the steps from one count of steps to another, in one epoch
// whose order of samples is given.
func (p plan) stretch(order []int32, from, to int) Stretch {
	first := from / p.perEpoch * p.perEpoch // of the epoch
	batch := p.config.Batch
	s := Stretch{
		Order:   order[(from-first)*batch : min(p.samples, (to-first)*batch)],
		Track:   p.tracking(from),
		NoDecay: p.open(from),
	}
	for step := from; step < to; step++ {
		s.LearningRates = append(s.LearningRates, p.learningRate(step))
	}
	if p.paperPlays(from) {
		s.Paper = &PaperMove{Game: p.config.Paper(), Update: p.config.Update, Rate: p.config.ParticipationRate}
	}
	return s
}

// order returns the order of the training samples in an epoch, from 0.
func (p plan) order(epoch int) []int32 {
	return random.New(p.config.Seed, random.Order, uint32(epoch), 0).Permutation(p.samples)
}

// A round observes the players on one of 32 of as many samples as are trained on between
// two rounds. That takes two thirds of a step's products for each, as no gradients of
// weights are worked out, and so 2 % of the training's. On fewer than 256 a mean square is
// off by a fifth of itself and more, so that many it takes also where they are more than
// one of 32, and more than 1024 tell little else.
const (
	observedShare  = 1. / 32
	fewestObserved = 256
	mostObserved   = 1024
)

// Observed returns on how many of so many training samples a round observes the
// players, where so many are trained on between two rounds.
func Observed(between float64, samples int) int {
	return min(max(int(between*observedShare), fewestObserved), mostObserved, samples)
}

// observed returns the training samples on which round k observes the players.
func (p plan) observed(k int) []int32 {
	between := float64((p.closes-p.opens)*p.config.Batch) / float64(p.config.Rounds)
	all := random.New(p.config.Seed, random.Observation, uint32(k), 0).Permutation(p.samples)
	return all[:Observed(between, p.samples)]
}

// demands returns how many players each layer's market asks for in round k, if the
// demand fell in every round before.
func (p plan) demands(k int) []int {
	demands := make([]int, len(p.shares))
	for l, keep := range p.shares {
		demands[l] = game.Demand(p.widths[l+1], keep, float64(k)/float64(p.config.Rounds))
	}
	return demands
}

// conditionPoints is at how many epochs of a game's training condition numbers are
// taken: for 784-512-256-10 each takes about a tenth of a second.
const conditionPoints = 5

// conditionsDue tells whether condition numbers are taken at the end of an epoch,
// from 1: at the last and at those that divide the training into equal parts, as
// nearly as there are epochs.
func (p plan) conditionsDue(epoch int) bool {
	part := func(epoch int) int { return epoch * conditionPoints / p.config.Epochs }
	return p.game != NoGame && p.game != RankingGame && part(epoch) > part(epoch-1)
}

// work estimates the multiplications that the steps from one count to another
// take, by the players that the market asks for at the time.
func (p plan) work(from, to int) float64 {
	total := 0.
	for step := from; step < to; {
		end := to // until which all steps take the same
		switch {
		case step < p.opens:
			end = min(to, p.opens)
		case step < p.closes:
			end = step + 1
		}
		total += float64(end-step) * p.stepWork(step)
		step = end
	}
	return total
}

func (p plan) stepWork(step int) float64 {
	passed := 0.
	switch {
	case !p.game.inRounds() || step < p.opens:
	case step >= p.closes:
		passed = 1
	default:
		passed = float64(step-p.opens) / float64(p.closes-p.opens)
	}
	macs, below := 0., p.widths[0]
	for l, width := range p.widths[1:] {
		if l < len(p.shares) {
			width = game.Demand(width, p.shares[l], passed)
		}
		macs += float64(below * width)
		below = width
	}
	return macs
}
