package report

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestWhateverARunWritesIsRead: the bounds of files have room for the largest run that the
// trainer takes, with the longest numbers.
func TestWhateverARunWritesIsRead(t *testing.T) {
	const (
		gates   = 64
		players = settings.MaxActivations / backend.InferLimit // in all, as a network has activations
		longest = -2.2250738585072014e-308
		epoch   = settings.MaxEpochs
	)
	run := &Run{Config: settings.Config{Epochs: settings.MaxEpochs, Rounds: settings.MaxRounds}}
	var (
		numbers  []float64
		optional []*float64
		counts   []int
	)
	for range gates {
		run.Result.Gates = append(run.Result.Gates, record.Gate{Name: "a \"name\" of a gate", Players: players / gates})
		numbers, counts = append(numbers, longest), append(counts, players)
		optional = append(optional, of(longest))
	}
	length := func(v any) int64 {
		text, err := json.MarshalIndent(v, "  ", " ")
		if err != nil {
			t.Fatal(err)
		}
		return int64(len(text) + len(",\n"))
	}
	round := length(record.RoundLine{
		Training: record.RankingTraining, Round: settings.MaxRounds, Epoch: epoch, Step: math.MaxInt32, Demand: counts, Prices: numbers, Supply: numbers,
		Cuts: numbers, Ascent: numbers, Check: &record.RoundCheck{Samples: math.MaxInt32, Gap: longest, Expected: longest}, Players: counts, Costs: numbers, ValidationAccuracy: of(longest), Held: settings.MaxRounds,
	})
	line := length(record.EpochLine{
		Training: record.RankingTraining, Epoch: epoch, Step: math.MaxInt32, LearningRate: longest, Loss: longest, Accuracy: of(longest), ValidationLoss: of(longest),
		ValidationAccuracy: of(longest), ValidationR2: of(longest), Players: counts, Seconds: longest, Active: counts, MeanParticipation: of(longest), ConditionNumbers: optional,
	})
	account := game.Account{
		Worth: longest, Price: longest, Margin: longest, Participation: longest, BestResponse: longest,
		WorthTerm: longest, PriceTerm: longest, Gain: longest, Ceiling: longest,
	}
	player := length(record.CertifiedPlayer{
		PlayerName: record.PlayerName{Layer: gates, Index: players}, Reason: game.BelowThreshold, Round: settings.MaxRounds, Epoch: epoch, Account: account,
	})
	gate := length(record.CertifiedLayer{
		Gate: run.Result.Gates[0].Name, Players: players, Gap: longest, Price: longest, Cost: longest, Demand: players, Supply: longest, Lambda: longest, Potential: longest, Best: longest, SpectralRadius: of(longest), MeanSquaredNorm: longest,
	})
	var rows bytes.Buffer
	if err := record.WritePlayers(&rows, []record.Player{{
		Layer: gates, Gate: run.Result.Gates[0].Name, Index: players, Worth: longest, Ceiling: longest, Price: longest, Participation: longest, Epoch: epoch, Reason: game.BelowThreshold,
	}}); err != nil {
		t.Fatal(err)
	}
	for file, size := range map[string]int64{
		record.MetricsFile:     2*settings.MaxEpochs*line + settings.MaxRounds*round,
		record.PlayersFile:     players * int64(rows.Len()),
		record.CertificateFile: settings.MaxRounds*round + gates*gate + players*player,
	} {
		if most := run.largest(file); size > most {
			t.Errorf("%s can have %d bytes, and %d are read", file, size, most)
		}
		if most := run.largest(file); size < 1<<28 && file != record.PlayersFile {
			t.Errorf("%s has %d bytes at most, no more than were once read: the test looks at too small a run (%d)", file, size, most)
		}
	}
}
