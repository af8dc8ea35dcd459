package compare

import (
	"fmt"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/settings"
)

// Shape says who decides how many players each hidden layer keeps.
type Shape string

const (
	// Free: the method itself, over the whole network.
	Free Shape = "free"
	// Equal: no method; all keep what the market of every layer keeps, players in
	// proportion to the layers' widths.
	Equal Shape = "equal"
)

// Method is a way to come to a network of so many players. The names are those of
// folders and tables.
type Method struct {
	Name    string
	Summary string // in a few words
	Shapes  []Shape

	// Settings are searched, as many for every method. The middle one is taken where
	// nothing is searched.
	Settings []Setting

	// configure makes a run's configuration one of the method.
	configure func(c *settings.Config, p place)
	// follows is the shape of the market from which the method takes what it is asked
	// for at free shape; empty: from none.
	follows Shape
}

// Setting is one point of a search.
type Setting struct {
	Name  string // of the flag, and its value
	apply func(c *settings.Config)
}

// place is what a method is asked for.
type place struct {
	keep   int
	layers []int // players that each layer keeps; nil where the method decides
	// followed is the run of the market that the method follows at free shape.
	followed SeedRun
}

// Reference is the method that all others are compared to, at [Equal] shape.
const Reference = "market"

// ParameterMarket is the market in which players pay for parameters.
const ParameterMarket = "market-parameters"

// Searched is how many settings are searched for every method.
const Searched = 3

// Methods lists the methods that are compared, for runs with the given defaults.
func Methods(defaults settings.Config) []Method {
	both, rates := []Shape{Free, Equal}, learningRates(defaults)
	ranked := func(name, summary string, criterion game.Criterion, rounds int) Method {
		return Method{Name: name, Summary: summary, Shapes: both, Settings: rates, configure: ranking(criterion, rounds)}
	}
	const once = 1
	gradual := defaults.Rounds
	return []Method{
		{Name: Reference, Summary: "a market for participation: equal, in every layer; free, one for all", Shapes: []Shape{Equal, Free}, Settings: rates, configure: market},
		{Name: ParameterMarket, Summary: "one market in which players pay for parameters, of which it keeps as many as the equal shape has",
			Shapes: []Shape{Free}, Settings: rates, follows: Equal, configure: parameters},
		ranked("random", "random players leave at once", game.Random, once),
		ranked("magnitude", "row norms, at once", game.Magnitude, once),
		ranked("path-magnitude", "row norms times outgoing norms, at once", game.PathMagnitude, once),
		ranked("taylor", "first-order change of the loss, at once", game.Taylor, once),
		ranked("fisher", "Fisher information, at once", game.Fisher, once),
		ranked("gradual-magnitude", "row norms, on the market's schedule", game.Magnitude, gradual),
		ranked("gradual-path-magnitude", "row norms times outgoing norms, on the market's schedule", game.PathMagnitude, gradual),
		{Name: "l1-gates", Summary: "gates under an L1 penalty, the lowest leave at once", Shapes: both, Settings: penalties(), configure: gates},
		{Name: "paper", Summary: "the paper's game, the lowest leave at once", Shapes: both, Settings: paperRows(), configure: paper},
		{Name: "scratch", Summary: "the market's shape, trained from scratch", Shapes: both, Settings: rates, follows: Free, configure: small},
	}
}

// learningRates are half, once and twice the default.
func learningRates(defaults settings.Config) []Setting {
	var candidates []Setting
	for _, factor := range [Searched]float64{0.5, 1, 2} {
		rate := factor * defaults.LearningRate
		candidates = append(candidates, Setting{fmt.Sprintf("learning-rate %g", rate), func(c *settings.Config) { c.LearningRate = rate }})
	}
	return candidates
}

func market(c *settings.Config, p place) {
	c.Game = game.MarketGame
	keepLayers(c, p)
	if p.layers == nil {
		c.Cost = cost.Players
	}
}

func parameters(c *settings.Config, p place) {
	c.Game, c.MaxParameters = game.MarketGame, p.followed.Parameters
	c.Keep, c.Shape, c.Cost = 0, "", cost.Parameters
}

// keepLayers says how much stays.
func keepLayers(c *settings.Config, p place) {
	c.Keep, c.Shape, c.Cost = p.keep, "", ""
	if p.layers != nil {
		c.Keep, c.Shape = 0, network.JoinWidths(p.layers)
	}
}

func ranking(criterion game.Criterion, rounds int) func(*settings.Config, place) {
	return func(c *settings.Config, p place) {
		c.Game, c.Criterion, c.Rounds = game.RankingGame, criterion, rounds
		keepLayers(c, p)
	}
}

// gates are participations that descend the loss under an L1 penalty, by
// s <- clip(s - rate (dL/ds + gamma), 0, 1): the paper's game with the descent of the
// loss for a benefit and no other cost than gamma.
func gates(c *settings.Config, p place) {
	ranking(game.Participation, 1)(c, p)
	c.Benefit, c.BenefitGradient, c.Update = game.Descent, game.OfEffective, backend.GradientAscent
	c.Alpha, c.Beta, c.Eta = 1, 0, 0
	c.ParticipationRate = gateRate
}

// gateRate lets the penalties do their work within the half of a run of MNIST: rate
// times penalty times steps is 1.4 to 14, and it takes 1 to close a gate that the loss
// does not hold open.
const gateRate = 0.1

// penalties are weights of the L1 penalty on gates, about the best that single runs
// with 3e-4 to 1e-2 found on MNIST's validation part.
func penalties() []Setting {
	var candidates []Setting
	for _, gamma := range [Searched]float64{3e-3, 1e-2, 3e-2} {
		candidates = append(candidates, Setting{fmt.Sprintf("gamma %g", gamma), func(c *settings.Config) { c.Gamma = gamma }})
	}
	return candidates
}

// paper plays the game of arXiv:2512.22106 in the reading that came nearest to its
// table, with its own rate; then players are ranked instead of cut off at a
// threshold, so that as many stay as elsewhere, and trained on.
func paper(c *settings.Config, p place) {
	ranking(game.Participation, 1)(c, p)
	c.Benefit, c.BenefitGradient, c.Update = game.Descent, game.OfEffective, backend.GradientAscent
	c.Alpha, c.Eta = 1, 0
	c.ParticipationRate = 1e-3
}

// paperRows are the three of the paper's configurations in which players leave.
func paperRows() []Setting {
	var candidates []Setting
	for _, row := range [Searched]struct{ beta, gamma float64 }{{0.5, 0}, {0.05, 0.05}, {0.001, 0.1}} {
		candidates = append(candidates, Setting{fmt.Sprintf("beta %g gamma %g", row.beta, row.gamma), func(c *settings.Config) {
			c.Beta, c.Gamma = row.beta, row.gamma
		}})
	}
	return candidates
}

// small trains a network that has the surviving shape from the start.
func small(c *settings.Config, p place) {
	if p.layers == nil {
		p.layers = p.followed.Layers
	}
	c.Game, c.Model = game.NoGame, network.Format(p.layers)
	c.Keep, c.Shape = 0, ""
}
