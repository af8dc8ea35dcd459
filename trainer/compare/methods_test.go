package compare

import (
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/settings"
)

// TestMethodsAreWhatTheySay: markets with false worths are the nulls, what readers take over is
// as the method says, and no setting of one method is left over in another.
func TestMethodsAreWhatTheySay(t *testing.T) {
	type asked struct {
		criterion  game.Criterion // of rankings
		worth      game.Valuation // of markets
		compensate compensation.Kind
	}
	want := map[string]asked{
		Reference:             {worth: game.Outputs, compensate: compensation.None},
		"market-compensation": {worth: game.Outputs, compensate: compensation.Full},
		"market-lottery":      {worth: game.Lottery, compensate: compensation.None},
		"market-reverse":      {worth: game.Reverse, compensate: compensation.None},
		"contributions":       {criterion: game.OutputSquare, compensate: compensation.None},
		"lsq":                 {criterion: game.OutputSquare, compensate: compensation.Full},
		"obs":                 {criterion: game.OBS, compensate: compensation.Full},
	}
	for _, m := range Methods(settings.Default()) {
		c := settings.Default()
		if m.configure(&c, place{keep: 6, latency: 50, model: "model.json"}); !m.follows {
			if r, err := c.Resolve(); err != nil || r.MaxLatencyUS != 50 || r.LatencyModel != "model.json" || r.Cost != cost.Latency || r.Keep != 0 {
				t.Errorf("%s within a latency: %+v, %v", m.Name, r, err)
			}
		}
		m.configure(&c, place{keep: 6, layers: []int{4, 2}})
		c, err := c.Resolve()
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if c.Worth.Null() != m.null {
			t.Errorf("%s: null %v, with the worth %s", m.Name, m.null, c.Worth)
		}
		got := asked{compensate: c.Compensate}
		switch c.Game {
		case game.MarketGame:
			got.worth = c.Worth
		case game.RankingGame:
			got.criterion = c.Criterion
		}
		if w, named := want[m.Name]; named && got != w {
			t.Errorf("%s: %+v, want %+v", m.Name, got, w)
		}
		delete(want, m.Name)
		if drawn := m.Name == "l0" || m.Name == "cofi"; drawn != (c.Update == backend.HardConcrete) {
			t.Errorf("%s moves players by %s", m.Name, c.Update)
		}
		for _, s := range m.Settings {
			set := c
			s.apply(&set)
			if cofi := m.Name == "cofi"; cofi != (set.MultiplierRate > 0) || cofi && set.Gamma != 0 || m.Name == "l0" && set.Gamma == 0 {
				t.Errorf("%s, %s: gamma %g, multipliers %g", m.Name, s, set.Gamma, set.MultiplierRate)
			}
		}
		if c.Game == game.RankingGame && c.Compensate != compensation.None && m.Name != "lsq" && m.Name != "obs" {
			t.Errorf("%s compensates: %s", m.Name, c.Compensate)
		}
	}
	if len(want) > 0 {
		t.Errorf("there are no methods %v", want)
	}
}
