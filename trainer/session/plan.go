package session

import (
	"math"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
	"nashprune/trainer/settings"
)

// paperPlays reports whether the players of the paper's game move with the step that
// follows.
func (p Plan) paperPlays(step int) bool {
	return p.Game == game.PaperGame || p.Game == game.RankingGame && p.Config.Criterion == game.Participation && step < p.closes
}

// drawsGates reports whether gates are drawn anew in every step before the last removal.
func (p Plan) drawsGates() bool {
	return p.Config.Update == backend.HardConcrete && p.paperPlays(0)
}

// Plan is the calendar of one training: what happens at which step. It holds no
// state, so a training can be taken up again at any step.
type Plan struct {
	Config   settings.Config
	Game     game.Kind
	samples  int
	PerEpoch int // steps; the last may hold a partial batch
	Total    int // steps

	// The market opens after step opens and closes after step closes; both are
	// zero where there is none.
	opens, closes int
	Graph         *network.Graph // at the start
	// shares are the players that each gate keeps in the market, or, where all gates
	// share one or are ranked together, may be expected to keep.
	shares []int
	Target cost.Target
	Given
}

// Given is what a plan takes beside the configuration.
type Given struct {
	// Latency is the model of latencies; nil where none is needed, and as long as it is not measured.
	Latency *cost.Model
	// PlayerCosts are what players cost in a market, by gate at the start; nil: 1 each.
	PlayerCosts game.Costs
	// FileBytes returns the size of the file with a network. A target of bytes takes it.
	FileBytes func(*network.Network) (int, error)
}

// longestStretch is how many steps run without a word from the host: short
// enough to show progress and to stop soon, long enough to cost nothing.
const longestStretch = 64

// NewPlan returns the plan of a training of a network of the given graph. It is an error of the
// kind [backend.ErrUsage] when the rounds do not fit into the market's steps, and when no network
// meets the market's target.
func NewPlan(c settings.Config, kind game.Kind, g *network.Graph, samples int, given Given) (Plan, error) {
	p := Plan{Config: c, Game: kind, samples: samples, Graph: g, Given: given}
	p.PerEpoch = (samples + c.Batch - 1) / c.Batch
	p.Total = c.Epochs * p.PerEpoch
	if !kind.InRounds() {
		return p, nil
	}
	if kind == game.RankingGame && c.Criterion == game.OBS {
		if err := compensation.CheckElimination(g); err != nil {
			return p, backend.Usagef("--criterion obs: %v; try --criterion outputs", err)
		}
	}
	if c.Compensate != compensation.None {
		if err := compensation.Check(g); err != nil {
			return p, backend.Usagef("--compensate %s: %v; try --compensate none", c.Compensate, err)
		}
	}
	p.opens = int(math.Round(c.WarmUp * float64(p.Total)))
	p.closes = min(p.Total, p.opens+int(math.Round(c.GameShare*float64(p.Total))))
	if steps := p.closes - p.opens; steps < c.Rounds && p.Total > 0 {
		return p, backend.Usagef("--rounds %d do not fit into the %d steps while the market is open: fewer rounds, more epochs or a larger --game-share",
			c.Rounds, steps)
	}
	if p.playsWeights() {
		return p, p.aimWeights()
	}
	return p, p.aim()
}

// RoundEnd returns the step after which round k takes place, from 1.
func (p Plan) RoundEnd(k int) int {
	return p.opens + k*(p.closes-p.opens)/p.Config.Rounds
}

// roundAt returns the round that takes place after step, or 0.
func (p Plan) roundAt(step int) int {
	if !p.Game.InRounds() || step <= p.opens || step > p.closes {
		return 0
	}
	rounds, span := p.Config.Rounds, p.closes-p.opens
	// The smallest k that does not end before step.
	if k := ((step-p.opens)*rounds + span - 1) / span; p.RoundEnd(k) == step {
		return k
	}
	return 0
}

// SharedSteps returns the steps of the prefix that a training shares with others that
// differ only in what happens from the first round on, or 0 if it shares none: a model of
// latencies is measured, where no file has it, and prices of gates follow from how many players are to stay.
func (p Plan) SharedSteps() int {
	if !p.Game.InRounds() || p.Config.NeedsLatency() && p.Config.LatencyModel == "" || p.Config.MultiplierRate > 0 || p.Config.Source != "" {
		return 0
	}
	return p.RoundEnd(1) - 1
}

// EpochOf returns the epoch that contains the given number of finished steps,
// from 1: the epoch of its last step.
func (p Plan) EpochOf(step int) int { return max(1, (step+p.PerEpoch-1)/p.PerEpoch) }

// open reports whether players may be removed after the step that follows. Weights then do not
// decay by AdamW: they make up for participations that fall, and decay would hold them
// back (testdata/mnist).
func (p Plan) open(step int) bool {
	return p.Game.InRounds() && step >= p.opens && step < p.closes
}

// next returns where the stretch that starts after step ends: at the next round or the end
// of the epoch, where the market opens, a step before its first round, where groups shrink or gates get
// other prices, or when it is long enough.
func (p Plan) next(step int) int {
	end := min(step+longestStretch, (step/p.PerEpoch+1)*p.PerEpoch, p.Total)
	for s := step + 1; s < end; s++ {
		if p.roundAt(s) > 0 || p.shrinkage(s) > 0 || p.pricesGates(s) || s == p.opens || s == p.SharedSteps() {
			return s
		}
	}
	return end
}

// learningRate returns the rate of the step that follows after step others.
func (p Plan) learningRate(step int) float64 {
	rate := p.Config.LearningRate
	if warmUp := p.Config.LearningRateWarmUp * float64(p.PerEpoch); float64(step+1) < warmUp {
		rate *= float64(step+1) / warmUp
	}
	switch p.Config.Schedule {
	case settings.Cosine:
		if step >= p.closes {
			rate *= between(1, settings.CosineFloor, float64(step-p.closes)/float64(p.Total-p.closes))
		}
	case settings.Step:
		rate *= math.Pow(p.Config.StepFactor, math.Floor(float64(step)/(p.Config.StepEpochs*float64(p.PerEpoch))))
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
func (p Plan) stretch(order []int32, from, to int) backend.Stretch {
	first := from / p.PerEpoch * p.PerEpoch // of the epoch
	batch := p.Config.Batch
	s := backend.Stretch{
		Order:   order[(from-first)*batch : min(p.samples, (to-first)*batch)],
		NoDecay: p.open(from),
	}
	for step := from; step < to; step++ {
		s.LearningRates = append(s.LearningRates, p.learningRate(step))
	}
	if p.paperPlays(from) {
		s.Paper = &backend.PaperMove{Game: p.Config.Paper(), Update: p.Config.Update, Rate: p.Config.ParticipationRate, Seed: p.Config.Seed}
	}
	return s
}

// order returns the order of the training samples in an epoch, from 0.
func (p Plan) order(epoch int) []int32 {
	return random.New(p.Config.Seed, random.Order, uint32(epoch), 0).Permutation(p.samples)
}

// A round observes players on one of 32 of as many samples as are trained on
// between two rounds. Each takes two thirds of a step's products, as no gradients of
// weights are computed, and so 2 % of the training's, and one round in four twice as
// many. On fewer than 256 samples the error of a mean square is a fifth of it and more, so
// a round takes at least these; more than 1024 add little.
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
func (p Plan) observed(k int) []int32 { return p.draw(k, 0) }

// plays is how many plays a check compares, that of the round and two more.
const plays = 3

// checked returns the training samples of check 0 or 1 of round k. They are not those of the
// round, nor of the other check.
func (p Plan) checked(k, check int) []int32 { return p.draw(k, 1+check) }

// draw returns the samples of a play of round k, where there are enough for it.
func (p Plan) draw(k, play int) []int32 {
	between := float64((p.closes-p.opens)*p.Config.Batch) / float64(p.Config.Rounds)
	count := Observed(between, p.samples)
	if p.Total == 0 { // no training that it would take a part of
		count = min(mostObserved, p.samples)
	}
	all := random.New(p.Config.Seed, random.Observation, uint32(k), 0).Permutation(p.samples)
	return all[play*count:][:count]
}

// checkEvery is in how many rounds one is checked on samples of its own.
const checkEvery = 4

// checks reports whether what is played in round k, when the demand has fallen for so many
// rounds, is checked: now and then, and where the number of players that are asked for comes
// to its end. It takes samples of its own; where there are too few, nothing is checked.
func (p Plan) checks(k, fallen int) bool {
	if plays*len(p.observed(k)) > p.samples {
		return false
	}
	if p.playsWeights() {
		return false
	}
	if k%checkEvery == 0 || p.Config.Cost != "" {
		return k%checkEvery == 0
	}
	least := network.Sum(p.shares)
	return network.Sum(p.demands(fallen)) == least && network.Sum(p.demands(fallen-1)) > least
}

// conditionPoints is at how many epochs of a game's training condition numbers are
// taken: for 784-512-256-10 each takes about a tenth of a second.
const conditionPoints = 5

// ConditionsDue reports whether condition numbers are taken at the end of an epoch,
// from 1: at the last and at those that divide the training into equal parts, as
// nearly as there are epochs.
func (p Plan) ConditionsDue(epoch int) bool {
	part := func(epoch int) int { return epoch * conditionPoints / p.Config.Epochs }
	return p.Game != game.NoGame && p.Game != game.RankingGame && part(epoch) > part(epoch-1)
}

// Work estimates the multiplications that the steps from one count to another
// take, by the players that the market asks for at the time.
func (p Plan) Work(from, to int) float64 {
	total := 0.
	for step := from; step < to; {
		end := to // until which all steps take the same
		switch {
		case step < p.opens:
			end = min(to, p.opens)
		case step < p.closes:
			end = step + 1
		}
		total += float64(end-step) * p.StepWork(step)
		step = end
	}
	return total
}

// StepWork estimates the multiplications of a sample in the step that follows.
func (p Plan) StepWork(step int) float64 {
	passed := 0.
	switch {
	case !p.Game.InRounds() || step < p.opens:
	case step >= p.closes:
		passed = 1
	default:
		passed = float64(step-p.opens) / float64(p.closes-p.opens)
	}
	if p.playsWeights() { // which a device computes all
		return float64(p.Graph.MACs())
	}
	players := p.Graph.Widths()
	for i, share := range p.shares {
		players[i] = game.Demand(players[i], share, passed)
	}
	return float64(p.Graph.MACsAt(p.Graph.SizesWith(players)))
}
