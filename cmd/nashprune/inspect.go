package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/report"
	"nashprune/trainer/settings"
)

func newInspect() *cobra.Command {
	config := settings.Default()
	config.Data, config.Model = "", ""
	var (
		input   string
		classes int
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show the nodes of a network, what it takes, and its players",
		Long: `Inspect shows a network before anything is trained: its nodes with their shapes,
parameters and multiplications, and the classes of units that are removed together,
each with its kind of player or the reason why it has none. MODEL is what
nashprune train --model takes, a run folder, a model file (.safetensors), or a file
of ONNX (.onnx). Of a file of ONNX that cannot be pruned it shows the nodes, and says which
one stands in the way. A state dict of PyTorch (.safetensors) has the graph of --model, or
that which follows from names and shapes. Without --data and --input the samples are those
that papers count the model for.`,
		Example: `  nashprune inspect lenet5
  nashprune inspect resnet20 --players filters,channels,inputs
  nashprune inspect net.toml --input 3x32x32 --classes 10
  nashprune inspect runs/mnist-38/pruned.safetensors --json
  nashprune inspect resnet18.onnx
  nashprune inspect lenet5-of-pytorch.safetensors --model lenet5`,
		Args: exactly(1, "one model"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settleFromEnvironment(cmd.Flags(), "data", "label", "model"); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			switch {
			case err == nil && info.IsDir():
				if config.Source, err = modelOf(args[0], info); err != nil {
					return err
				}
			case modelfile.Is(args[0]), err == nil && !slices.Contains([]string{"", models.Suffix}, filepath.Ext(args[0])):
				config.Source = args[0]
			case config.Model != "":
				return backend.Usagef("%s is no model file, and --model is %s: --model says which network a state dict of PyTorch (.safetensors) is of", args[0], config.Model)
			default:
				config.Model = args[0]
			}
			sample, err := parseInput(input, config.Data, classes, cmd.Flags().Changed("classes"))
			if err != nil {
				return err
			}
			inspection, err := trainer.Inspect(config, sample, classes)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), inspection)
			}
			return report.Inspect(cmd.OutOrStdout(), inspection)
		},
	}
	flags := cmd.Flags()
	for _, name := range []string{"data", "data-dir", "label", "task", "model", "players", "activation"} {
		addSetting(flags, &config, settings.Find(name))
	}
	flags.StringVar(&input, "input", "", "`shape` of a sample instead of --data, such as 3x32x32 or 30")
	flags.IntVar(&classes, "classes", 10, "number of outputs, beside --input")
	flags.BoolVar(&asJSON, "json", false, "print JSON instead of tables")
	return cmd
}

// parseInput reads the shape of a sample; nil where none is given.
func parseInput(text, data string, classes int, named bool) (network.Shape, error) {
	switch {
	case text != "" && data != "":
		return nil, backend.Usagef("--data %s and --input %s both say what samples are: give one of them", data, text)
	case text == "" && named && data != "":
		return nil, backend.Usagef("--classes %d goes with --input; --data %s has classes of its own", classes, data)
	case classes < 1 || classes > 1<<16:
		return nil, backend.Usagef("--classes is %d; it must be from 1 to %d", classes, 1<<16)
	case text == "":
		return nil, nil
	}
	var shape network.Shape
	for _, word := range strings.Split(text, "x") {
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil || n < 1 {
			return nil, backend.Usagef("--input is %.40q; it must be channels, height and width such as 3x32x32, or a number of features", text)
		}
		shape = append(shape, int(n))
	}
	if len(shape) != 1 && len(shape) != 3 {
		return nil, backend.Usagef("--input is %.40q; it must be channels, height and width such as 3x32x32, or a number of features", text)
	}
	return shape, nil
}
