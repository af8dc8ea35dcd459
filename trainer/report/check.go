package report

import (
	"errors"
	"fmt"
	"slices"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// check reports the first thing in which a run is not one that the trainer could
// have written, so that what shows it need not look again.
func (run *Run) check() error {
	if err := errors.Join(checkResult(&run.Result), checkConfig(run.Config)); err != nil {
		return err
	}
	for _, line := range run.Epochs {
		if err := run.checkEpoch(line); err != nil {
			return err
		}
	}
	for _, line := range run.Rounds {
		if err := run.checkRound(line); err != nil {
			return err
		}
	}
	for _, p := range run.Players {
		if err := run.checkPlayer(p); err != nil {
			return err
		}
	}
	return nil
}

func checkResult(r *record.Result) error {
	if r.Task != "" && r.Task != dataset.Classification && r.Task != dataset.Regression {
		return fmt.Errorf("its task %.40q is neither %s nor %s", r.Task, dataset.Classification, dataset.Regression)
	}
	if n := len(r.Data.TargetNames); n > 0 && !r.Regression() {
		return fmt.Errorf("it names %d targets, and the task is classification", n)
	}
	if err := checkNetworkResult("dense", r.Dense, r); err != nil {
		return err
	}
	if gates := len(r.Dense.Shape) - leastShape; len(r.Gates) != gates && r.Weights == nil {
		return fmt.Errorf("it lists %d gates, and its network has %d", len(r.Gates), gates)
	}
	if w := r.Weights; w != nil {
		if len(w.Tensors) == 0 || len(w.Tensors) != len(r.Gates) || r.Pruned == nil {
			return fmt.Errorf("it lists %d tensors of weights for %d gates", len(w.Tensors), len(r.Gates))
		}
		for i, t := range w.Tensors {
			size := 1.
			for _, n := range t.Shape {
				size *= float64(n)
			}
			if size != float64(r.Gates[i].Players) {
				return fmt.Errorf("tensor %.40q of shape %v has %d weights", t.Name, t.Shape, r.Gates[i].Players)
			}
		}
	}
	for _, g := range r.Gates {
		if g.Players < 0 || g.Players > settings.MaxNetworkParameters {
			return fmt.Errorf("gate %.40q has %d players; a network has at most %d parameters", g.Name, g.Players, settings.MaxNetworkParameters)
		}
	}
	if r.Pruned == nil {
		if !wasEvaluated(r.Dense.Quality) {
			return errors.New("neither a dense nor a pruned network was evaluated")
		}
		return nil
	}
	if (r.Equilibrium == nil) == (r.Pruned.Criterion == "") && r.Weights == nil || !wasEvaluated(r.Pruned.Quality) {
		return errors.New("the pruned network lacks its accuracy, or its errors, or its equilibrium")
	}
	if r.Pruned.Criterion != "" && !r.Pruned.Criterion.Known() {
		return fmt.Errorf("players were ranked by %.40q, which is none of %q", r.Pruned.Criterion, game.Criteria)
	}
	if e := r.Equilibrium; e != nil {
		for _, v := range []record.Verdict{e.Model, e.Network} {
			if known := []record.Verdict{"", record.Holds, record.Fails, record.Undecided}; !slices.Contains(known, v) {
				return fmt.Errorf("the verdict on its equilibrium is %.40q, which is none of %q", v, known[1:])
			}
		}
	}
	if r.Gated != nil {
		if err := checkQuality("gated", r.Gated.Quality, r); err != nil {
			return err
		}
	}
	if len(r.Pruned.Shape) != len(r.Dense.Shape) {
		return fmt.Errorf("the pruned network %s has not as many layers as the dense one, %s", shape(r.Pruned.Shape), shape(r.Dense.Shape))
	}
	return checkNetworkResult("pruned", r.Pruned.NetworkResult, r)
}

// wasEvaluated reports whether anything is known of how well a network does.
func wasEvaluated(q record.Quality) bool { return q.Accuracy != nil || q.RMSE != nil }

// checkQuality says whether figures can be those of a network of the task.
func checkQuality(name string, q record.Quality, r *record.Result) error {
	regression := r.Task == dataset.Regression
	switch {
	case !record.Percentage(q.Accuracy) || q.Accuracy != nil && regression:
		return fmt.Errorf("%v is not the accuracy of a %s network in percent", *q.Accuracy, name)
	case !record.Percentage(q.BalancedAccuracy):
		return fmt.Errorf("%v is not the balanced accuracy of a %s network in percent", *q.BalancedAccuracy, name)
	case q.R2 != nil && !(*q.R2 <= 1 && regression):
		return fmt.Errorf("%v is not the fraction of variance that a %s network explains", *q.R2, name)
	case q.RMSE != nil && (!regression || len(q.RMSE) != len(r.Data.TargetNames)):
		return fmt.Errorf("the %s network has errors for %d of %d targets", name, len(q.RMSE), len(r.Data.TargetNames))
	case q.MAE != nil && len(q.MAE) != len(q.RMSE):
		return fmt.Errorf("the %s network has mean absolute errors of %d targets and others of %d", name, len(q.MAE), len(q.RMSE))
	case slices.ContainsFunc(slices.Concat(q.RMSE, q.MAE), func(x float64) bool { return x < 0 }):
		return fmt.Errorf("the %s network has errors below zero: %v, %v", name, q.RMSE, q.MAE)
	}
	return nil
}

func checkNetworkResult(name string, j record.NetworkResult, r *record.Result) error {
	if err := checkQuality(name, j.Quality, r); err != nil {
		return err
	}
	switch {
	case len(j.Shape) < leastShape || slices.Min(j.Shape) < 0:
		return fmt.Errorf("%v is not the shape of a %s network", j.Shape, name)
	case j.Parameters < 0 || !within(j.LatencyUS, 0, maxLatency):
		return fmt.Errorf("the %s network has %d parameters and a latency of %v us", name, j.Parameters, j.LatencyUS)
	}
	for _, row := range j.Confusion {
		if len(row) != len(j.Confusion) || len(row) > record.MostConfused {
			return fmt.Errorf("the confusion matrix of the %s network is %d by %d; it must be square and of at most %d classes", name, len(j.Confusion), len(row), record.MostConfused)
		}
	}
	return nil
}

// leastShape is the length of the shape of a network without gates: inputs and outputs.
const leastShape = 2

// maxLatency is a year in microseconds: a larger number was not measured.
const maxLatency = 365 * 24 * 3600 * 1e6

func checkConfig(c settings.Config) error {
	if c.Epochs < 0 || c.Epochs == 0 && c.Source == "" || c.Epochs > settings.MaxEpochs || c.Rounds < 0 || c.Game.InRounds() && c.Rounds < 1 || c.Rounds > settings.MaxRounds || !within(c.WarmUp, 0, 1) || !within(c.GameShare, 0, 1) {
		return fmt.Errorf("no run has epochs %d, rounds %d, warm-up %v and game-share %v", c.Epochs, c.Rounds, c.WarmUp, c.GameShare)
	}
	return nil
}

func (run *Run) checkEpoch(line record.EpochLine) error {
	if line.Epoch < 1 || line.Epoch > run.Config.Epochs || !record.Percentage(line.Accuracy) || !record.Percentage(line.ValidationAccuracy) {
		return fmt.Errorf("this is not a line about one of %d epochs and an accuracy in percent", run.Config.Epochs)
	}
	if (line.Accuracy != nil) == run.Result.Regression() || line.ValidationR2 != nil && !(run.Result.Regression() && *line.ValidationR2 <= 1) {
		return fmt.Errorf("epoch %d has other figures than the run was evaluated by", line.Epoch)
	}
	return record.CheckParticipations(line.Participations, run.players())
}

func (run *Run) checkRound(line record.RoundLine) error {
	layers := len(run.Result.Gates)
	quoted := line.Prices
	if run.ranked() {
		quoted = line.Cuts
	}
	negative := func(n int) bool { return n < 0 }
	switch {
	case line.Round < 1 || line.Round > run.Config.Rounds:
		return fmt.Errorf("round %d of %d", line.Round, run.Config.Rounds)
	case len(line.Demand) != layers || len(quoted) != layers || len(line.Players) != layers ||
		line.Supply != nil && len(line.Supply) != layers || line.Costs != nil && len(line.Costs) != layers:
		return fmt.Errorf("round %d is not about %d gates", line.Round, layers)
	case !record.Percentage(line.ValidationAccuracy) || slices.ContainsFunc(line.Costs, func(x float64) bool { return !(x > 0) }):
		return fmt.Errorf("round %d has the costs %v and an accuracy that is none", line.Round, line.Costs)
	case slices.ContainsFunc(line.Demand, negative) || slices.ContainsFunc(line.Players, negative):
		return fmt.Errorf("round %d counts fewer than no players", line.Round)
	}
	return record.CheckParticipations(line.Participations, run.players())
}

// players returns how many players each gate had at the start.
func (run *Run) players() []int {
	var players []int
	for _, g := range run.Result.Gates {
		players = append(players, g.Players)
	}
	return players
}

func (run *Run) checkPlayer(p record.Player) error {
	if layers := len(run.Result.Gates); p.Layer < 0 || p.Layer >= layers {
		return fmt.Errorf("gate %d of a network with %d gates, which count from 0", p.Layer, layers)
	}
	if !slices.Contains(game.Reasons, p.Reason) {
		return fmt.Errorf("reason %.40q is none of %q", p.Reason, game.Reasons)
	}
	return nil
}

// within is false for NaN.
func within(x, low, high float64) bool { return x >= low && x <= high }
