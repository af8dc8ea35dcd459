package reproduce

import (
	"fmt"
	"path"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/settings"
)

// Reading is one choice of everything that the paper leaves open.
type Reading struct {
	Benefit  game.Benefit         `json:"benefit"`
	Gradient game.BenefitGradient `json:"benefit_gradient"`
	Training
}

// Training is the part of a reading that says how weights and participations move.
type Training struct {
	Optimiser    backend.OptimiserKind `json:"optimiser"` // of the weights
	LearningRate float64               `json:"learning_rate"`
	Update       backend.PaperUpdate   `json:"update"`             // of the participations
	Rate         float64               `json:"participation_rate"` // lr_s
	// Sum says that eq. 9 has the gradient of the loss summed over a batch, not of its mean.
	// That is an alpha of the batch size, but for a last batch that is smaller: there the mean
	// counts as that of a whole batch. The weights keep the mean, whose learning rate is
	// a reading anyway.
	Sum bool `json:"sum,omitempty"`
	// Joint says that one optimiser minimises the loss plus all costs over theta and s:
	// theta pays its cost, and participations move at the learning rate.
	Joint bool `json:"joint,omitempty"`
}

// folder names the reading in a path.
func (r Reading) folder() string {
	name := fmt.Sprintf("%s-%s-%s-%v-%s-%v", r.Benefit, r.Gradient, r.Optimiser, r.LearningRate, r.Update, r.Rate)
	if r.Sum {
		name += "-sum"
	}
	if r.Joint {
		name += "-joint"
	}
	return name
}

// Optimisers of the weights, with their learning rates: plain SGD as in the paper's
// Algorithm 1, at two rates, and Adam with its authors' rate.
var (
	slowSGD = Training{Optimiser: backend.SGD, LearningRate: 0.01}
	fastSGD = Training{Optimiser: backend.SGD, LearningRate: 0.03}
	adam    = Training{Optimiser: backend.Adam, LearningRate: 0.001}
)

// readings returns all combinations; rates are those of participations.
func readings(gradients []game.BenefitGradient, weights []Training, rates []float64, sum bool) (all []Reading) {
	for _, benefit := range game.Benefits {
		for _, gradient := range gradients {
			for _, training := range weights {
				training.Sum = sum
				for _, update := range []backend.PaperUpdate{backend.GradientAscent, backend.AdamAscent} {
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

// jointReadings returns the readings by a joint objective, loss plus costs. The benefit is
// the descent of the loss along s, and the update that of the optimiser of the weights.
func jointReadings(weights []Training) (all []Reading) {
	for _, t := range weights {
		t.Joint, t.Rate, t.Update = true, t.LearningRate, backend.GradientAscent
		if t.Optimiser.IsAdam() {
			t.Update = backend.AdamAscent
		}
		all = append(all, Reading{game.Descent, game.OfEffective, t})
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
	weights := []Training{slowSGD, fastSGD, adam}
	return plan{
		data: data, model: "mlp:512-256", screenEpochs: 5, epochs: 20, validation: 0.05, haste: 1,
		readings: slices.Concat(
			readings(game.BenefitGradients, weights, []float64{printedRate, 10 * printedRate}, false),
			readings(game.BenefitGradients, weights, []float64{printedRate}, true),
			jointReadings(weights),
		),
	}
}

// quickPlan shows in a minute or two how it goes.
func quickPlan() plan {
	return plan{
		data: "digits:train=6000,test=1500", model: "mlp:96-48", screenEpochs: 5, epochs: 20, validation: 0.1,
		haste:    10, // there are 43 steps in an epoch, and 469 in the paper's
		readings: readings([]game.BenefitGradient{game.OfEffective}, []Training{{Optimiser: backend.SGD, LearningRate: 0.1}, adam}, []float64{printedRate}, false),
		leftOut: "Quick: digits drawn here instead of MNIST, a tenth of the samples, 144 players instead of 768, participations ten times as fast. " +
			"Left out: the benefit by theta, SGD at other rates than 0.1, lr_s 0.01, the sum of the loss, the joint objective. It shows how the table is made, not the paper's figures. ",
	}
}

// only leaves the readings whose names match one of the patterns, if there are any. An
// error is of the kind [backend.ErrUsage].
func (p *plan) only(patterns []string) error {
	if len(patterns) == 0 {
		return nil
	}
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return backend.Usagef("--readings %q: %v", pattern, err)
		}
	}
	all := p.readings
	p.readings = slices.DeleteFunc(slices.Clone(all), func(r Reading) bool {
		return !slices.ContainsFunc(patterns, func(pattern string) bool {
			matches, _ := path.Match(pattern, r.folder())
			return matches
		})
	})
	if len(p.readings) == 0 {
		return backend.Usagef("--readings %q: none matches; one is called %s", patterns, all[0].folder())
	}
	if left := len(all) - len(p.readings); left > 0 {
		p.leftOut += fmt.Sprintf("Left out: %d of %d readings, those that match none of %q.", left, len(all), patterns)
	}
	return nil
}

// config returns the configuration of one run of a reading. Shorter runs are the same
// runs in fast motion: weights and participations move as much faster as there are
// fewer epochs, so that both travel as far. Only ascent by Adam is not hurried: its
// steps are about as long as its rate, so they would come near eps, and those of the
// paper are enough to cross from 1 to 0 in a fifth of its epochs.
func (p plan) config(row Row, r Reading, epochs int, seed uint64) settings.Config {
	c := settings.Default()
	faster := float64(p.epochs) / float64(epochs)
	c.Data, c.Model, c.Validation, c.Epochs, c.Seed = p.data, p.model, p.validation, epochs, seed
	c.Optimiser, c.LearningRate = r.Optimiser, r.LearningRate*faster
	c.Game, c.Sparsity = game.PaperGame, 0
	c.Beta, c.Gamma = row.Beta, row.Gamma
	c.Benefit, c.BenefitGradient = r.Benefit, r.Gradient
	c.Update, c.ParticipationRate, c.Joint = r.Update, r.Rate*p.haste, r.Joint
	if r.Sum {
		c.Alpha = float64(c.Batch)
	}
	if r.Update == backend.GradientAscent {
		c.ParticipationRate *= faster
	}
	return c
}
