package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/report"
)

func newExport() *cobra.Command {
	format, out, fold := string(trainer.ExportONNX), "", false
	cmd := &cobra.Command{
		Use:   "export RUN|FILE",
		Short: "Write a saved network for other programs",
		Long: `Export writes a saved network for other programs. It takes a model file, or a run
folder and there the pruned network (the dense one of a run without a game).

Files of ONNX take samples as their data set holds them, with pixels from 0 to 255:
the standardisation is part of the file. They return logits or, in regression,
predictions in the units of the targets. The other formats hold the network alone.`,
		Example: `  nashprune export runs/mnist-38 --format onnx
  nashprune export runs/resnet/pruned.safetensors --fold --out small.onnx
  nashprune export runs/mnist-38 --format npz`,
		Args: exactly(1, "one run folder or model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return fmt.Errorf("no model file and no run folder: %w", err)
			}
			model, err := modelOf(args[0], info)
			if err != nil {
				return err
			}
			if out == "" {
				out = trainer.ExportPath(model, trainer.ExportFormat(format))
			}
			if filepath.Clean(out) == filepath.Clean(model) {
				return backend.Usagef("%s is the model itself: name another file with --out", model)
			}
			n, err := trainer.Export(model, out, trainer.ExportFormat(format), fold)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s holds %s parameters\n", filepath.ToSlash(out), report.Thousands(n.Graph.ParameterCount()))
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "onnx, sparse-onnx (weights are sparse initializers), safetensors, csr (safetensors whose weights are compressed sparse rows) or npz (arrays of NumPy)")
	cmd.Flags().BoolVar(&fold, "fold", false, "merge batch norms into the layers before them")
	cmd.Flags().StringVar(&out, "out", "", "`file` to write (default: beside the model)")
	return cmd
}
