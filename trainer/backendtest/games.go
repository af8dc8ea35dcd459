package backendtest

import (
	"context"
	"fmt"

	"nashprune/game"
	"nashprune/trainer"
)

// moveMarket compares one move of the market with the one that package game
// makes of the candidate's own statistics.
func (s *session) moveMarket() error { return s.move("market move") }

// movePotential does so where players are worth what they could be.
func (s *session) movePotential() error {
	s.valuation = game.Potential
	defer func() { s.valuation = game.Effective }()
	return s.move("market move of potential worths")
}

func (s *session) move(quantity string) error {
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		statistics, err := candidate.Statistics()
		if err != nil {
			return err
		}
		const damping = 0.5
		var (
			prices       []float64
			want, bounds []float64
		)
		for l, layer := range statistics {
			worths := layer.WorthsBy(s.valuation)
			price := game.ClearingPrice(worths, (len(worths)+1)/2)
			if l%2 == 1 { // and one that is nobody's worth
				price *= 1.01
			}
			prices = append(prices, price)
			market := game.Market{Price: price}
			for i, participation := range layer.Participation {
				want = append(want, market.Respond(worths[i], participation, damping))
				// The worth takes three operations and the response four; an
				// error of the worth moves p/h by that much of itself, and p/h
				// is at most 1 where the response is not simply zero.
				bounds = append(bounds, 8*s.unit)
			}
		}
		var moved [][]float64
		err = s.keeps(quantity+"/nothing else", candidate, func() (err error) {
			moved, err = candidate.Move(prices, damping)
			return err
		}, func(before, after *trainer.State) {
			for l := range s.Hidden {
				before.Network.Layers[l].Participation = after.Network.Layers[l].Participation
			}
		})
		if err != nil {
			return err
		}
		var got []float64
		for _, m := range moved {
			got = append(got, m...)
		}
		s.compare(quantity, got, want, bounds)
		return nil
	})
}

// movePaper compares one move in every reading of the paper's game, with a
// learning rate of zero so that the weights stay, against the move that package
// game makes of the candidate's own contributions.
func (s *session) movePaper() error {
	for _, benefit := range game.Benefits {
		for _, update := range []trainer.PaperUpdate{trainer.GradientAscent, trainer.BestResponse} {
			move := trainer.PaperMove{
				Game:   game.Paper{Benefit: benefit, Alpha: 1.5, Beta: 0.02, Gamma: 0.01, Eta: 0.005},
				Update: update, Rate: 0.5,
			}
			if err := s.movePaperOnce(move); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) movePaperOnce(move trainer.PaperMove) error {
	var contributions map[string][]float64
	err := s.with(s.candidate, func(candidate trainer.Engine) error {
		tensors, err := candidate.Probe(s.order(), 0)
		contributions = map[string][]float64{}
		for _, t := range tensors {
			contributions[t.Name] = t.Values
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		before, err := candidate.Measure(context.Background())
		if err != nil {
			return err
		}
		stretch := trainer.Stretch{Order: s.order(), LearningRates: []float64{0}, Paper: &move}
		if _, err := candidate.Train(context.Background(), stretch); err != nil {
			return err
		}
		after, err := candidate.Statistics()
		if err != nil {
			return err
		}
		var got, want, bounds []float64
		for l, layer := range before {
			layer.MeanContribution = contributions[fmt.Sprintf("%d.contribution.mean", l)]
			field := layer.Field()
			moved := append([]float64{}, layer.Participation...)
			if move.Update == trainer.BestResponse {
				move.Game.Respond(field, moved, move.Rate)
			} else {
				move.Game.Ascend(field, moved, move.Rate)
			}
			for i := range moved {
				got, want = append(got, after[l].Participation[i]), append(want, moved[i])
				// The slope is a sum of terms of the size of Scale, each with a
				// few roundings; the competition among them is itself a long
				// sum, whose roundings grow with its length.
				slope := (8*move.Game.Scale(field, i) + move.Game.Eta*s.competitionSize(l, i)) * s.unit
				bound := s.unit + move.Rate*slope
				if move.Update == trainer.BestResponse {
					bound = 4*s.unit + move.Rate*slope/(2*move.Game.Beta*field.SquaredNorm[i])
				}
				bounds = append(bounds, bound)
			}
		}
		s.compare(fmt.Sprintf("paper move/%s/%s", move.Game.Benefit, move.Update), got, want, bounds)
		return nil
	})
}
