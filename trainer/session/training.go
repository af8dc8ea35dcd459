package session

import (
	"context"
	"math"
	"time"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// Training is one network on its way through its plan.
type Training struct {
	Name    string // what its lines in the metrics and its errors call it
	Plan    Plan
	Engine  backend.Engine
	Data    *dataset.Dataset
	Loss    backend.Loss
	Journal Journal
	Position

	// Departed is of full width: all players as they were when last in the network.
	Departed *network.Network

	order       []int32          // of the samples in the present epoch
	epoch       int              // that order is for, from 0
	BestNetwork *network.Network // at the end of the epoch that Best names
}

// Journal receives the events of a training.
type Journal interface {
	// EpochEnded receives every finished epoch.
	EpochEnded(t *Training, line record.EpochLine) error
	// RoundEnded receives every round of the market.
	RoundEnded(t *Training, line record.RoundLine) error
	// StretchEnded receives every finished stretch and the step it started after, after
	// the two others.
	StretchEnded(t *Training, from int) error
}

// Position is everything that a training remembers besides its network. It is what
// a checkpoint holds of it: what has a number a player as tensors, the rest as JSON.
type Position struct {
	Step       int              `json:"step"`
	Unfinished backend.Progress `json:"unfinished"` // the epoch under way, so far
	Ledgers    []*game.Ledger   `json:"-"`          // by gate
	// Weights are the books of single weights, by [network.Graph.Masked]; there are no ledgers then.
	Weights     []*game.Separable `json:"-"`
	Certificate game.Certificate  `json:"certificate"`
	Seconds     PhaseSeconds      `json:"seconds"`
	// Best is the best epoch so far, where one is looked for, and Stopped says that none
	// better came for as long as the configuration's patience.
	Best    *record.BestEpoch `json:"best,omitempty"`
	Stopped bool              `json:"stopped,omitempty"`
	// Multipliers are those of the sparsity of gates that are drawn, see priceGates.
	Multipliers []Multipliers `json:"multipliers,omitempty"`
	Market
}

// PhaseSeconds is the time that a training took, and how much of it while the
// game was played, in its rounds, and after the market had closed. Bids and asks are apart.
type PhaseSeconds struct {
	Training float64 `json:"training"`
	Rounds   float64 `json:"rounds"`
	Certify  float64 `json:"certify"`
	Game     float64 `json:"game"`
	Tail     float64 `json:"tail"`
}

// Start is the start of a training.
func Start(p Plan) Position {
	var start Position
	if p.playsWeights() {
		for _, size := range p.Graph.MarketWidths() {
			start.Weights = append(start.Weights, game.NewSeparable(size))
		}
	} else if p.Game.InRounds() {
		for _, width := range p.Graph.Widths() {
			start.Ledgers = append(start.Ledgers, game.NewLedger(width))
		}
	}
	return start
}

// Rounds returns how many rounds have been played.
func (p Position) Rounds() int {
	switch {
	case len(p.Weights) > 0:
		return len(p.Weights[0].Prices)
	case len(p.Ledgers) > 0:
		return p.Ledgers[0].Rounds
	}
	return 0
}

// AtStart returns how many players each gate had when the market opened.
func (p Position) AtStart() []int {
	players := make([]int, len(p.Ledgers))
	for i, ledger := range p.Ledgers {
		players[i] = len(ledger.Records)
	}
	return players
}

// Live lists the players that are still in the market, of those at the start.
func (p Position) Live() network.Survivors {
	var live network.Survivors
	for _, ledger := range p.Ledgers {
		live = append(live, ledger.Live)
	}
	return live
}

// Players returns how many players each gate has.
func (t *Training) Players() []int {
	if t.Weights != nil {
		var players []int
		for _, books := range t.Weights {
			players = append(players, books.Players())
		}
		return players
	}
	if t.Ledgers == nil {
		return t.Plan.Graph.MarketWidths()
	}
	var players []int
	for _, ledger := range t.Ledgers {
		players = append(players, len(ledger.Live))
	}
	return players
}

// Run takes the training to the end of its plan, or until patience is at its end,
// and back to its best epoch, where one was looked for. When ctx ends it stops after a
// step and returns ctx's error; run again goes on from there and gives the same
// bits as if it had never stopped.
func (t *Training) Run(ctx context.Context) error {
	if t.Plan.Total == 0 {
		return t.removeAlone(ctx)
	}
	for t.Step < t.Plan.Total && !t.Stopped {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.bidsDue() {
			if err := t.takeBids(ctx); err != nil {
				return err
			}
		}
		epoch := t.Step / t.Plan.PerEpoch
		if t.order == nil || t.epoch != epoch {
			t.order, t.epoch = t.Plan.order(epoch), epoch
		}
		start, from := time.Now(), t.Step
		stretch := t.Plan.stretch(t.order, t.Step, t.Plan.next(t.Step))
		progress, err := t.Engine.Train(ctx, stretch)
		t.Step += progress.Steps
		t.Unfinished.Add(progress)
		if diverged := t.CheckFinite(progress.Loss); diverged != nil {
			return diverged
		}
		// An engine may notice the end of ctx after the last step; what is due
		// after that step is then done all the same.
		if err != nil && (ctx.Err() == nil || progress.Steps < stretch.Steps()) {
			t.charge(from, start)
			return err
		}
		if threshold := t.Plan.shrinkage(t.Step); threshold > 0 {
			if err := t.shrinkGroups(threshold); err != nil {
				return err
			}
		}
		if t.Plan.pricesGates(t.Step) {
			if err := t.priceGates(); err != nil {
				return err
			}
		}
		if round := t.Plan.roundAt(t.Step); round > 0 {
			if err := t.PlayRound(round); err != nil {
				return err
			}
		}
		t.charge(from, start)
		if t.Step%t.Plan.PerEpoch == 0 {
			if err := t.endEpoch(ctx); err != nil {
				return err
			}
		}
		if err := t.Journal.StretchEnded(t, from); err != nil {
			return err
		}
	}
	if t.bidsDue() { // the market closed with the training
		if err := t.takeBids(ctx); err != nil {
			return err
		}
	}
	if t.BestNetwork == nil {
		return nil
	}
	return t.Engine.Push(&backend.State{Network: t.BestNetwork})
}

// PlayRound plays a round of the game, or removes by ranks.
func (t *Training) PlayRound(round int) error {
	play := t.playRound
	switch {
	case t.Plan.playsWeights():
		play = t.playWeights
	case t.Plan.Game == game.RankingGame:
		play = t.rankOut
	}
	began := time.Now()
	if err := play(round); err != nil {
		return err
	}
	t.Seconds.Rounds += time.Since(began).Seconds()
	return nil
}

// removeAlone plays all rounds that are left, without steps in between or after them.
func (t *Training) removeAlone(ctx context.Context) error {
	for round := t.Rounds() + 1; round <= t.Plan.Config.Rounds; round++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := t.PlayRound(round); err != nil {
			return err
		}
		t.Seconds.Game += time.Since(start).Seconds()
	}
	t.Seconds.Training = t.Seconds.Game
	return t.Journal.StretchEnded(t, 0)
}

// tracksBest reports whether the best epoch is looked for among the one that just ended. Epochs
// count once there were steps after the last removal.
func (t *Training) tracksBest() bool {
	return t.Plan.Config.Patience > 0 && (t.Step > t.Plan.closes || !t.Plan.Game.InRounds())
}

// watched returns the loss that is trained on the validation part, by an evaluation with logits.
func (t *Training) watched(e backend.Evaluation) float64 {
	s, width := t.Data.Validation, len(e.Logits)/e.Samples
	outputs, sum := make([]float64, width), 0.
	for i := range e.Samples {
		for k, z := range e.Logits[i*width : (i+1)*width] {
			outputs[k] = float64(z)
		}
		sum += t.Loss.Of(s, i, outputs)
	}
	return sum / float64(e.Samples)
}

// trackBestEpoch compares the epoch that just ended with the best before it.
func (t *Training) trackBestEpoch(epoch int, loss float64) error {
	if t.Best != nil && loss >= t.Best.ValidationLoss {
		t.Stopped = epoch-t.Best.Epoch >= t.Plan.Config.Patience
		return nil
	}
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	t.Best, t.BestNetwork = &record.BestEpoch{Epoch: epoch, ValidationLoss: loss}, state.Network
	return nil
}

// CheckFinite returns a [DivergedError] when one of the numbers is not finite.
func (t *Training) CheckFinite(numbers ...float64) error {
	for _, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return t.diverged(x)
		}
	}
	return nil
}

func (t *Training) diverged(loss float64) error {
	return &DivergedError{Training: t.Name, Epoch: t.Plan.EpochOf(t.Step), Loss: loss, LearningRate: t.Plan.Config.LearningRate}
}

// charge adds the time since start to the phase of the stretch that began after
// the given step.
func (t *Training) charge(from int, start time.Time) {
	seconds := time.Since(start).Seconds()
	t.Seconds.Training += seconds
	switch {
	case t.Plan.Game == game.PaperGame, t.Plan.open(from):
		t.Seconds.Game += seconds
	case t.Plan.Game.InRounds() && from >= t.Plan.closes:
		t.Seconds.Tail += seconds
	}
}

// absurdLoss is how many times the loss of guessing the mean loss of an epoch may
// be, both with the class weights of the training. Training that recovers is below it after an epoch; training
// that blew up is above, even where its numbers stay finite. In the paper's game a
// player may be thrown from nearly 0 to 1 in a step, and what comes of that is the
// game's own outcome.
const absurdLoss = 100

// endEpoch reports an epoch and starts the sums of the next.
func (t *Training) endEpoch(ctx context.Context) error {
	line := record.EpochLine{
		Training:     t.Name,
		Epoch:        t.Plan.EpochOf(t.Step),
		Step:         t.Step,
		Loss:         t.Unfinished.Loss / float64(t.Unfinished.Samples),
		LearningRate: t.Plan.learningRate(t.Step - 1),
		Players:      t.Players(),
		Seconds:      t.Seconds.Training,
	}
	if !t.Data.Regression() {
		accuracy := 100 * float64(t.Unfinished.Correct) / float64(t.Unfinished.Samples)
		line.Accuracy = &accuracy
	}
	if t.Plan.Game != game.PaperGame && line.Loss > absurdLoss*t.Loss.Chance(t.Data) {
		return t.diverged(line.Loss)
	}
	if t.Data.Validation.Len() > 0 {
		another := t.tracksBest() && (t.Loss.Smoothing > 0 || t.Loss.ClassWeights != nil) // than evaluations report
		evaluation, err := t.Engine.Evaluate(context.WithoutCancel(ctx), backend.ValidationPart, backend.Want{Logits: another})
		if err != nil {
			return err
		}
		if err := t.CheckFinite(evaluation.Loss); err != nil {
			return err
		}
		line.ValidationLoss = &evaluation.Loss
		if t.Data.Regression() {
			line.ValidationR2 = record.Explained(evaluation.Loss, t.Data.Validation)
		} else {
			accuracy := evaluation.Accuracy()
			line.ValidationAccuracy = &accuracy
		}
		if t.tracksBest() {
			line.WatchedLoss = line.ValidationLoss
			if another {
				loss := t.watched(evaluation)
				line.WatchedLoss = &loss
			}
			if err := t.trackBestEpoch(line.Epoch, *line.WatchedLoss); err != nil {
				return err
			}
		}
	}
	if t.Plan.Game == game.PaperGame {
		if err := t.addParticipations(&line); err != nil {
			return err
		}
	}
	t.Unfinished = backend.Progress{}
	return t.Journal.EpochEnded(t, line)
}

// addParticipations adds to a line what the players of the paper's game play.
func (t *Training) addParticipations(line *record.EpochLine) error {
	participations, err := t.Engine.Participations()
	if err != nil {
		return err
	}
	total, players := 0., 0
	for _, gate := range participations {
		active := 0
		for _, s := range gate {
			total += s
			if s >= t.Plan.Config.Threshold {
				active++
			}
		}
		players += len(gate)
		line.Active = append(line.Active, active)
		line.Participations = append(line.Participations, record.NewParticipations(len(gate), nil, gate))
	}
	mean := total / float64(players)
	line.MeanParticipation = &mean
	return t.CheckFinite(mean)
}
