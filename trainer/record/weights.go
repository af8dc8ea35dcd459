package record

import (
	"fmt"
	"io"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
)

// Weights says what became of single weights that were players.
type Weights struct {
	Metric  game.Metric    `json:"metric,omitempty"`  // of a market
	Pattern string         `json:"pattern,omitempty"` // N:M
	Paper   *PaperClaim    `json:"paper,omitempty"`   // of the paper's game
	Tensors []WeightTensor `json:"tensors"`
	// Left is how many weights of the pruned network are not zero. Fewer may be than stay: a weight goes with
	// a neuron or an input that no output depends on.
	Left int `json:"left,omitempty"`
}

// TensorName is a parameter whose entries are players.
type TensorName struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

// WeightTensor is the players of one tensor. Quantiles are the least, the three quartiles and
// the greatest of worths, or of scores in a ranking: of kept weights in the last round, of
// removed ones in the round of their removal, and in the paper's game at its end. There are none
// of no weights.
type WeightTensor struct {
	TensorName
	Kept    int       `json:"kept"`
	Dead    int       `json:"dead"` // removed with a worth of zero
	Price   float64   `json:"price"`
	Stayed  []float64 `json:"kept_worths,omitempty"`
	Removed []float64 `json:"removed_worths,omitempty"`

	// Of the paper's game: the removed weights that zero dominated, and quantiles of all
	// participations.
	Dominated      int       `json:"dominated,omitempty"`
	Participations []float64 `json:"participations,omitempty"`
}

// NewWeights sums up the books of single weights, one a tensor.
func NewWeights(tensors []TensorName, books []*game.Separable) *Weights {
	w := new(Weights)
	for i, name := range tensors {
		s, t := books[i], WeightTensor{TensorName: name}
		var kept, removed []float32
		for player, worth := range s.Worths {
			switch s.Reason(player) {
			case game.Kept:
				kept = append(kept, worth)
			case game.Dead:
				t.Dead++
				fallthrough
			default:
				removed = append(removed, worth)
			}
		}
		t.Kept, t.Stayed, t.Removed = len(kept), quantiles(kept), quantiles(removed)
		if n := len(s.Prices); n > 0 {
			t.Price = s.Prices[n-1]
		}
		w.Tensors = append(w.Tensors, t)
	}
	return w
}

func quantiles(v []float32) []float64 {
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	var q []float64
	for k := range 5 {
		q = append(q, float64(v[k*(len(v)-1)/4]))
	}
	return q
}

// The names of tensors about the weights of a parameter P begin with "weights.P.".
func weightName(param, what string) string { return "weights." + param + "." + what }

// WeightTensors returns what books know of single weights: of each parameter the
// worth of each and the round in which it was removed, 0 where it stays, in its shape, and the
// price of each round.
func WeightTensors(of []TensorName, books []*game.Separable) []safetensors.Tensor {
	var tensors []safetensors.Tensor
	if len(books) == 0 {
		return nil
	}
	for i, param := range of {
		s := books[i]
		rounds := make([]float32, len(s.Rounds))
		for player, round := range s.Rounds {
			rounds[player] = float32(round)
		}
		tensors = append(tensors,
			safetensors.Tensor{Name: weightName(param.Name, "worth"), Shape: param.Shape, Float32: s.Worths},
			safetensors.Tensor{Name: weightName(param.Name, "round"), Shape: param.Shape, Float32: rounds},
			safetensors.Tensor{Name: weightName(param.Name, "prices"), Shape: []int{len(s.Prices)}, Float64: slices.Grow(s.Prices, 1)}, // not nil, also without rounds
		)
	}
	return tensors
}

// TakeWeights is the inverse of WeightTensors. It takes the tensors out of named; nil: there
// are none.
func TakeWeights(of []TensorName, named map[string]safetensors.Tensor) ([]*game.Separable, error) {
	var books []*game.Separable
	for _, param := range of {
		take := func(what string) safetensors.Tensor {
			t := named[weightName(param.Name, what)]
			delete(named, weightName(param.Name, what))
			return t
		}
		worths, rounds, prices := take("worth"), take("round"), take("prices")
		if worths.Float32 == nil && rounds.Float32 == nil && prices.Float64 == nil && len(books) == 0 {
			continue
		}
		if !slices.Equal(worths.Shape, param.Shape) || !slices.Equal(rounds.Shape, param.Shape) || worths.Float32 == nil || rounds.Float32 == nil || len(prices.Shape) != 1 {
			return nil, fmt.Errorf("what it knows of the weights of %s is not of shape %v", param.Name, param.Shape)
		}
		s := &game.Separable{Worths: worths.Float32, Prices: prices.Float64}
		for player, round := range rounds.Float32 {
			if !(round >= 0 && round <= float32(len(s.Prices)) && round == float32(math.Trunc(float64(round)))) {
				return nil, fmt.Errorf("weight %d of %s was removed in round %v of %d", player, param.Name, round, len(s.Prices))
			}
			s.Rounds = append(s.Rounds, int32(round))
		}
		books = append(books, s)
	}
	if n := len(of); len(books) > 0 && len(books) != n {
		return nil, fmt.Errorf("it knows of the weights of %d of %d tensors", len(books), n)
	}
	return books, nil
}

// WriteWeights writes [WeightsFile].
func WriteWeights(w io.Writer, of []TensorName, books []*game.Separable) error {
	return safetensors.Write(w, nil, WeightTensors(of, books))
}

// ReadWeights reads what WriteWeights wrote of some tensors.
func ReadWeights(r io.Reader, of []TensorName) ([]*game.Separable, error) {
	_, tensors, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	named := map[string]safetensors.Tensor{}
	for _, t := range tensors {
		named[t.Name] = t
	}
	return TakeWeights(of, named)
}

// TensorNames names the parameters of a graph whose entries are players.
func TensorNames(g *network.Graph) []TensorName {
	var names []TensorName
	for _, p := range g.Masked() {
		names = append(names, TensorName{Name: g.Params[p].Name, Shape: g.Params[p].Shape})
	}
	return names
}
