package report

import (
	"fmt"
	"io"
	"strings"

	"nashprune/game"
)

// criterionMeanings says what the scores of a ranking are.
var criterionMeanings = map[game.Criterion]string{
	game.Random:        "a random number",
	game.Magnitude:     "the norm of the player's weights and bias",
	game.PathMagnitude: "the norm of the player's weights and bias, times the norm of its outgoing weights",
	game.Taylor:        "|s mean(c)| over all training samples, to first order the change of the loss when the player is removed",
	game.Fisher:        "s^2 mean(c^2) over all training samples, the Fisher information along the player's participation",
	game.OutputSquare:  "s^2 mean(c^2), with contributions c to the outputs on the samples of the round",
	game.OBS:           "what the nodes that read the player lose with it, in mean square, after a refit and all removals before it",
	game.Participation: "the participation of the player in the paper's game, played until then",
}

// explainRanking describes the players of a run without a game. Its errors are those of
// w.
func explainRanking(w io.Writer, run *Run) error {
	p := run.Result.Pruned
	var b strings.Builder
	rounds := "one round"
	if n := run.Config.Rounds; n > 1 {
		rounds = fmt.Sprintf("%s rounds", Thousands(n))
	}
	fmt.Fprintf(&b, "There was no game: players were ranked by %s, and the last were removed in %s.\n", p.Criterion, rounds)
	fmt.Fprintf(&b, "So there are no prices and no utilities, and no equilibrium is claimed.\n")
	fmt.Fprintf(&b, "%s of %s players stay.\n", Thousands(p.Kept), Thousands(p.Players))
	fmt.Fprintf(&b, "A score is %s; the cut is the highest score of the players that a round removed from a %s.\n\n", criterionMeanings[p.Criterion], run.axis())
	table := newTable(&b)
	fmt.Fprintln(table, run.axis()+"\tplayers\tkept\tranked out\tlast cut\tlowest kept score\t")
	for l, players := range byLayer(run) {
		kept, left := sides(players)
		cut, lowest := lowestKept(players)
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\t\n", run.gate(l), len(players), len(kept), len(left), cut, lowest)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	kept, left := byMargin(run.Players)
	columns := []string{"score", "cut"}
	if err := run.listPlayers(&b, "Kept players closest to the cut", columns, kept); err != nil {
		return err
	}
	if err := run.listPlayers(&b, "Last removed players", columns, left); err != nil {
		return err
	}
	return writeTrimmed(w, b.String())
}
