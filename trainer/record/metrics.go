package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"nashprune/trainer/backend"
)

func (r RoundLine) check() error {
	if r.Round < 1 || len(r.Prices) == 0 {
		return fmt.Errorf("round %d without prices", r.Round)
	}
	return nil
}

// ReadRounds reads the lines about rounds of a market from metrics, without the
// participations, of which a certificate says nothing.
func ReadRounds(metrics io.Reader, m *Market) ([]RoundLine, error) {
	var rounds []RoundLine
	lines := bufio.NewReader(metrics)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return rounds, nil
		}
		if err != nil {
			return nil, err
		}
		var round RoundLine
		if err := json.Unmarshal(line, &round); err != nil {
			return nil, backend.PlainJSON(err)
		}
		if round.Round > 0 {
			if err := m.Belongs(round); err != nil {
				return nil, fmt.Errorf("it is damaged: %w", err)
			}
			round.Participations = nil
			rounds = append(rounds, round)
		}
	}
}

// What the lines of metrics.jsonl, progress and errors call a training.
const (
	GameTraining    = "game"    // with a game
	RankingTraining = "ranking" // without one, and players are removed by a criterion
	DenseTraining   = "dense"   // without, and without removals
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
	// WatchedLoss is the loss that is trained, with its smoothing and class weights, on the validation
	// part, in the epochs in which --patience looks for the best.
	WatchedLoss *float64 `json:"watched_loss,omitempty"`
	Players     []int    `json:"players"` // of each gate
	Seconds     float64  `json:"seconds"` // of this training so far

	// Of the paper's game: players of each gate that are not below the
	// threshold, and the mean participation of all players.
	Active            []int            `json:"active,omitempty"`
	MeanParticipation *float64         `json:"mean_participation,omitempty"`
	Participations    []Participations `json:"participations,omitempty"` // of each gate

	// ConditionNumbers are those of the effective weights diag(s) W, the largest
	// singular value over the smallest, of every layer, at a few epochs of a game's
	// training. Nil within: above a million, or too large to work out.
	ConditionNumbers []*float64 `json:"condition_numbers,omitempty"`
}

// RoundLine is a line of metrics.jsonl about one round of the market or of a
// ranking; the slices have one entry a gate.
type RoundLine struct {
	Training string    `json:"training"`
	Round    int       `json:"round"`
	Epoch    int       `json:"epoch"`
	Step     int       `json:"after_step"` // of the training
	Demand   []int     `json:"demand"`
	Prices   []float64 `json:"prices,omitempty"` // of the market
	Supply   []float64 `json:"supply,omitempty"` // the participations at these prices, added
	// Ascent is by how much the potential of the market rose from full participation.
	Ascent  []float64   `json:"ascent,omitempty"`
	Check   *RoundCheck `json:"check,omitempty"` // of some rounds of the market
	Cuts    []float64   `json:"cuts,omitempty"`  // of a ranking: the highest scores of removed players
	Players []int       `json:"players"`         // after it
	// Participations are what the players of each gate of a market played, before the removals.
	Participations []Participations `json:"participations,omitempty"`

	// Costs are what one price is multiplied with where all layers share a market.
	Costs []float64 `json:"costs,omitempty"`
	// ValidationAccuracy, in percent before the round, is looked at where the target
	// is how far it may fall; Held is in how many rounds so far the demand was held.
	ValidationAccuracy *float64 `json:"validation_accuracy,omitempty"`
	Held               int      `json:"held,omitempty"`
}

// RoundCheck compares what the players of a round played with the equilibria of two games
// whose interactions were measured on other samples.
type RoundCheck struct {
	Samples int     `json:"samples"`      // of both
	Gap     float64 `json:"relative_gap"` // of what was played, in both: their geometric mean
	// Expected is that of each of the two in the other: what is to be expected of a play on
	// a sample. To every gap that of settled players is added, so that none is zero.
	Expected float64 `json:"expected_gap"`
}
