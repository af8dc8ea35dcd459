package record

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/cost"
)

// TestReadRounds: lines about rounds are read back, with their checks, and those about
// epochs are passed over.
func TestReadRounds(t *testing.T) {
	want := []RoundLine{
		{Training: GameTraining, Round: 1, Epoch: 3, Step: 30, Demand: []int{4, 2}, Prices: []float64{0, 0.25}, Supply: []float64{4, 1.5}, Players: []int{4, 2}},
		{
			Training: GameTraining, Round: 2, Epoch: 3, Step: 40, Demand: []int{3, 2}, Prices: []float64{0.5, 0.25}, Supply: []float64{2.5, 1.5},
			Ascent: []float64{0.125, 0}, Check: &RoundCheck{Samples: 750, Gap: 1.0 / 3, Expected: 0.25}, Players: []int{3, 2}, Costs: []float64{7, 9},
		},
	}
	var text strings.Builder
	lines := json.NewEncoder(&text)
	for _, line := range []any{EpochLine{Training: GameTraining, Epoch: 2}, want[0], want[1], EpochLine{Training: GameTraining, Epoch: 3}} {
		if err := lines.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	market := &Market{Target: cost.Target{Resource: cost.Players, Limit: 5}}
	got, err := ReadRounds(strings.NewReader(text.String()), market)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v\nwrote %+v", got, err, want)
	}
	for name, bad := range map[string]string{"JSON": "{\n", "accuracy": `{"round":3,"validation_accuracy":90}` + "\n"} {
		if _, err := ReadRounds(strings.NewReader(text.String()+bad), market); err == nil {
			t.Errorf("%s: %q passes", name, bad)
		}
	}
}
