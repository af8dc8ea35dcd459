package trainer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// rankingConfig is a run of milliseconds in which players are ranked.
func rankingConfig(t *testing.T, criterion game.Criterion) settings.Config {
	c := tinyConfig(t)
	c.Game, c.Criterion = game.RankingGame, criterion
	if criterion == game.Participation {
		c.Benefit, c.BenefitGradient, c.Gamma, c.ParticipationRate = game.Descent, game.OfEffective, 0.01, 0.1
	}
	return c
}

// TestRankingRuns runs every criterion, at once and by and by, at both shapes.
func TestRankingRuns(t *testing.T) {
	for _, criterion := range game.Criteria {
		for _, rounds := range []int{1, 12} {
			for _, shape := range []string{"", "4-5"} {
				c := rankingConfig(t, criterion)
				if c.Rounds, c.Shape = rounds, shape; shape != "" {
					c.Keep = 0
				}
				result, dir := mustRun(t, c)
				p := result.Pruned
				if p.Kept != 9 || p.Criterion != criterion || result.Equilibrium != nil || result.Market != nil || result.Gated.BoundUsed > 1 {
					t.Errorf("%s, %d rounds: %+v, %+v", criterion, rounds, p, result.Equilibrium)
				}
				if shape != "" && !reflect.DeepEqual(p.Shape, []int{36, 4, 5, 4}) {
					t.Errorf("%s: shape %v", criterion, p.Shape)
				}
				if _, err := os.Stat(filepath.Join(dir, record.CertificateFile)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: there is a certificate of no game: %v", criterion, err)
				}
				players, err := record.ReadPlayers(bytes.NewReader(read(t, dir, record.PlayersFile)))
				if err != nil || len(players) != 30 {
					t.Fatalf("%d players, %v", len(players), err)
				}
				for _, player := range players {
					left := player.Reason == game.RankedOut
					if !left && player.Reason != game.Kept || left && (player.Worth > player.Price || player.Epoch < 1 || player.Epoch > 2) {
						t.Errorf("%s, %d rounds: %+v", criterion, rounds, player)
					}
					if criterion == game.Participation && player.Worth != player.Participation {
						t.Errorf("%+v is not ranked by its participation", player)
					}
				}
			}
		}
	}
}

// TestGatesUnderAPenaltyFall: with a penalty far above the loss every gate falls by
// rate times gamma a step, to zero, and without any it need not.
func TestGatesUnderAPenaltyFall(t *testing.T) {
	c := rankingConfig(t, game.Participation)
	c.Rounds, c.Gamma = 1, 100
	_, dir := mustRun(t, c)
	players, err := record.ReadPlayers(bytes.NewReader(read(t, dir, record.PlayersFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range players {
		if p.Participation != 0 {
			t.Fatalf("%+v", p)
		}
	}
}

// TestDrawnGates: a penalty on being open closes gates that the loss does not hold open, and
// multipliers close about as many as are to go: those that stay are those that are open.
// Gates end without noise.
func TestDrawnGates(t *testing.T) {
	open := func(change func(*settings.Config)) (count, kept int) {
		c := rankingConfig(t, game.Participation)
		c.Update, c.Rounds, c.Epochs, c.Gamma, c.ParticipationRate = backend.HardConcrete, 1, 16, 0, 10
		change(&c)
		result, dir := mustRun(t, c)
		if result.Pruned.Kept != 9 || result.Gated.BoundUsed > 1 {
			t.Errorf("%+v", result.Pruned)
		}
		players, err := record.ReadPlayers(bytes.NewReader(read(t, dir, record.PlayersFile)))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range players {
			// The score is the probability to be open, by which log alpha is known.
			logAlpha := math.Log(p.Worth/(1-p.Worth)) + game.ConcreteBeta*math.Log(-game.ConcreteGamma/game.ConcreteZeta)
			if want := game.LogAlpha(logAlpha).TestGate(); math.Abs(p.Participation-want) > 1e-6 {
				t.Fatalf("%+v: without noise it is %g", p, want)
			}
			if p.Participation > 0 {
				count++
				if p.Reason == game.Kept {
					kept++
				}
			}
		}
		return count, kept
	}
	free, _ := open(func(*settings.Config) {})
	penalised, _ := open(func(c *settings.Config) { c.Gamma = 100 })
	priced, kept := open(func(c *settings.Config) { c.MultiplierRate = 0.1 })
	if free < 25 || penalised != 0 || priced < 7 || priced > 13 || kept != min(priced, 9) {
		t.Errorf("of 30 gates %d are open, with a penalty %d, with multipliers %d, of which %d stay", free, penalised, priced, kept)
	}
}

// metricsWithoutTimes returns the lines of a run's metrics without their times.
func metricsWithoutTimes(t *testing.T, dir string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for _, line := range bytes.Split(bytes.TrimSpace(read(t, dir, record.MetricsFile)), []byte("\n")) {
		var l map[string]any
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		delete(l, "seconds")
		lines = append(lines, l)
	}
	return lines
}

// TestSharedPrefixesAreShared makes runs with shared prefixes and without: all files are the
// same to the bit, runs that are the same until their first round share a prefix,
// and others do not.
func TestSharedPrefixesAreShared(t *testing.T) {
	prefixes := t.TempDir()
	data := tinyConfig(t)
	of := func(change func(*settings.Config)) settings.Config {
		c := data
		c.Game, c.Rounds, c.Validation = game.RankingGame, 1, 0.1
		change(&c)
		return c
	}
	paper := func(c *settings.Config) {
		c.Criterion, c.Benefit, c.BenefitGradient, c.Gamma, c.ParticipationRate = game.Participation, game.Descent, game.OfEffective, 0.01, 0.1
	}
	for _, r := range []struct {
		name   string
		config settings.Config
		begins int // shared prefixes that there are after it
	}{
		{"magnitude", of(func(c *settings.Config) { c.Criterion = game.Magnitude }), 1},
		{"fewer", of(func(c *settings.Config) { c.Keep, c.EvaluateOn = 5, backend.ValidationPart }), 1},
		{"fisher at a shape, with the baseline", of(func(c *settings.Config) { c.Criterion, c.Shape, c.Keep, c.Baseline = game.Fisher, "5-4", 0, true }), 1},
		{"another seed", of(func(c *settings.Config) { c.Seed = 2 }), 2},
		{"another rate", of(func(c *settings.Config) { c.LearningRate = 0.001 }), 3},
		{"gates", of(paper), 4},
		{"fewer gates", of(func(c *settings.Config) { paper(c); c.Keep = 6 }), 4},
		{"another penalty", of(func(c *settings.Config) { paper(c); c.Gamma = 0.02 }), 5},
		{"drawn gates", of(func(c *settings.Config) { paper(c); c.Update = backend.HardConcrete }), 6},
		{"fewer drawn gates", of(func(c *settings.Config) { paper(c); c.Update, c.Keep = backend.HardConcrete, 6 }), 6},
		{"drawn gates with multipliers, of which how many stay depends", of(func(c *settings.Config) { paper(c); c.Update, c.MultiplierRate = backend.HardConcrete, 0.1 }), 6},
		{"by and by", of(func(c *settings.Config) { c.Rounds = 7 }), 7},
		{"by and by, within a latency of a model in a file", of(func(c *settings.Config) {
			c.Rounds, c.Keep, c.MaxLatencyUS, c.LatencyModel = 7, 0, 30, latencyModel(t, "0.01,0.1,0", "3,1")
		}), 7},
		{"market", of(func(c *settings.Config) { c.Game, c.Rounds = game.MarketGame, 7 }), 8},
		{"one market", of(func(c *settings.Config) { c.Game, c.Rounds, c.Cost = game.MarketGame, 7, cost.Players }), 8},
		{"no game", of(func(c *settings.Config) { c.Game = game.NoGame }), 8},
	} {
		alone, want := mustRun(t, r.config)
		dir := filepath.Join(t.TempDir(), "run")
		shared, err := trainer.Run(context.Background(), r.config, trainer.Options{Dir: dir, Command: "test", Version: "0", SharedPrefixes: prefixes})
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		for _, file := range artefactsIn(want) {
			if !bytes.Equal(read(t, dir, file), read(t, want, file)) {
				t.Errorf("%s: %s is another with shared prefixes", r.name, file)
			}
		}
		if !reflect.DeepEqual(metricsWithoutTimes(t, dir), metricsWithoutTimes(t, want)) {
			t.Errorf("%s: the metrics are others with shared prefixes", r.name)
		}
		if r.config.Game != game.NoGame && *shared.Pruned.Loss != *alone.Pruned.Loss {
			t.Errorf("%s: the loss is %g with shared prefixes and %g without", r.name, *shared.Pruned.Loss, *alone.Pruned.Loss)
		}
		if entries, err := os.ReadDir(prefixes); err != nil || len(entries) != r.begins {
			t.Errorf("%s: %d shared prefixes, want %d (%v)", r.name, len(entries), r.begins, err)
		}
	}
}

// TestSharedPrefixesAreUsed damages one, and a run that would go on from it says so.
func TestSharedPrefixesAreUsed(t *testing.T) {
	c := rankingConfig(t, game.Magnitude)
	c.Rounds = 1
	prefixes := t.TempDir()
	run := func() error {
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), SharedPrefixes: prefixes})
		return err
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(prefixes)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	path := filepath.Join(prefixes, entries[0].Name())
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(); err == nil || !strings.Contains(err.Error(), "remove "+path) {
		t.Errorf("%v", err)
	}
}

// TestShapesOfTheMarket: it keeps the given layers, of any widths.
func TestShapesOfTheMarket(t *testing.T) {
	c := tinyConfig(t)
	c.Keep, c.Shape = 0, "3-8"
	result, _ := mustRun(t, c)
	if !reflect.DeepEqual(result.Pruned.Shape, []int{36, 3, 8, 4}) || result.Equilibrium == nil {
		t.Errorf("%+v", result.Pruned)
	}
	for shape, change := range map[string]func(*settings.Config){
		"3":    func(*settings.Config) {},
		"3-11": func(*settings.Config) {},
		"1-8":  func(*settings.Config) {},
		"3-x":  func(*settings.Config) {},
		"3-8":  func(c *settings.Config) { c.Cost = cost.Players },
		"4-8":  func(c *settings.Config) { c.Keep = 12 },
	} {
		c.Keep, c.Shape, c.Cost = 0, shape, ""
		change(&c)
		if _, err := c.Resolve(); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "--shape") {
			t.Errorf("%s: %v", shape, err)
		}
	}
	c = rankingConfig(t, "charm")
	if _, err := c.Resolve(); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("--criterion charm: %v", err)
	}
}
