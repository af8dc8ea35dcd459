package trainer

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/evidence"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
)

// concludeGame evaluates what the run's own training ends with: the network at full
// width and the compacted one, or, without a game, the dense one.
func (r *run) concludeGame(ctx context.Context, t *session.Training) error {
	if r.config.Game == game.NoGame {
		return r.concludeDense(ctx, t, record.FromRun)
	}
	r.announce("evaluating the pruned network")
	r.addSeconds(t)
	start := time.Now()
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	r.round(state.Network)
	var outcome outcome
	switch {
	case t.Weights != nil:
		outcome, err = r.withoutDead(state.Network)
		outcome.weights = t.Players()
	case state.Network.Masks != nil:
		outcome, err = r.removeWeights(ctx, t, state.Network)
	case r.config.Game == game.PaperGame:
		outcome, err = r.removeByThreshold(ctx, t, state.Network)
	default:
		outcome, err = r.embedKept(t, state.Network)
	}
	if err == nil {
		err = r.evaluatePruned(ctx, t, outcome)
	}
	if err != nil {
		return r.orInterrupted(ctx, err)
	}
	if err := r.concludeMarket(ctx, t, outcome.final); err != nil {
		return r.orInterrupted(ctx, err)
	}
	outcome.nameGates(r.graph)
	players := outcome.players
	r.result.Seconds.Evaluate += time.Since(start).Seconds()
	if err := r.write(record.PlayersFile, func(w io.Writer) error { return record.WritePlayers(w, players) }); err != nil {
		return err
	}
	if outcome.weights != nil {
		if err := r.concludeWeights(t, outcome); err != nil {
			return err
		}
	}
	if r.config.Game == game.RankingGame {
		r.result.Pruned.Criterion = r.config.Criterion
	} else if outcome.certificate != nil {
		r.result.Equilibrium, r.result.Certificate = record.NewEquilibrium(outcome.certificate, players), outcome.certificate
		if err := r.write(record.CertificateFile, outcome.certificate.Write); err != nil {
			return err
		}
	}
	return r.savePruned(outcome.final)
}

// outcome is what a game ends with.
type outcome struct {
	players []record.Player
	final   *network.Network // the compacted network
	gated   *network.Network // of full width, with the participations that the game left
	masked  *network.Network // of full width, computing what final computes: removed players have participation zero

	certificate *record.Certificate // nil where there was no game

	weights []int              // how many stay of each tensor, where single weights were the players
	ends    []*game.PaperEnd   // where they ended in the paper's game
	claim   *record.PaperClaim // and how far from an equilibrium
}

// nameGates names the gates in what is written of their players.
func (o *outcome) nameGates(g *network.Graph) {
	for i := range o.players {
		o.players[i].Gate = g.Gates[o.players[i].Layer].Name
	}
	if o.certificate != nil {
		for l := range o.certificate.Layers {
			o.certificate.Layers[l].Gate = g.Gates[l].Name
		}
	}
}

// embedKept ends the market or a ranking, whose losers are removed already. In the network of
// full width they have participation zero, so their weights do not matter.
func (r *run) embedKept(t *session.Training, final *network.Network) (outcome, error) {
	gated, err := r.initial()
	if err != nil {
		return outcome{}, err
	}
	if err := embed(final, gated, t.Live()); err != nil {
		return outcome{}, err
	}
	o := outcome{players: session.Players(t.Plan, t.Ledgers), final: final, gated: gated, masked: gated}
	if r.config.Game == game.RankingGame {
		return o, nil
	}
	rounds, err := r.rounds()
	if err != nil {
		return outcome{}, err
	}
	o.certificate = t.FinalCertificate(rounds)
	return o, nil
}

// embed writes a compacted network into one of full width, in which all other players are
// gated to zero.
func embed(final, whole *network.Network, live network.Survivors) error {
	for _, participation := range whole.Participations {
		clear(participation)
	}
	cut, err := whole.Cut(live)
	if err == nil {
		cut.Scatter(whole, final)
	}
	return err
}

// removeByThreshold ends the paper's game: players below the threshold are
// removed, whether zero dominates their other strategies or not.
func (r *run) removeByThreshold(ctx context.Context, t *session.Training, gated *network.Network) (outcome, error) {
	measured, err := t.Engine.Measure(ctx)
	if err != nil {
		return outcome{}, err
	}
	g := r.config.Paper()
	masked := gated.Clone()
	var (
		players []record.Player
		keep    network.Survivors
	)
	t.Certificate = game.Certificate{}
	accounts := make([][]game.Account, len(measured))
	for l, statistics := range measured {
		field := statistics.Field(g)
		accounts[l] = t.Certificate.CertifyPaper(g, field, statistics.Participation)
		stay := []int{}
		for i, a := range accounts[l] {
			player := record.Player{
				Layer: l, Index: i, Worth: a.Worth, Price: a.Price, Participation: a.Participation,
				Reason: g.Reason(field, i, a.Participation, r.config.Threshold),
			}
			if player.Reason == game.Kept {
				stay = append(stay, i)
			} else {
				player.Epoch = r.config.Epochs
			}
			players = append(players, player)
		}
		keep = append(keep, stay)
	}
	masked.Fold()
	final, err := masked.Keep(keep)
	if err != nil {
		return outcome{}, err
	}
	r.round(final)
	if err := embed(final, masked, keep); err != nil {
		return outcome{}, err
	}
	certificate := evidence.PaperCertificate(g, t.Certificate, accounts, measured, gated, players)
	return outcome{players: players, final: final, gated: gated, masked: masked, certificate: certificate}, t.CheckFinite(t.Certificate.TotalGap, t.Certificate.Scale)
}

// evaluatePruned evaluates the network at full width with the participations that
// the game left and the compacted network, and checks that removing players
// that are gated to zero changed logits by no more than rounding.
func (r *run) evaluatePruned(ctx context.Context, t *session.Training, o outcome) error {
	part := r.config.EvaluateOn
	evaluate := func(n *network.Network) (backend.Evaluation, error) {
		if err := t.Engine.Push(&backend.State{Network: n}); err != nil {
			return backend.Evaluation{}, err
		}
		evaluation, err := t.Engine.Evaluate(ctx, part, backend.Want{Logits: true})
		if err != nil {
			return backend.Evaluation{}, err
		}
		return evaluation, t.CheckFinite(evaluation.Loss)
	}
	asGated, err := evaluate(o.gated)
	if err != nil {
		return err
	}
	whole := asGated
	if o.masked != o.gated {
		if whole, err = evaluate(o.masked); err != nil {
			return err
		}
	}
	compacted, err := evaluate(o.final)
	if err != nil {
		return err
	}
	compared, err := evidence.CompareLogits(ctx, o.final, r.data, part.Of(r.data), whole.Logits, compacted.Logits)
	if err != nil {
		return err
	}
	if !(compared.BoundUsed <= 1) {
		return fmt.Errorf("%w: removing the players changed a logit by %g times what rounding explains, which is an error in nashprune or in its device", backend.ErrParity, compared.BoundUsed)
	}
	r.result.Gated = &record.Gated{Quality: record.NewQuality(asGated, r.data, part), MaxLogitDifference: compared.Difference, BoundUsed: compared.BoundUsed}
	if compared.Bounded < part.Of(r.data).Len() {
		r.result.Gated.BoundedSamples = compared.Bounded
	}
	if o.masked != o.gated {
		masked := record.NewQuality(whole, r.data, part)
		r.result.Gated.Masked = &masked
	}
	pruned := &record.Pruned{NetworkResult: record.NewNetworkResult(o.final), Kept: o.final.Players(), Players: o.gated.Players()}
	record.SetEvaluation(&pruned.NetworkResult, compacted, r.data, part)
	if o.weights != nil {
		pruned.Kept, pruned.Players = network.Sum(o.weights), network.Sum(r.graph.MarketWidths())
	}
	pruned.Sparsity = 100 * (1 - float64(pruned.Kept)/float64(pruned.Players))
	pruned.Best = t.Best
	r.result.Pruned = pruned
	return nil
}

// concludeDense evaluates a network that was trained without a game.
func (r *run) concludeDense(ctx context.Context, t *session.Training, source string) error {
	r.announce("evaluating the dense network")
	r.addSeconds(t)
	start := time.Now()
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	evaluation, err := t.Engine.Evaluate(ctx, r.config.EvaluateOn, backend.Want{Logits: true})
	if err != nil {
		return r.orInterrupted(ctx, err)
	}
	if err := t.CheckFinite(evaluation.Loss); err != nil {
		return err
	}
	r.result.Dense = record.NewNetworkResult(state.Network)
	r.result.Dense.Source = source
	record.SetEvaluation(&r.result.Dense, evaluation, r.data, r.config.EvaluateOn)
	r.result.Dense.Best = t.Best
	if m := r.result.Market; m != nil && m.Validation != nil {
		if m.Validation.Dense, err = t.ValidationAccuracy(ctx); err != nil {
			return r.orInterrupted(ctx, err)
		}
	}
	r.result.Seconds.Evaluate += time.Since(start).Seconds()
	return r.saveNetwork(record.DenseFile, state.Network)
}

// orInterrupted turns the error of a ctx that ended after a training, of which
// there is a checkpoint, into one of the kind [backend.ErrInterrupted].
func (r *run) orInterrupted(ctx context.Context, err error) error {
	return interrupted(ctx, err, "while networks were evaluated: go on with nashprune train --resume "+r.Dir)
}

// conclude measures latencies, writes the result and removes the checkpoint.
func (r *run) conclude(ctx context.Context, engine backend.Engine) (*record.Result, error) {
	r.announce("measuring latencies")
	start := time.Now()
	var (
		dense *network.Network
		err   error
	)
	switch r.result.Dense.Source {
	case "":
		if dense, err = r.initial(); err == nil {
			r.result.Dense = record.NewNetworkResult(dense)
			r.result.Dense.Source = record.NotTrained
		}
	case record.FromSource:
		dense, err = r.initial()
	default:
		dense, _, err = safetensors.LoadModel(filepath.Join(r.Dir, record.DenseFile))
	}
	if err == nil {
		dense, err = dense.WithoutBranches()
	}
	if err != nil {
		return nil, err
	}
	kept := record.Shape(r.graph) // a file has no gates of branches, and none of features that are all gone
	networks, reports := []*network.Network{dense}, []*record.NetworkResult{&r.result.Dense}
	if r.result.Pruned != nil {
		pruned, _, err := safetensors.LoadModel(filepath.Join(r.Dir, record.PrunedFile))
		if err != nil {
			return nil, err
		}
		kept = r.result.Pruned.Shape
		networks, reports = append(networks, pruned), append(reports, &r.result.Pruned.NetworkResult)
	}
	if len(networks) > 1 && r.result.Dense.Source != record.NotTrained {
		if err := r.writeLost(ctx, engine, dense, networks[1]); err != nil {
			return nil, err
		}
	}
	r.result.Gates = nil
	for i, g := range r.graph.Gates {
		r.result.Gates = append(r.result.Gates, record.Gate{Name: g.Name, Kind: string(g.Kind), Players: g.Players, Kept: kept[i+1]})
	}
	if w := r.result.Weights; w != nil {
		for _, t := range w.Tensors {
			r.result.Gates = append(r.result.Gates, record.Gate{Name: t.Name, Kind: string(network.Weights), Players: network.Shape(t.Shape).Size(), Kept: t.Kept})
		}
	}
	microseconds, batch, err := cost.Latencies(ctx, engine, r.data.Test.Len(), networks)
	if err != nil {
		return nil, r.orInterrupted(ctx, err)
	}
	for i, report := range reports {
		report.LatencyUS, report.LatencyBatch = microseconds[i], batch
	}
	if err := r.timeInRuntime(ctx, networks); err != nil {
		return nil, r.orInterrupted(ctx, err)
	}
	if r.result.MissedDrop() {
		r.note(fmt.Sprintf("warning: --max-accuracy-drop %g is not met: players are removed as long as the accuracy falls no further, and those of the last round do not come back; more --epochs and --rounds help, or a smaller drop", r.result.Market.AccuracyDrop))
	}
	if r.result.MissedLatency() {
		r.note(fmt.Sprintf("warning: --max-latency-us %g is not met: the pruned network takes %.0f us; the model of latencies is off, or the machine is busy: run it again, or ask for less", r.result.Market.Limit, r.result.Pruned.LatencyUS))
	}
	r.result.Seconds.Evaluate += time.Since(start).Seconds()
	r.result.Seconds.Total = r.before + time.Since(r.started).Seconds()
	if err := r.write(record.ResultFile, func(w io.Writer) error { return record.WriteJSON(w, &r.result) }); err != nil {
		return nil, err
	}
	result := r.result // apart from the run, which holds the data
	return &result, r.removeCheckpoint()
}
