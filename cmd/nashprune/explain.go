package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"nashprune/trainer/report"
)

func newExplain() *cobra.Command {
	player, asJSON := "", false
	cmd := &cobra.Command{
		Use:   "explain RUN",
		Short: "Explain why each neuron or filter was removed or kept",
		Long: `Explain shows what a run recorded: why neurons or filters, the players of the game,
were removed or kept; what they are worth to the network and the price that they
had to be worth, round by round; and whether the result was checked to be an
equilibrium. With --player it shows all that is known of one player. The words
are explained by "nashprune help game".`,
		Example: `  nashprune explain runs/mnist-38
  nashprune explain runs/mnist-38 --player 0:17
  nashprune explain runs/mnist-38 --json`,
		Args: exactly(1, "one run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := report.ReadRun(args[0])
			if err != nil {
				return err
			}
			if run.Result.Weights != nil {
				return explainWeights(cmd.OutOrStdout(), args[0], run, player, asJSON)
			}
			// A folder from before there were certificates explains itself without one.
			err = run.ReadCertificate(args[0])
			if missing := errors.Is(err, os.ErrNotExist); err != nil && (!missing || player != "" || asJSON) {
				return err
			}
			out := cmd.OutOrStdout()
			if !cmd.Flags().Changed("player") {
				if asJSON {
					return run.Certificate.Write(out)
				}
				return toTerminal(out, func(w io.Writer) error { return report.Explain(w, run) })
			}
			name, err := run.ParsePlayer(player)
			if err != nil {
				return err
			}
			if !asJSON {
				return toTerminal(out, func(w io.Writer) error { return report.ExplainPlayer(w, run, name) })
			}
			p, err := run.Player(name)
			if err != nil {
				return err
			}
			return writeJSON(out, p)
		},
	}
	cmd.Flags().StringVar(&player, "player", "", "show all about the player `GATE:INDEX`: the place of the gate, from 0, or its name, such as 0:17 or conv1:17; of single weights TENSOR[INDICES], such as 0.weight[17,203]")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what equilibrium.json holds, of all or of the player")
	return cmd
}

// explainWeights explains a run whose players were single weights.
func explainWeights(out io.Writer, dir string, run *report.Run, weight string, asJSON bool) error {
	if weight == "" {
		if asJSON {
			return writeJSON(out, run.Result.Weights)
		}
		return report.Explain(out, run)
	}
	w, err := run.ReadWeight(dir, weight)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(out, w)
	}
	return report.ExplainWeight(out, run, w)
}
