package record

import (
	"fmt"
	"io"
	"slices"

	"nashprune/game"
	"nashprune/trainer/network/safetensors"
)

// PaperClaim says how far single weights were from an equilibrium of the paper's game when
// it ended, with gradients over the whole training part, as a [Certificate] does of gates.
type PaperClaim struct {
	Bound       float64 `json:"bound"`
	RelativeGap float64 `json:"relative_gap"`
	Claimed     bool    `json:"claimed"`
	game.Certificate
}

// NewPaperClaim states it by a certificate.
func NewPaperClaim(c game.Certificate) *PaperClaim {
	return &PaperClaim{Bound: game.EquilibriumBound, RelativeGap: c.RelativeGap(), Claimed: c.Claimed(), Certificate: c}
}

// NewPaperWeights sums up where the weights of some tensors ended in the paper's game.
func NewPaperWeights(tensors []TensorName, ends []*game.PaperEnd, claim *PaperClaim) *Weights {
	w := &Weights{Paper: claim}
	for i, name := range tensors {
		s, t := ends[i], WeightTensor{TensorName: name, Kept: ends[i].Kept()}
		var kept, removed []float32
		for player, reason := range s.Reasons {
			if reason == game.Kept {
				kept = append(kept, s.Worths[player])
				continue
			}
			removed = append(removed, s.Worths[player])
			if reason == game.Dominated {
				t.Dominated++
			}
		}
		t.Participations = quantiles(slices.Clone(s.Participations))
		t.Stayed, t.Removed = quantiles(kept), quantiles(removed)
		w.Tensors = append(w.Tensors, t)
	}
	return w
}

// paperRows are what [WritePaperWeights] writes of each parameter: a reason is its place in
// [game.Reasons].
var paperRows = []string{"participation", "worth", "price", "reason"}

// WritePaperWeights writes [WeightsFile] of the paper's game.
func WritePaperWeights(w io.Writer, of []TensorName, ends []*game.PaperEnd) error {
	var tensors []safetensors.Tensor
	for i, param := range of {
		s := ends[i]
		reasons := make([]float32, len(s.Reasons))
		for player, reason := range s.Reasons {
			reasons[player] = float32(slices.Index(game.Reasons, reason))
		}
		for k, v := range [][]float32{s.Participations, s.Worths, s.Prices, reasons} {
			tensors = append(tensors, safetensors.Tensor{Name: weightName(param.Name, paperRows[k]), Shape: param.Shape, Float32: v})
		}
	}
	return safetensors.Write(w, nil, tensors)
}

// ReadPaperWeights reads what WritePaperWeights wrote of some tensors.
func ReadPaperWeights(r io.Reader, of []TensorName) ([]*game.PaperEnd, error) {
	_, tensors, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	named := map[string]safetensors.Tensor{}
	for _, t := range tensors {
		named[t.Name] = t
	}
	var all []*game.PaperEnd
	for _, param := range of {
		var rows [][]float32
		for _, what := range paperRows {
			t := named[weightName(param.Name, what)]
			if t.Float32 == nil || !slices.Equal(t.Shape, param.Shape) {
				return nil, fmt.Errorf("it has no %s of the weights of %s in shape %v", what, param.Name, param.Shape)
			}
			rows = append(rows, t.Float32)
		}
		s := &game.PaperEnd{Participations: rows[0], Worths: rows[1], Prices: rows[2]}
		for player, place := range rows[3] {
			if !(place >= 0 && place < float32(len(game.Reasons)) && place == float32(int(place))) {
				return nil, fmt.Errorf("weight %d of %s was removed for reason number %v", player, param.Name, place)
			}
			s.Reasons = append(s.Reasons, game.Reasons[int(place)])
		}
		all = append(all, s)
	}
	return all, nil
}
