package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nashprune/trainer"
	"nashprune/trainer/report"
)

func newTrain() *cobra.Command {
	config := trainer.DefaultConfig()
	var (
		out, file, resume string
		asJSON            bool
	)
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network, let the game prune it, and judge what is left",
		Long: `Train trains a network with its game, removes the players that leave, and judges
what is left; with --baseline it also trains the dense network as long and
compares. Everything is written to the run folder. Ctrl-C stops after the step
under way with a checkpoint, and --resume goes on from it.

A setting comes from its flag, else from the environment (NASHPRUNE_EPOCHS for
--epochs; NASHPRUNE_DATASET for --data), else from --config, else from its
default.`,
		Example: `  nashprune train --baseline
  nashprune train --data mnist --keep 38 --epochs 20 --baseline --out runs/mnist-38
  nashprune train --data mnist --sparsity 0.8 --validation 0.1 --evaluate-on validation
  nashprune train --data mnist --game paper --beta 0.001 --gamma 0.1 --learning-rate 0.001
  nashprune train --resume runs/mnist-38`,
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			options := trainer.Options{
				Dir: out, Version: version(), Observe: progress.observe,
				Command: strings.Join(append([]string{"nashprune"}, os.Args[1:]...), " "),
			}
			var (
				result *trainer.Result
				err    error
			)
			if resume != "" {
				options.Dir = resume
				result, err = trainer.Resume(cmd.Context(), options)
			} else {
				if err := settle(cmd.Flags(), file); err != nil {
					return err
				}
				if err := checkGiven(cmd.Flags(), config); err != nil {
					return err
				}
				if options.Dir == "" {
					name := fmt.Sprintf("%s-%s-%s", filepath.Base(config.Data), config.Game, time.Now().Format("20060102-150405"))
					options.Dir = filepath.Join("runs", name)
				}
				result, err = trainer.Run(cmd.Context(), config, options)
			}
			progress.end()
			if err != nil {
				return err
			}
			if asJSON {
				return result.Write(cmd.OutOrStdout())
			}
			if err := report.Result(cmd.OutOrStdout(), result); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "results:      %s\n", options.Dir)
			return err
		},
	}
	cmd.Flags().SortFlags = false
	configFlags(cmd.Flags(), &config)
	cmd.Flags().StringVar(&out, "out", "", "folder for the results (default: a new one in runs/)")
	cmd.Flags().StringVar(&file, "config", "", "TOML file with settings, such as the config.toml of a run")
	cmd.Flags().StringVar(&resume, "resume", "", "go on with the interrupted run in this folder, with its own settings")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print result.json instead of a table")
	for _, other := range []string{"out", "config"} {
		cmd.MarkFlagsMutuallyExclusive("resume", other)
	}
	return cmd
}
