package trainer_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// dear is what every second player of the first layer costs beside the others in the tests below. A
// power of two leaves the digits of prices as they are.
const dear = 16

// costsOf returns such costs for the layers of a result.
func costsOf(gates []record.Gate) map[string][]float64 {
	costs := make([]float64, gates[0].Players)
	for i := range costs {
		costs[i] = 1 + (dear-1)*float64(i%2)
	}
	return map[string][]float64{gates[0].Name: costs}
}

// TestCostsOfPlayersInARun: of neurons that are alike the dear ones leave; each pays the price of its
// layer times its cost, its reason follows from what it pays, and the result has the costs. A run that
// was interrupted goes on with them, and has the same files.
func TestCostsOfPlayersInARun(t *testing.T) {
	c := tinyConfig(t)
	plain, _ := mustRun(t, c)
	costs := costsOf(plain.Gates)
	dir := filepath.Join(t.TempDir(), "run")
	result, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir, Command: "test", Version: "0", PlayerCosts: costs})
	if err != nil {
		t.Fatal(err)
	}
	var certificate record.Certificate
	if err := json.Unmarshal(read(t, dir, record.CertificateFile), &certificate); err != nil {
		t.Fatal(err)
	}
	kept := [2]int{}
	prices := map[int]float64{} // of cost 1 in the first layer, by round
	for _, p := range certificate.Players {
		r := game.Record{Worth: p.Worth, Ceiling: p.Ceiling, Price: p.Price, Own: 1}
		if p.Reason != game.Kept && p.Reason != game.Dead && r.Recompute() != p.Reason {
			t.Errorf("player %s is %s; by its numbers it is %s", p.PlayerName, p.Reason, r.Recompute())
		}
		if p.Layer > 0 {
			continue
		}
		if p.Reason == game.Kept {
			kept[p.Index%2]++
		}
		price := p.Price / costs[plain.Gates[0].Name][p.Index]
		if first, seen := prices[p.Round]; seen && price != first {
			t.Errorf("in round %d the price is %g, and player %s pays %g times its cost", p.Round, first, p.PlayerName, price)
		}
		prices[p.Round] = price
	}
	if kept[0] <= kept[1] || kept[0]+kept[1] != plain.Pruned.Shape[1] {
		t.Errorf("%d cheap and %d dear neurons stay, and without costs %d", kept[0], kept[1], plain.Pruned.Shape[1])
	}
	if result.Market == nil || len(result.Market.PlayerCosts) != 1 {
		t.Errorf("the result has the costs %+v", result.Market)
	}
	for _, given := range []map[string][]float64{nil, {"another": {1}}} {
		again := stopped(t, c, trainer.Options{Command: "test", PlayerCosts: costs})
		if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: again, Version: "0", PlayerCosts: given}); err != nil {
			t.Fatal(err)
		}
		for _, name := range artefactsIn(dir) {
			if string(read(t, dir, name)) != string(read(t, again, name)) {
				t.Errorf("%s differs after an interruption", name)
			}
		}
	}
}

// TestCostsThatAreRefused: before anything is trained, with what is wrong.
func TestCostsThatAreRefused(t *testing.T) {
	c := tinyConfig(t)
	plain, _ := mustRun(t, c)
	name, costs := plain.Gates[0].Name, costsOf(plain.Gates)
	shared := c
	shared.Keep, shared.MaxParameters = 0, 2000
	paper := c
	paper.Game, paper.Keep = game.PaperGame, 0
	mixed := c
	mixed.Players, mixed.Keep, mixed.MaxBytes, mixed.Epochs = "neurons,weights", 0, 4000, 2
	for _, test := range []struct {
		costs map[string][]float64
		words string
	}{
		{map[string][]float64{"other": {1}}, `"other"`},
		{map[string][]float64{name: {1, 2}}, "2 costs are given for the"},
		{map[string][]float64{name: make([]float64, plain.Gates[0].Players)}, "costs 0; it must be from"},
	} {
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), PlayerCosts: test.costs})
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("costs %v: %v", test.costs, err)
		}
	}
	for _, other := range []settings.Config{shared, paper, mixed} {
		dir := filepath.Join(t.TempDir(), "run")
		_, err := trainer.Run(context.Background(), other, trainer.Options{Dir: dir, PlayerCosts: costs})
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "costs of players are for") {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is there", dir)
		}
	}
}
