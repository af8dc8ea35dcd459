package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"nashprune/game"
	"nashprune/trainer/network"
)

// concludeGame judges what the run's own training left: the network at full
// width and the compacted one, or, without a game, the dense one.
func (r *run) concludeGame(ctx context.Context, t *training) error {
	if r.config.Game == NoGame {
		return r.concludeDense(ctx, t, FromRun)
	}
	r.tell("judging the pruned network")
	r.addSeconds(t)
	start := time.Now()
	final, gated, err := t.finish()
	if err != nil {
		return err
	}
	var (
		players []Player
		masked  = gated
	)
	if r.config.Game == PaperGame {
		if players, final, masked, err = r.removeByThreshold(ctx, t, gated); err != nil {
			return err
		}
	} else {
		players = marketPlayers(t.plan, t.Ledgers)
	}
	if err := r.judgePruned(ctx, t.engine, gated, masked, final); err != nil {
		return r.orInterrupted(ctx, err, t)
	}
	r.result.Equilibrium = equilibrium(t.Certificate, players)
	r.result.Seconds.Evaluate += time.Since(start).Seconds()
	if err := r.write(PlayersFile, func(w io.Writer) error { return writePlayers(w, players) }); err != nil {
		return err
	}
	return r.saveNetwork(PrunedFile, final)
}

// removeByThreshold ends the paper's game: players below the threshold are
// removed, whether zero dominates their other strategies or not. It returns all
// players, the network without the removed ones, and the network of full width
// with them gated to zero.
func (r *run) removeByThreshold(ctx context.Context, t *training, gated *network.Network) ([]Player, *network.Network, *network.Network, error) {
	measured, err := t.engine.Measure(ctx)
	if err != nil {
		return nil, nil, nil, r.orInterrupted(ctx, err, t)
	}
	g := r.config.Paper()
	masked := gated.Clone()
	var (
		players []Player
		keep    network.Survivors
	)
	t.Certificate = game.Certificate{}
	for l, statistics := range measured {
		field := statistics.Field()
		t.Certificate.CertifyPaper(g, field, statistics.Participation)
		var stay []int
		for i, s := range statistics.Participation {
			player := Player{Layer: l, Index: i, Participation: s, Reason: game.Kept}
			player.Worth, player.Price = g.BenefitOf(field, i, 1), g.CostOf(field, i, 1)
			switch {
			case s >= r.config.Threshold:
				stay = append(stay, i)
			case g.Dominated(field, i):
				player.Epoch, player.Reason = r.config.Epochs, game.Dominated
			default:
				player.Epoch, player.Reason = r.config.Epochs, game.BelowThreshold
			}
			players = append(players, player)
		}
		keep = append(keep, stay)
	}
	masked.Fold()
	final := masked.Keep(keep)
	for l := range masked.Hidden() {
		clear(masked.Layers[l].Participation)
	}
	masked.Scatter(final, keep)
	return players, final, masked, nil
}

// judgePruned evaluates the network at full width with the participations that
// the game left and the compacted network, and checks that removing players
// that are gated to zero changed logits by no more than rounding.
func (r *run) judgePruned(ctx context.Context, engine Engine, gated, masked, final *network.Network) error {
	part := r.config.EvaluateOn
	evaluate := func(n *network.Network) (Evaluation, error) {
		if err := engine.Push(&State{Network: n}); err != nil {
			return Evaluation{}, err
		}
		return engine.Evaluate(ctx, part, Want{Logits: true})
	}
	asGated, err := evaluate(gated)
	if err != nil {
		return err
	}
	whole := asGated
	if masked != gated {
		if whole, err = evaluate(masked); err != nil {
			return err
		}
	}
	compacted, err := evaluate(final)
	if err != nil {
		return err
	}
	r.result.Gated = &Gated{Accuracy: asGated.Accuracy()}
	r.result.Gated.MaxLogitDifference, r.result.Gated.BoundUsed = compareLogits(
		final, part.Of(r.data), r.data.Mean, r.data.Deviation, whole.Logits, compacted.Logits)
	if used := r.result.Gated.BoundUsed; !(used <= 1) {
		return fmt.Errorf("removing the players changed a logit by %g times what rounding explains: this is an error in nashprune or in its device", used)
	}
	pruned := &Pruned{Judged: judged(final), Kept: final.Players(), Players: gated.Players()}
	pruned.evaluated(compacted)
	pruned.Sparsity = 100 * (1 - float64(pruned.Kept)/float64(pruned.Players))
	r.result.Pruned = pruned
	return nil
}

// concludeDense judges a network that was trained without a game.
func (r *run) concludeDense(ctx context.Context, t *training, source string) error {
	r.tell("judging the dense network")
	r.addSeconds(t)
	start := time.Now()
	final, _, err := t.finish()
	if err != nil {
		return err
	}
	evaluation, err := t.engine.Evaluate(ctx, r.config.EvaluateOn, Want{})
	if err != nil {
		return r.orInterrupted(ctx, err, t)
	}
	r.result.Dense = judged(final)
	r.result.Dense.Source = source
	r.result.Dense.evaluated(evaluation)
	r.result.Seconds.Evaluate += time.Since(start).Seconds()
	return r.saveNetwork(DenseFile, final)
}

// orInterrupted turns the error of a ctx that ended while a finished training
// was judged into one of the kind [ErrInterrupted], after a checkpoint.
func (r *run) orInterrupted(ctx context.Context, err error, t *training) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w while the %s training was judged: go on with nashprune train --resume %s", ErrInterrupted, t.name, r.Dir)
}

// saveNetwork writes a model file.
func (r *run) saveNetwork(name string, n *network.Network) error {
	d := r.data
	return network.Save(filepath.Join(r.Dir, name), n, network.Metadata{
		Data: d.Name, Height: d.Height, Width: d.Width, Classes: d.Classes,
		Mean: d.Mean, Deviation: d.Deviation, Generator: "nashprune " + r.Version,
	})
}

// conclude measures latencies, writes the result and removes the checkpoint.
func (r *run) conclude(engine Engine) (*Result, error) {
	r.tell("measuring latencies")
	start := time.Now()
	var (
		dense *network.Network
		err   error
	)
	if r.result.Dense.Source == "" {
		if dense, err = r.initial(); err == nil {
			r.result.Dense = judged(dense)
			r.result.Dense.Source = NotTrained
		}
	} else {
		dense, _, err = network.Load(filepath.Join(r.Dir, DenseFile))
	}
	if err != nil {
		return nil, err
	}
	networks, reports := []*network.Network{dense}, []*Judged{&r.result.Dense}
	if r.result.Pruned != nil {
		pruned, _, err := network.Load(filepath.Join(r.Dir, PrunedFile))
		if err != nil {
			return nil, err
		}
		networks, reports = append(networks, pruned), append(reports, &r.result.Pruned.Judged)
	}
	microseconds, batch, err := latencies(engine, r.data.Test.Len(), networks)
	if err != nil {
		return nil, err
	}
	for i, report := range reports {
		report.LatencyUS, report.LatencyBatch = microseconds[i], batch
	}
	r.result.Seconds.Evaluate += time.Since(start).Seconds()
	r.result.Seconds.Total = r.before + time.Since(r.started).Seconds()
	if err := r.write(ResultFile, func(w io.Writer) error { return r.result.Write(w) }); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(r.Dir, CheckpointFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return &r.result, nil
}

// Write writes the result as indented JSON.
func (r *Result) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}
