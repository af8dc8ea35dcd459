package main

import (
	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
	"nashprune/trainer/settings"
)

const pruneName = "prune"

func newPrune() *cobra.Command {
	cmd := newRun(settings.Trained(), &cobra.Command{
		Use:   pruneName + " RUN|MODEL",
		Short: "Prune a trained network by the game, with fine-tuning",
		Long: `Prune reads a trained network and evaluates it on the data. Then it plays the game
on it while it trains on, removes players, and writes what is left in the format of
the file, with its names and types. The network as it was is the dense one of the
result. --epochs 0 removes players without any training.

RUN is the folder of a finished run, and there the pruned network (the dense one of a
run without a game). MODEL is a file of ONNX, or a safetensors file, the index of
several, or a folder of them: one that nashprune wrote, or a state dict of PyTorch.
Without --data it is pruned on the data of the run, or on that which the file names. The graph of a state dict
is that of --model, or follows from names and shapes where they leave no choice.
--normalise says how inputs are scaled where the file does not. (nashprune help
pruning)`,
		Example: `  nashprune prune runs/mnist-38 --sparsity 0.5
  nashprune prune runs/mnist-38/dense.safetensors --sparsity 0.9
  nashprune prune mlp.safetensors --data mnist --normalise 0.1307/0.3081
  nashprune prune lenet5.safetensors --model lenet5 --data mnist --normalise 0.1307/0.3081 --max-params 5000
  nashprune prune --resume runs/mnist-market-20261130-164500`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return backend.Usagef("%s takes one model file or run folder: see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
	})
	for _, name := range []string{"source", "baseline"} { // the argument, and the network as it was
		cmd.Flags().Lookup(name).Hidden = true
	}
	return cmd
}
