package reproduce

import (
	"fmt"

	"nashprune/game"
	"nashprune/trainer"
)

// Reading is one choice of everything that the paper leaves open.
type Reading struct {
	Benefit  game.Benefit         `json:"benefit"`
	Gradient game.BenefitGradient `json:"benefit_gradient"`
	Training
}

// Training is the part of a reading that says how weights and participations move.
type Training struct {
	Optimiser    trainer.OptimiserKind `json:"optimiser"` // of the weights
	LearningRate float64               `json:"learning_rate"`
	Update       trainer.PaperUpdate   `json:"update"`             // of the participations
	Rate         float64               `json:"participation_rate"` // lr_s
}

// folder names the reading in a path.
func (r Reading) folder() string {
	return fmt.Sprintf("%s-%s-%s-%v-%s-%v", r.Benefit, r.Gradient, r.Optimiser, r.LearningRate, r.Update, r.Rate)
}

// Optimisers of the weights, with their learning rates: plain SGD as in the paper's
// Algorithm 1, at two rates, and Adam with its authors' rate.
var (
	slowSGD = Training{Optimiser: trainer.SGD, LearningRate: 0.01}
	fastSGD = Training{Optimiser: trainer.SGD, LearningRate: 0.03}
	adam    = Training{Optimiser: trainer.Adam, LearningRate: 0.001}
)

// readings returns all combinations; rates are those of participations.
func readings(gradients []game.BenefitGradient, weights []Training, rates []float64) []Reading {
	var all []Reading
	for _, benefit := range game.Benefits {
		for _, gradient := range gradients {
			for _, training := range weights {
				for _, update := range []trainer.PaperUpdate{trainer.GradientAscent, trainer.AdamAscent} {
					for _, rate := range rates {
						training.Update, training.Rate = update, rate
						all = append(all, Reading{benefit, gradient, training})
					}
				}
			}
		}
	}
	return all
}

// printedRate is lr_s as the paper has it.
const printedRate = 0.001

// plan says which runs are made.
type plan struct {
	data, model          string
	screenEpochs, epochs int
	validation           float64
	readings             []Reading
	// haste is how much faster participations move than a reading says, so that they
	// travel as far in fewer steps than the paper's.
	haste   float64
	leftOut string // of the paper's experiment
}

// wholePlan is the paper's experiment on a data set.
func wholePlan(data string) plan {
	return plan{
		data: data, model: "mlp:512-256", screenEpochs: 5, epochs: 20, validation: 0.05, haste: 1,
		readings: readings(game.BenefitGradients, []Training{slowSGD, fastSGD, adam}, []float64{printedRate, 10 * printedRate}),
	}
}

// quickPlan shows in a minute or two how it goes.
func quickPlan() plan {
	return plan{
		data: "digits:train=6000,test=1500", model: "mlp:96-48", screenEpochs: 5, epochs: 20, validation: 0.1,
		haste:    10, // there are 43 steps in an epoch, and 469 in the paper's
		readings: readings([]game.BenefitGradient{game.OfEffective}, []Training{fastSGD, adam}, []float64{printedRate}),
		leftOut: "Quick: digits drawn here instead of MNIST, a tenth of the samples, 144 players instead of 768, participations ten times as fast. " +
			"Left out: the benefit by theta, SGD at 0.01, lr_s 0.01. It shows how the table is made, not the paper's figures.",
	}
}

// config returns the configuration of one run of a reading. Shorter runs are the same
// runs in fast motion: what moves by a slope moves as much faster as there are fewer
// epochs, so that it travels as far. The steps of Adam are not lengthened: they are
// about as long as the rate, so longer ones would end coarser, and those of the paper
// are enough to cross from 1 to 0 in a fifth of its epochs.
func (p plan) config(row Row, r Reading, epochs int, seed uint64) trainer.Config {
	c := trainer.DefaultConfig()
	faster := float64(p.epochs) / float64(epochs)
	c.Data, c.Model, c.Validation, c.Epochs, c.Seed = p.data, p.model, p.validation, epochs, seed
	c.Optimiser, c.LearningRate = r.Optimiser, r.LearningRate
	if r.Optimiser == trainer.SGD {
		c.LearningRate *= faster
	}
	c.Game, c.Sparsity = trainer.PaperGame, 0
	c.Beta, c.Gamma = row.Beta, row.Gamma
	c.Benefit, c.BenefitGradient = r.Benefit, r.Gradient
	c.Update, c.ParticipationRate = r.Update, r.Rate*p.haste
	if r.Update == trainer.GradientAscent {
		c.ParticipationRate *= faster
	}
	return c
}
