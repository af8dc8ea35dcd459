package compare

import (
	"fmt"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/settings"
)

// Shape says how many players each gate keeps, or how a method is to find that.
type Shape string

const (
	// Free: the method ranks the whole network, and keeps a number of players.
	Free Shape = "free"
	// Equal: players stay in proportion to the layers' widths, as in a market a layer.
	Equal Shape = "equal"
	// Parameters: the method ranks the whole network, and keeps at most as many parameters
	// as the equal shape has.
	Parameters Shape = "parameters"
	// FreeWinner is the shape that the best method at [Free] came to.
	FreeWinner Shape = "free-winner"
	// ParametersWinner is the shape that the best method at [Parameters] came to.
	ParametersWinner Shape = "parameters-winner"
)

// Shapes lists the shapes in the order in which they are compared: each follows from the
// runs before it.
var Shapes = []Shape{Free, Equal, Parameters, FreeWinner, ParametersWinner}

// won is the shape whose best method each winner's shape is of.
var won = map[Shape]Shape{FreeWinner: Free, ParametersWinner: Parameters}

// Method is a way to come to a network of some size. The names are those of folders and
// tables.
type Method struct {
	Name    string
	Summary string // in a few words

	// Settings are searched, as many for every method. The middle one is taken where
	// nothing is searched.
	Settings []Setting

	// configure makes a run's configuration one of the method.
	configure func(c *settings.Config, p place)
	// follows says that the method finds no shape: at [Free] and [Parameters] it takes that
	// of the market.
	follows bool
	// null says that the market is false on purpose, to test certificates: it wins nothing.
	null bool
}

// Setting is one point of a search.
type Setting struct {
	Name  string // of the flag, and its value
	apply func(c *settings.Config)
}

// place is what a method is asked for: layers, else parameters, else players.
type place struct {
	keep       int   // players
	parameters int   // at most; 0: any number
	layers     []int // players that each gate keeps; nil where the method decides
}

// target sets what stays, in one market or ranking of all layers where the method decides.
func (p place) target(c *settings.Config) {
	c.Keep, c.MaxParameters, c.Shape, c.Cost = 0, 0, "", ""
	switch {
	case p.layers != nil:
		c.Shape = network.JoinWidths(p.layers)
	case p.parameters > 0:
		c.MaxParameters, c.Cost = p.parameters, cost.Parameters
	default:
		c.Keep, c.Cost = p.keep, cost.Players
	}
}

// Reference is the method that all others are compared to, at the same shape.
const Reference = "market"

// Searched is the number of settings that every method tries at each size and shape.
const Searched = 3

// Methods returns the methods that are compared, for runs with the given defaults.
func Methods(defaults settings.Config) []Method {
	rates := learningRates(defaults)
	ranked := func(name, summary string, criterion game.Criterion, rounds int) Method {
		return Method{Name: name, Summary: summary, Settings: rates, configure: ranking(criterion, rounds)}
	}
	const once = 1
	gradual := defaults.Rounds
	return []Method{
		{Name: Reference, Summary: "a market for participation, in every layer or in all", Settings: rates, configure: market},
		{Name: "market-compensation", Summary: "the market, whose readers take over what removed players gave", Settings: rates, configure: compensating(compensation.Full, market)},
		{Name: "market-lottery", Summary: "a false market, in which chance decides", Settings: rates, configure: falseMarket(game.Lottery), null: true},
		{Name: "market-reverse", Summary: "a false market, in which who is worth least stays", Settings: rates, configure: falseMarket(game.Reverse), null: true},
		ranked("random", "random players leave at once", game.Random, once),
		ranked("magnitude", "row norms, at once", game.Magnitude, once),
		ranked("path-magnitude", "row norms times outgoing norms, at once", game.PathMagnitude, once),
		ranked("taylor", "first-order change of the loss, at once", game.Taylor, once),
		ranked("fisher", "Fisher information, at once", game.Fisher, once),
		ranked("gradual-random", "random players, on the market's schedule", game.Random, gradual),
		ranked("gradual-magnitude", "row norms, on the market's schedule", game.Magnitude, gradual),
		ranked("gradual-path-magnitude", "row norms times outgoing norms, on the market's schedule", game.PathMagnitude, gradual),
		ranked("gradual-taylor", "first-order change of the loss, on the market's schedule", game.Taylor, gradual),
		ranked("contributions", "mean square contributions to the outputs, on the market's schedule", game.OutputSquare, gradual),
		{
			Name: "lsq", Summary: "the same, and readers take over by least squares what the removed gave", Settings: rates,
			configure: compensating(compensation.Full, ranking(game.OutputSquare, gradual)),
		},
		{
			Name: "obs", Summary: "backward elimination with refit (optimal brain surgeon), on the market's schedule", Settings: rates,
			configure: compensating(compensation.Full, ranking(game.OBS, gradual)),
		},
		{Name: "group-lasso", Summary: "a penalty on row norms by proximal steps, the lowest leave at once", Settings: groupPenalties(), configure: ranking(game.Magnitude, once)},
		{Name: "l1-gates", Summary: "gates under an L1 penalty, the lowest leave at once", Settings: penalties(), configure: gates},
		{Name: "l0", Summary: "gates drawn under an L0 penalty (hard concrete), the lowest leave at once", Settings: drawnPenalties(), configure: drawnGates},
		{Name: "cofi", Summary: "such gates under multipliers for the sparsity, the lowest leave at once", Settings: multiplierRates(), configure: drawnGates},
		{Name: "paper", Summary: "the paper's game, the lowest leave at once", Settings: paperRows(), configure: paper},
		{Name: "scratch", Summary: "the shape alone, trained from scratch", Settings: rates, configure: small, follows: true},
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
	p.target(c)
}

// falseMarket is the market with worths that are false on purpose.
func falseMarket(worth game.Valuation) func(*settings.Config, place) {
	return func(c *settings.Config, p place) {
		market(c, p)
		c.Worth = worth
	}
}

// compensating is a way of removal whose readers take over what a kind of compensation says.
func compensating(kind compensation.Kind, remove func(*settings.Config, place)) func(*settings.Config, place) {
	return func(c *settings.Config, p place) {
		remove(c, p)
		c.Compensate = kind
	}
}

func ranking(criterion game.Criterion, rounds int) func(*settings.Config, place) {
	return func(c *settings.Config, p place) {
		c.Game, c.Criterion, c.Rounds = game.RankingGame, criterion, rounds
		p.target(c)
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

// drawnGates are gates that are drawn anew in every step from hard concrete distributions
// (Louizos, Welling and Kingma, arXiv:1712.01312). Their log alphas start at zero and descend
// the loss with either term: gamma times the expected number of open gates, or the
// multipliers' for the sparsity at which the run ends (CoFi; Xia, Zhong and Chen,
// arXiv:2204.00408), of its players. Differences to the papers: log alphas descend by plain
// gradients, not by Adam; multipliers move every 16 steps; CoFi also gates whole layers,
// starts from a trained network and distils it. That is left out for equal terms.
func drawnGates(c *settings.Config, p place) {
	gates(c, p)
	c.Update, c.ParticipationRate = backend.HardConcrete, logAlphaRate
}

// logAlphaRate lets log alphas come to their ends within the half of a run of MNIST. At 50
// single runs with penalties of 1e-3 and 3e-3 were worse by 0.2 and 1.4 points.
const logAlphaRate = 20

// drawnPenalties are weights of the L0 penalty. Of single runs of 20 epochs with 1e-3, 3e-3
// and 1e-2 on MNIST's validation part, with 38 players, the first two were the best, with 135
// and 83 open gates before the removal. Larger networks need a smaller penalty.
func drawnPenalties() []Setting {
	var candidates []Setting
	for _, gamma := range [Searched]float64{3e-4, 1e-3, 3e-3} {
		candidates = append(candidates, Setting{fmt.Sprintf("gamma %g", gamma), func(c *settings.Config) { c.Gamma = gamma }})
	}
	return candidates
}

// multiplierRates are rates of the ascent of CoFi's multipliers, around the best of such
// single runs with 1e-2 and 0.1, and at an earlier logAlphaRate with 3e-3 and 3e-2.
func multiplierRates() []Setting {
	var candidates []Setting
	for _, rate := range [Searched]float64{3e-3, 1e-2, 3e-2} {
		candidates = append(candidates, Setting{fmt.Sprintf("multiplier-rate %g", rate), func(c *settings.Config) { c.MultiplierRate = rate }})
	}
	return candidates
}

// groupPenalties are weights of the group lasso, around the best of single runs of 20
// epochs with 3e-3 to 0.1 on MNIST's validation part, with 38 players.
func groupPenalties() []Setting {
	var candidates []Setting
	for _, weight := range [Searched]float64{3e-3, 1e-2, 3e-2} {
		candidates = append(candidates, Setting{fmt.Sprintf("group-lasso %g", weight), func(c *settings.Config) { c.GroupLasso = weight }})
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
	p.target(c)
	c.Game = game.NoGame
}
