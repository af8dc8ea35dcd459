package trainer

import (
	"context"
	"math"
	"time"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// training is one network on its way through its plan.
type training struct {
	name    string // what its lines in the metrics and its errors call it
	plan    plan
	engine  Engine
	data    *dataset.Dataset
	loss    Loss
	journal journal
	position

	// What it takes to put back players who left the market; nil without one.
	witnesses *witnesses
	departed  *network.Network // of full width: everybody as it was when it last lived

	order []int32          // of the samples in the present epoch
	epoch int              // that order is for, from 0
	best  *network.Network // at the end of the epoch that Best names
}

// journal is told what happens on the way.
type journal interface {
	// epochEnded is told of every finished epoch.
	epochEnded(t *training, line EpochLine) error
	// roundEnded is told of every round of the market.
	roundEnded(t *training, line RoundLine) error
	// stretchEnded is told of every finished stretch and the step it started
	// after, once the two others know.
	stretchEnded(t *training, from int) error
}

// position is everything that a training remembers besides tensors. It is what
// a checkpoint holds of it.
type position struct {
	Step        int              `json:"step"`
	Unfinished  Progress         `json:"unfinished"` // the epoch under way, so far
	Ledgers     []*game.Ledger   `json:"ledgers,omitempty"`
	Certificate game.Certificate `json:"certificate"`
	Seconds     PhaseSeconds     `json:"seconds"`
	// Best is the best epoch so far, where one is looked for, and Stopped tells that
	// none better came for as long as the configuration's patience.
	Best    *BestEpoch `json:"best,omitempty"`
	Stopped bool       `json:"stopped,omitempty"`
	market
}

// BestEpoch is the epoch at whose end the loss on the validation part was lowest.
type BestEpoch struct {
	Epoch          int     `json:"epoch"` // from 1
	ValidationLoss float64 `json:"validation_loss"`
}

// PhaseSeconds is the time that a training took, and how much of it while the
// game was played and after the market had closed.
type PhaseSeconds struct {
	Training float64 `json:"training"`
	Game     float64 `json:"game"`
	Tail     float64 `json:"tail"`
}

// newPosition is the start of a training.
func newPosition(p plan) position {
	var start position
	if p.game.inRounds() {
		for _, width := range p.widths[1 : len(p.widths)-1] {
			start.Ledgers = append(start.Ledgers, game.NewLedger(width))
			if p.game == MarketGame {
				start.WhenItLeft = append(start.WhenItLeft, make([]float64, width))
			}
		}
	}
	return start
}

// live lists the players that are still in the market, of those at the start.
func (p position) live() network.Survivors {
	var live network.Survivors
	for _, ledger := range p.Ledgers {
		live = append(live, ledger.Live)
	}
	return live
}

// players returns how many players each hidden layer has.
func (t *training) players() []int {
	if t.Ledgers == nil {
		return t.plan.widths[1 : len(t.plan.widths)-1]
	}
	var players []int
	for _, ledger := range t.Ledgers {
		players = append(players, len(ledger.Live))
	}
	return players
}

// run takes the training to the end of its plan, or until patience is at its end,
// and back to its best epoch, where one was looked for. When ctx ends it stops after a
// step and returns ctx's error; run again goes on from there and gives the same
// bits as if it had never stopped.
func (t *training) run(ctx context.Context) error {
	for t.Step < t.plan.total && !t.Stopped {
		if err := ctx.Err(); err != nil {
			return err
		}
		epoch := t.Step / t.plan.perEpoch
		if t.order == nil || t.epoch != epoch {
			t.order, t.epoch = t.plan.order(epoch), epoch
		}
		start, from := time.Now(), t.Step
		stretch := t.plan.stretch(t.order, t.Step, t.plan.next(t.Step))
		progress, err := t.engine.Train(ctx, stretch)
		t.Step += progress.Steps
		t.Unfinished.Add(progress)
		if diverged := t.finite(progress.Loss); diverged != nil {
			return diverged
		}
		// An engine may notice the end of ctx after the last step; what is due
		// after that step is then done all the same.
		if err != nil && (ctx.Err() == nil || progress.Steps < stretch.Steps()) {
			t.charge(from, start)
			return err
		}
		if round := t.plan.roundAt(t.Step); round > 0 {
			play := t.playRound
			if t.plan.game == RankingGame {
				play = t.rankOut
			}
			if err := play(round); err != nil {
				return err
			}
		}
		t.charge(from, start)
		if t.Step%t.plan.perEpoch == 0 {
			if err := t.endEpoch(ctx); err != nil {
				return err
			}
		}
		if err := t.journal.stretchEnded(t, from); err != nil {
			return err
		}
	}
	if t.best == nil {
		return nil
	}
	return t.engine.Push(&State{Network: t.best})
}

// trackBestEpoch compares the epoch that just ended with the best before it. Epochs count
// once everybody who leaves has left.
func (t *training) trackBestEpoch(epoch int, loss float64) error {
	if t.plan.config.Patience == 0 || t.Step < t.plan.closes && t.plan.game.inRounds() {
		return nil
	}
	if t.Best != nil && loss >= t.Best.ValidationLoss {
		t.Stopped = epoch-t.Best.Epoch >= t.plan.config.Patience
		return nil
	}
	state, err := t.engine.Pull()
	if err != nil {
		return err
	}
	t.Best, t.best = &BestEpoch{Epoch: epoch, ValidationLoss: loss}, state.Network
	return nil
}

// finite returns a [DivergedError] when one of the numbers is not finite.
func (t *training) finite(numbers ...float64) error {
	for _, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return t.diverged(x)
		}
	}
	return nil
}

func (t *training) diverged(loss float64) error {
	return &DivergedError{Training: t.name, Epoch: t.plan.epochOf(t.Step), Loss: loss, LearningRate: t.plan.config.LearningRate}
}

// charge adds the time since start to the phase of the stretch that began after
// the given step.
func (t *training) charge(from int, start time.Time) {
	seconds := time.Since(start).Seconds()
	t.Seconds.Training += seconds
	switch {
	case t.plan.game == PaperGame, t.plan.open(from):
		t.Seconds.Game += seconds
	case t.plan.game.inRounds() && from >= t.plan.closes:
		t.Seconds.Tail += seconds
	}
}

// playRound plays round k of the market: prices from the worths, a move of all
// players, and the removal of those who leave. The last round certifies the
// state that the players reached before it keeps exactly as many as asked, folds
// participations into the weights and starts the optimiser afresh.
func (t *training) playRound(k int) error {
	if t.plan.config.Worth == game.Outputs {
		// It takes less than an epoch and is not interrupted, as the certificate.
		if err := t.engine.Observe(context.Background(), t.plan.observed(k)); err != nil {
			return err
		}
	}
	statistics, err := t.engine.Statistics()
	if err != nil {
		return err
	}
	line := RoundLine{Training: t.name, Round: k, Epoch: t.plan.epochOf(t.Step), Step: t.Step}
	if err := t.watch(&line); err != nil {
		return err
	}
	worths := make([][]float64, len(statistics))
	for l := range statistics {
		worths[l] = statistics[l].Worths()
		if err := t.finite(worths[l]...); err != nil {
			return err
		}
	}
	clearing := t.plan.clear(worths, k-t.Held)
	demands := clearing.Demands
	line.Demand, line.Prices, line.Costs = demands, clearing.Prices, clearing.Costs
	for l, ledger := range t.Ledgers {
		ledger.QuoteAt(worths[l], line.Prices[l])
		line.Supply = append(line.Supply, game.Market{Price: line.Prices[l]}.Supply(worths[l]))
	}
	moved, err := t.engine.Move(line.Prices, t.plan.config.Damping)
	if err != nil {
		return err
	}
	last := k == t.plan.config.Rounds
	if last {
		if err := t.certify(k - t.Held); err != nil {
			return err
		}
	}
	var stay network.Survivors
	before, leaving := t.live(), 0
	for l, ledger := range t.Ledgers {
		was := len(ledger.Live)
		if last {
			stay = append(stay, ledger.Close(moved[l], demands[l]))
		} else {
			stay = append(stay, ledger.Settle(moved[l], demands[l]))
		}
		leaving += was - len(ledger.Live)
	}
	line.Players = t.players()
	if err := t.putBack(before, last); err != nil {
		return err
	}
	if leaving > 0 {
		if err := t.engine.Compact(stay); err != nil {
			return err
		}
	}
	if last {
		if err := t.engine.Fold(); err != nil {
			return err
		}
		if err := t.engine.RestartOptimiser(); err != nil {
			return err
		}
	}
	return t.journal.roundEnded(t, line)
}

// certify measures the worths of all players over the whole training part and
// how far they are from equilibrium at the price that clears the demand, which has
// fallen for so many rounds. It takes less than an epoch and is not interrupted, so that a round is never
// left half played.
func (t *training) certify(fallen int) error {
	measured, err := t.engine.Measure(context.Background())
	if err != nil {
		return err
	}
	worths := make([][]float64, len(measured))
	for l := range measured {
		worths[l] = measured[l].Worths()
	}
	t.Certificate, t.Closing = game.Certificate{}, nil
	clearing := t.plan.clear(worths, fallen)
	for l, statistics := range measured {
		end := closing{
			Players: t.Ledgers[l].Live, Worths: worths[l], Participations: statistics.Participation,
			Demand: clearing.Demands[l], Price: clearing.Prices[l],
		}
		if clearing.Costs != nil {
			end.Cost = clearing.Costs[l]
		}
		t.Certificate.CertifyMarket(game.Market{Price: end.Price}, end.Worths, end.Participations)
		t.Closing = append(t.Closing, end)
	}
	return t.finite(t.Certificate.TotalGap, t.Certificate.Scale)
}

// certificate states what is known of a finished market, with its rounds.
func (t *training) certificate(rounds []RoundLine) *Certificate {
	return marketCertificate(finishedMarket{
		Certificate: t.Certificate, Ledgers: t.Ledgers, Closing: t.Closing, WhenItLeft: t.WhenItLeft, AtTheEnd: t.AtTheEnd,
		Witnesses: t.witnesses, Players: marketPlayers(t.plan, t.Ledgers), Rounds: rounds,
	})
}

// absurdLoss is how many times the loss of guessing the mean loss of an epoch may
// be, both with the class weights of the training. Training that recovers is below it after an epoch; training
// that blew up is above, even where its numbers stay finite. In the paper's game a
// player may be thrown from nearly 0 to 1 in a step, and what comes of that is the
// game's own outcome.
const absurdLoss = 100

// endEpoch reports an epoch and starts the sums of the next.
func (t *training) endEpoch(ctx context.Context) error {
	line := EpochLine{
		Training:     t.name,
		Epoch:        t.plan.epochOf(t.Step),
		Step:         t.Step,
		Loss:         t.Unfinished.Loss / float64(t.Unfinished.Samples),
		LearningRate: t.plan.learningRate(t.Step - 1),
		Players:      t.players(),
		Seconds:      t.Seconds.Training,
	}
	if !t.data.Regression() {
		accuracy := 100 * float64(t.Unfinished.Correct) / float64(t.Unfinished.Samples)
		line.Accuracy = &accuracy
	}
	if t.plan.game != PaperGame && line.Loss > absurdLoss*t.loss.guessing(t.data) {
		return t.diverged(line.Loss)
	}
	if t.plan.config.Validation > 0 {
		evaluation, err := t.engine.Evaluate(context.WithoutCancel(ctx), ValidationPart, Want{})
		if err != nil {
			return err
		}
		if err := t.finite(evaluation.Loss); err != nil {
			return err
		}
		line.ValidationLoss = &evaluation.Loss
		if t.data.Regression() {
			line.ValidationR2 = explained(evaluation.Loss, t.data.Validation)
		} else {
			accuracy := evaluation.Accuracy()
			line.ValidationAccuracy = &accuracy
		}
		if err := t.trackBestEpoch(line.Epoch, evaluation.Loss); err != nil {
			return err
		}
	}
	if t.plan.game == PaperGame {
		if err := t.addParticipations(&line); err != nil {
			return err
		}
	}
	t.Unfinished = Progress{}
	return t.journal.epochEnded(t, line)
}

// addParticipations adds to a line what the players of the paper's game play.
func (t *training) addParticipations(line *EpochLine) error {
	layers, err := t.engine.Statistics()
	if err != nil {
		return err
	}
	total, players := 0., 0
	for _, layer := range layers {
		active := 0
		for _, s := range layer.Participation {
			total += s
			if s >= t.plan.config.Threshold {
				active++
			}
		}
		players += len(layer.Participation)
		line.Active = append(line.Active, active)
	}
	mean := total / float64(players)
	line.MeanParticipation = &mean
	return t.finite(mean)
}

// What the lines of metrics.jsonl, progress and errors call a training.
const (
	GameTraining    = "game"    // with a game
	RankingTraining = "ranking" // without one, and players are removed by a criterion
	DenseTraining   = "dense"   // without, and nobody leaves
)

// EpochLine is a line of metrics.jsonl about one epoch. Its accuracies are of
// classification, its R2 of regression.
type EpochLine struct {
	Training           string   `json:"training"` // GameTraining, RankingTraining or DenseTraining
	Epoch              int      `json:"epoch"`
	Step               int      `json:"step"`
	LearningRate       float64  `json:"learning_rate"`      // of its last step
	Loss               float64  `json:"loss"`               // mean over the epoch, before each update
	Accuracy           *float64 `json:"accuracy,omitempty"` // percent, likewise
	ValidationLoss     *float64 `json:"validation_loss,omitempty"`
	ValidationAccuracy *float64 `json:"validation_accuracy,omitempty"`
	ValidationR2       *float64 `json:"validation_r2,omitempty"`
	Players            []int    `json:"players"` // of each hidden layer
	Seconds            float64  `json:"seconds"` // of this training so far

	// Of the paper's game: players of each hidden layer that are not below the
	// threshold, and the mean participation of all players.
	Active            []int    `json:"active,omitempty"`
	MeanParticipation *float64 `json:"mean_participation,omitempty"`

	// ConditionNumbers are those of the effective weights diag(s) W, the largest
	// singular value over the smallest, of every layer, at a few epochs of a game's
	// training. Nil within: above a million, or too large to work out.
	ConditionNumbers []*float64 `json:"condition_numbers,omitempty"`
}

// RoundLine is a line of metrics.jsonl about one round of the market or of a
// ranking; the slices have one entry a hidden layer.
type RoundLine struct {
	Training string    `json:"training"`
	Round    int       `json:"round"`
	Epoch    int       `json:"epoch"`
	Step     int       `json:"after_step"` // of the training
	Demand   []int     `json:"demand"`
	Prices   []float64 `json:"prices,omitempty"` // of the market
	Supply   []float64 `json:"supply,omitempty"` // the best responses at these prices, added
	Cuts     []float64 `json:"cuts,omitempty"`   // of a ranking: the highest scores of those who left
	Players  []int     `json:"players"`          // after it

	// Costs are what one price is multiplied with where all layers share a market.
	Costs []float64 `json:"costs,omitempty"`
	// ValidationAccuracy, in percent before the round, is looked at where the target
	// is how far it may fall; Held is in how many rounds so far the demand was held.
	ValidationAccuracy *float64 `json:"validation_accuracy,omitempty"`
	Held               int      `json:"held,omitempty"`
}
