package settings

import (
	"testing"

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
