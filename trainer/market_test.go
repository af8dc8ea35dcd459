package trainer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestLatencyRun: a run whose players pay for their time measures a model, meets its
// target by it, and leaves it in its result, from which another run takes it: two
// that do give the same bits.
func TestLatencyRun(t *testing.T) {
	c := tinyConfig(t)
	c.Keep, c.MaxLatencyUS = 0, 1e6
	result, dir := mustRun(t, c)
	m := result.Market
	if m == nil || m.LatencyModel == nil || m.Cost != cost.Latency || m.LatencyModel.Device == "" {
		t.Fatalf("%+v", m)
	}
	if result.Pruned.Kept != result.Pruned.Players {
		t.Errorf("with a second to spare %d of %d stay", result.Pruned.Kept, result.Pruned.Players)
	}
	g := networktest.Perceptron(result.Dense.Shape...).Graph
	whole := m.LatencyModel.Time(g, g.Widths())
	least := m.LatencyModel.Time(g, []int{2, 2})
	c.LatencyModel = filepath.Join(dir, record.ResultFile)
	c.MaxLatencyUS = cost.Limit((whole + least) / 2)
	result, dir = mustRun(t, c)
	if got := *result.Market; got.Reached > float64(c.MaxLatencyUS) || got.Reached != m.LatencyModel.Time(g, result.Pruned.Shape[1:3]) || got.Limit != float64(c.MaxLatencyUS) {
		t.Errorf("%+v, asked for %g us", got, c.MaxLatencyUS)
	}
	_, again := mustRun(t, c)
	for _, name := range artefactsIn(dir) {
		if name != record.DenseFile && string(read(t, dir, name)) != string(read(t, again, name)) {
			t.Errorf("%s differs with the same model", name)
		}
	}
	c.MaxLatencyUS = cost.Limit(least / 2)
	if least > 0 {
		out := filepath.Join(t.TempDir(), "run")
		if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: out}); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("half of what the least network takes: %v", err)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a refused run leaves a folder: %v", err)
		}
	}
}

// TestPercentages: a run takes a percentage of what its dense network takes, of every resource, and
// says of how much.
func TestPercentages(t *testing.T) {
	for resource, change := range map[cost.Resource]func(*settings.Config){
		cost.Parameters: func(c *settings.Config) { c.MaxParameters = -25 },
		cost.MACs:       func(c *settings.Config) { c.MaxMACs = -25 },
		cost.Latency: func(c *settings.Config) {
			c.MaxLatencyUS, c.LatencyModel = -25, latencyModel(t, "0.01,0.1,0", "3,1")
		},
		cost.Bytes:   func(c *settings.Config) { c.MaxBytes, c.Players = -25, "weights" },
		cost.Players: func(c *settings.Config) { c.Keep, c.Cost = -25, cost.MACs },
	} {
		c := tinyConfig(t)
		c.Keep, c.Baseline = 0, true
		change(&c)
		result, dir := mustRun(t, c)
		m := result.Market
		if resource == cost.Players {
			if m.Limit != 8 || result.Pruned.Kept != 8 {
				t.Errorf("a quarter of 30 players: %+v, %d stay", m.Target, result.Pruned.Kept)
			}
			continue
		}
		dense := map[cost.Resource]float64{
			cost.Parameters: float64(result.Dense.Parameters), cost.MACs: float64(result.Dense.MACs),
			cost.Bytes: float64(len(read(t, dir, record.DenseFile))),
		}[resource]
		if resource == cost.Latency {
			g := networktest.Perceptron(result.Dense.Shape...).Graph
			dense = m.LatencyModel.Time(g, g.Widths())
		}
		if off := math.Abs(m.Dense/dense - 1); m.Percent != 25 || off > 1e-9 && (resource != cost.Bytes || off > 0.01) || m.Limit > m.Dense/4 || m.Limit < m.Dense/4-1 { // the sparse file names its layout, too
			t.Errorf("%s: %+v of %g", resource, m.Target, dense)
		}
		if m.Reached > m.Limit || m.Reached < m.Limit/2 {
			t.Errorf("%s: %g are left of at most %g", resource, m.Reached, m.Limit)
		}
		if bytes := len(read(t, dir, record.PrunedFile)); resource == cost.Bytes && bytes != int(m.Reached) {
			t.Errorf("the file has %d bytes, the result says %g", bytes, m.Reached)
		}
		held, err := settings.Read(read(t, dir, record.ConfigFile))
		if targets, _ := held.Targets(); err != nil || len(targets) != 1 || targets[0].Percent != 25 {
			t.Errorf("%s: the file of the run has %+v, %v", resource, targets, err)
		}
	}
}

// latencyModel writes a model of latencies of three layers to a file, with a base of 5 us.
func latencyModel(t *testing.T, perMAC, perNeuron string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.json")
	text := fmt.Sprintf(`{"latency_model":{"batch":128,"base_us":5,"per_mac_us":[%s],"per_neuron_us":[%s],"shapes":26}}`, perMAC, perNeuron)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRankingsWithinALatency: where each player takes 3 us beside a base of 5, a ranking within
// 5 + 3 n us is the ranking of all gates that keeps n players, to the bit.
func TestRankingsWithinALatency(t *testing.T) {
	for _, criterion := range game.Criteria {
		c := rankingConfig(t, criterion)
		c.Rounds, c.Keep, c.Cost = 1, 9, cost.Players
		counted, dir := mustRun(t, c)
		c.Keep, c.MaxLatencyUS, c.Cost, c.LatencyModel = 0, 5+3*9, cost.Latency, latencyModel(t, "0,0,0", "3,3")
		timed, again := mustRun(t, c)
		if timed.Pruned.Kept != 9 || counted.Market != nil || timed.Market.Reached != float64(c.MaxLatencyUS) || timed.Equilibrium != nil {
			t.Errorf("%s: %+v, %+v", criterion, timed.Pruned, timed.Market)
		}
		if string(read(t, dir, record.PlayersFile)) != string(read(t, again, record.PlayersFile)) {
			t.Errorf("%s: other players stay", criterion)
		}
		if *counted.Pruned.Loss != *timed.Pruned.Loss {
			t.Errorf("%s: other weights", criterion)
		}
	}
}

// TestRankingsFollowTheCalendar: after a fraction f of the rounds the network takes at most
// B + (A-B)(1-f)^3, where A is what it takes at the start and B the limit, and has no room for
// one more of the players that have just left. Without a file the model is measured.
func TestRankingsFollowTheCalendar(t *testing.T) {
	c := rankingConfig(t, game.Magnitude)
	c.Rounds, c.Keep, c.MaxLatencyUS, c.LatencyModel = 6, 0, 30, latencyModel(t, "0.01,0.1,0", "3,1")
	result, dir := mustRun(t, c)
	g, model := networktest.Perceptron(result.Dense.Shape...).Graph, result.Market.LatencyModel
	before := g.Widths()
	start := model.Time(g, before)
	removed := 0
	for line := range bytes.Lines(read(t, dir, record.MetricsFile)) {
		var round record.RoundLine
		if err := json.Unmarshal(line, &round); err != nil {
			t.Fatal(err)
		}
		if round.Round == 0 {
			continue
		}
		rest := 1 - float64(round.Round)/6
		most := 30 + (start-30)*rest*rest*rest
		if us := model.Time(g, round.Players); us > most*(1+1e-12) {
			t.Errorf("round %d: %g us of %g", round.Round, us, most)
		}
		for gate, left := range round.Players {
			removed += before[gate] - left
			more := slices.Clone(round.Players)
			if more[gate]++; before[gate] > left && model.Time(g, more) <= most {
				t.Errorf("round %d leaves room for another player of gate %d: %v", round.Round, gate, round.Players)
			}
		}
		before = round.Players
	}
	if removed == 0 || result.Pruned.Kept != network.Sum(before) {
		t.Errorf("%d are removed, %d stay", removed, result.Pruned.Kept)
	}
	c.LatencyModel, c.MaxLatencyUS = "", 1e6
	if measured, _ := mustRun(t, c); measured.Market.LatencyModel == nil || measured.Market.LatencyModel.Device == "" || measured.Pruned.Kept != measured.Pruned.Players {
		t.Errorf("%+v", measured.Market)
	}
}

// TestStoppedWhileLatencyIsMeasured leaves no folder, as nothing was trained.
func TestStoppedWhileLatencyIsMeasured(t *testing.T) {
	c := tinyConfig(t)
	c.Cost = cost.Latency
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := trainer.Run(newCountdown(3), c, trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrInterrupted) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder is left: %v", err)
	}
}

// TestAccuracyDropRun: what is said of the drop are the accuracies on the validation
// part that the last epochs of both trainings had.
func TestAccuracyDropRun(t *testing.T) {
	c := tinyConfig(t)
	c.Keep, c.MaxAccuracyDrop, c.Validation, c.Baseline, c.Rounds = 0, 20, 0.2, true, 8
	result, dir := mustRun(t, c)
	v := result.Market.Validation
	drop, known := v.Drop()
	if !known || drop != *v.Dense-*v.Pruned || result.Market.Reached != float64(result.Pruned.Kept) {
		t.Fatalf("%+v, %+v", result.Market, v)
	}
	last := map[string]float64{}
	rounds := 0
	for text := range bytes.Lines(read(t, dir, record.MetricsFile)) {
		var line struct {
			Training           string   `json:"training"`
			Round              int      `json:"round"`
			ValidationAccuracy *float64 `json:"validation_accuracy"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		if line.Round > 0 {
			rounds++
		}
		if line.ValidationAccuracy == nil {
			t.Fatalf("a line without an accuracy on the validation part: %+v", line)
		}
		last[line.Training] = *line.ValidationAccuracy
	}
	if rounds != 8 || last[record.GameTraining] != *v.Pruned || last[record.DenseTraining] != *v.Dense {
		t.Errorf("%d rounds, the last lines say %v, the result %g and %g", rounds, last, *v.Pruned, *v.Dense)
	}
}

// TestPlannedTargets: a plan reports the target, and a latency without having measured
// anything.
func TestPlannedTargets(t *testing.T) {
	c := tinyConfig(t)
	c.Keep, c.MaxLatencyUS = 0, 1e-3
	d, err := trainer.PlanRun(c, trainer.Options{})
	if err != nil || d.Target == nil || d.Target.Limit != 1e-3 || d.Cost != cost.Latency || d.Keep != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	c.MaxLatencyUS, c.MaxParameters = 0, 3
	if _, err := trainer.PlanRun(c, trainer.Options{}); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("three parameters: %v", err)
	}
}

// TestTargetThatTheDenseNetworkMeets: it is said before the training that no player has to leave.
func TestTargetThatTheDenseNetworkMeets(t *testing.T) {
	for limit, want := range map[cost.Limit]int{1e6: 1, -50: 0} {
		c := tinyConfig(t)
		c.Keep, c.MaxMACs, c.CertifySteps = 0, limit, 0
		said := 0
		observe := func(e trainer.Event) {
			if e.Lasting && strings.Contains(e.Message, "1000000 are allowed: no player has to leave") {
				said++
			}
		}
		if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), Observe: observe}); err != nil {
			t.Fatal(err)
		}
		if said != want {
			t.Errorf("--max-macs %v: said %d times, want %d", limit, said, want)
		}
	}
}
