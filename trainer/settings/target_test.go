package settings

import (
	"testing"

	"nashprune/game"
	"nashprune/trainer/cost"
)

// TestBudgetsDecideTheCost: a budget without --cost plays one market for what it
// bounds; a count of players stays a market a layer.
func TestBudgetsDecideTheCost(t *testing.T) {
	for want, changes := range map[cost.Resource][]func(*Config){
		"":              {func(c *Config) { c.Keep = 9 }, func(c *Config) { c.MaxAccuracyDrop, c.Validation = 1, 0.1 }},
		cost.Parameters: {func(c *Config) { c.MaxParameters = 500 }},
		cost.MACs:       {func(c *Config) { c.MaxMACs = 500 }},
		cost.Latency:    {func(c *Config) { c.MaxLatencyUS = 50 }},
		cost.Players:    {func(c *Config) { c.MaxLatencyUS, c.Cost = 50, cost.Players }, func(c *Config) { c.Keep, c.Cost = 9, cost.Players }},
	} {
		for _, change := range changes {
			c := Default()
			c.Model, c.Sparsity = "mlp:30-15", 0
			change(&c)
			c, err := c.Resolve()
			if err != nil || c.Cost != want {
				t.Errorf("cost %q, %v; want %q", c.Cost, err, want)
			}
			if again, err := c.Resolve(); err != nil || again != c {
				t.Errorf("resolving twice gives %+v, %v", again, err)
			}
		}
	}
}

// TestBudgetsOfRankings: a ranking keeps budgets, drops how far the accuracy may fall, and takes contributions to the outputs for the criterion outputs alone.
func TestBudgetsOfRankings(t *testing.T) {
	of := func(change func(*Config)) (Config, error) {
		c := Default()
		c.Model, c.Sparsity, c.Game = "mlp:30-15", 0, game.RankingGame
		change(&c)
		return c.Resolve()
	}
	c, err := of(func(c *Config) { c.MaxParameters = 500 })
	if err != nil || c.MaxParameters != 500 || c.Cost != cost.Parameters || c.Keep != 0 || c.Worth != "" {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = of(func(c *Config) { c.Keep, c.Cost, c.Criterion, c.MaxAccuracyDrop = 9, cost.MACs, game.OutputSquare, 5 })
	if err != nil || c.Cost != cost.MACs || c.Keep != 9 || c.Worth != game.Outputs || c.MaxAccuracyDrop != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if again, err := c.Resolve(); err != nil || again != c {
		t.Errorf("resolving twice gives %+v, %v", again, err)
	}
	c, err = of(func(c *Config) { c.MaxLatencyUS, c.LatencyModel = 50, "model.json" })
	if err != nil || c.MaxLatencyUS != 50 || c.Cost != cost.Latency || c.LatencyModel != "model.json" || c.Keep != 0 {
		t.Errorf("within a latency: %+v, %v", c, err)
	}
	c, err = of(func(c *Config) { c.Game, c.MaxLatencyUS, c.LatencyModel = game.NoGame, 50, "model.json" })
	if err != nil || c.MaxLatencyUS != 0 || c.Cost != "" || c.LatencyModel != "" {
		t.Errorf("without removals: %+v, %v", c, err)
	}
}
