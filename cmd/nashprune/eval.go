package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
)

func newEval() *cobra.Command {
	options := trainer.EvalOptions{Device: "auto", MaxDataBytes: dataset.DefaultMaxBytes}
	asJSON := false
	cmd := &cobra.Command{
		Use:   "eval RUN|FILE",
		Short: "Evaluate a saved network on the test set",
		Long: `Eval evaluates a saved network on the test set of its training data. It takes a
model file, or a run folder and there the pruned network (the dense one of a run
without a game). Features are standardised like the training data; errors of
regression are in the units of the targets. Other data without a test part is
evaluated whole.`,
		Example: `  nashprune eval runs/mnist-38
  nashprune eval runs/mnist-38/dense.safetensors --json
  nashprune eval runs/flowers --data more-flowers.csv`,
		Args: exactly(1, "one run folder or model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			// $NASHPRUNE_DATASET is for training: it must not change the data that a
			// network is evaluated on.
			if err := settleFromEnvironment(cmd.Flags(), "data", "label", "ignore", "header", "decimal-comma", "test-fraction"); err != nil {
				return err
			}
			if cmd.Flags().Changed("test-fraction") && options.Data == "" {
				return backend.Usagef("--test-fraction goes with --data: without it the run's own test samples are evaluated")
			}
			path, err := openSaved(cmd, args[0], &options)
			if err != nil {
				return err
			}
			result, err := trainer.Eval(untilSignal(cmd), path, options)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), result)
			}
			return toTerminal(cmd.OutOrStdout(), func(w io.Writer) error { return report.Eval(w, result) })
		},
	}
	cmd.Flags().StringVar(&options.Data, "data", "", "data set to evaluate on (default: the one the network was trained on)")
	cmd.Flags().StringVar(&options.DataDir, "data-dir", "", "`folder` to look for data sets in first")
	cmd.Flags().StringVar(&options.Label, "label", "", help("label"))
	cmd.Flags().Float64Var(&options.TestFraction, "test-fraction", 0, "evaluate on this `fraction` of --data, drawn as in training (default: all of it, if it has no test part)")
	savedFlags(cmd, &options)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

// savedFlags adds the flags of commands that run a saved network on data.
func savedFlags(cmd *cobra.Command, o *trainer.EvalOptions) {
	flags := cmd.Flags()
	flags.Uint64Var(&o.MaxDataBytes, "max-data-bytes", o.MaxDataBytes, help("max-data-bytes"))
	flags.StringVar(&o.Ignore, "ignore", "", help("ignore"))
	flags.Bool("header", true, help("header"))
	flags.BoolVar(&o.DecimalComma, "decimal-comma", false, help("decimal-comma"))
	flags.StringVar(&o.Device, "device", o.Device, help("device"))
	flags.StringVar(&o.Kernels, "kernels", "", help("kernels"))
}

// openSaved returns the model file that a user means, with the options that follow from it, and
// announces the device.
func openSaved(cmd *cobra.Command, model string, o *trainer.EvalOptions) (path string, err error) {
	header, err := cmd.Flags().GetBool("header")
	if err != nil {
		return "", err
	}
	o.NoHeader = !header
	if path, err = findModel(cmd.Flags(), model, o); err != nil {
		return "", err
	}
	choice, err := backend.ChooseDevice(o.Device)
	if err != nil {
		return "", err
	}
	newProgress(cmd.ErrOrStderr()).announce(choice)
	o.Device = choice.ID()
	return path, nil
}

// findModel returns the model file that a user means by a file or a run folder.
// Where the folder's configuration says what data was used, and how it was
// divided, and the user does not, it fills that in.
func findModel(flags *pflag.FlagSet, path string, o *trainer.EvalOptions) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("no model file and no run folder: %w", err)
	}
	folder := path
	if !info.IsDir() {
		folder = filepath.Dir(path)
	}
	config, err := report.ReadConfig(folder)
	if err != nil && info.IsDir() && o.Data == "" && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%w: the data to evaluate on is unknown; name it with --data", err)
	}
	if err == nil {
		o.Seed = config.Seed
		if o.Label == "" && (o.Data == "" || dataset.IsCSV(o.Data)) {
			o.Label = config.Label
		}
		if o.Data == "" || dataset.IsCSV(o.Data) {
			if !flags.Changed("header") {
				o.NoHeader = !config.Header
			}
			if !flags.Changed("decimal-comma") {
				o.DecimalComma = config.DecimalComma
			}
		}
		if o.Data == "" {
			o.Data, o.Test, o.TestFraction, o.Divided = config.Data, config.Test, config.TestFraction, true
			if o.DataDir == "" {
				o.DataDir = config.DataDir
			}
		}
	}
	return modelOf(path, info)
}

// modelOf returns the model file that a path means: itself or, of a run folder, the pruned
// network's or the dense one's.
func modelOf(path string, info os.FileInfo) (string, error) {
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range []string{record.PrunedFile, record.DenseFile} {
		file := filepath.Join(path, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return "", backend.Usagef("%s holds no %s and no %s: name a model file or the folder of a finished run",
		path, record.PrunedFile, record.DenseFile)
}

// writeJSON writes what a command prints with --json.
var writeJSON = record.WriteJSON
