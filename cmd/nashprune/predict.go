package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"nashprune/trainer"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

func newPredict() *cobra.Command {
	options := trainer.EvalOptions{Device: "auto", MaxDataBytes: dataset.DefaultMaxBytes}
	asJSON, out := false, ""
	cmd := &cobra.Command{
		Use:   "predict RUN|FILE --data FILE",
		Short: "Predict classes or numbers for unlabelled samples",
		Long: `Predict prints what a saved network says of samples without labels: rows of a table,
whose columns are found by their names in any order, an NPZ file, or images in a
folder or an archive. It takes a model file or a run folder, as eval does.

Each sample is a line of CSV: the number of its row from 1, or the path of the
image; its likeliest class; and the probability of each class. Of a regression the
line has the numbers in their own units. With --json each line is a JSON object. A
table may be larger than memory.`,
		Example: `  nashprune predict runs/flowers --data more-flowers.csv
  nashprune predict runs/photos --data new-photos/ --out classes.csv
  nashprune predict runs/boxes/pruned.safetensors --data boxes.csv --json`,
		Args: exactly(1, "one run folder or model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settleFromEnvironment(cmd.Flags(), "data", "ignore", "header", "decimal-comma"); err != nil {
				return err
			}
			if options.Data == "" {
				return backend.Usagef("predict needs the samples: name their file or folder with --data")
			}
			path, err := openSaved(cmd, args[0], &options)
			if err != nil {
				return err
			}
			ctx := untilSignal(cmd)
			write := func(w io.Writer) error {
				buffered := bufio.NewWriter(w)
				p := predictions{csv: csv.NewWriter(buffered), json: json.NewEncoder(buffered), asJSON: asJSON}
				notes, err := trainer.Predict(ctx, path, options, p.begin, p.visit)
				for _, note := range notes {
					cmd.PrintErrln("data: " + note)
				}
				if err != nil {
					return err
				}
				if p.csv.Flush(); p.csv.Error() != nil {
					return p.csv.Error()
				}
				return buffered.Flush()
			}
			if out == "" {
				return write(cmd.OutOrStdout())
			}
			return atomicfile.Write(out, write)
		},
	}
	cmd.Flags().StringVar(&options.Data, "data", "", "table, .npz `file`, or folder or archive of images")
	savedFlags(cmd, &options)
	cmd.Flags().StringVar(&out, "out", "", "`file` to write (default: standard output)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line instead of CSV")
	return cmd
}

// predictions writes what a network says of each sample.
type predictions struct {
	csv    *csv.Writer
	json   *json.Encoder
	asJSON bool
}

// begin writes the header of CSV.
func (p predictions) begin(names []string, regression bool) error {
	if p.asJSON {
		return nil
	}
	header := []string{"sample"}
	if !regression {
		header = append(header, "class")
	}
	for _, name := range names {
		if !regression {
			name = "probability of " + name
		}
		header = append(header, name)
	}
	return p.csv.Write(header)
}

func (p predictions) visit(of trainer.Prediction) error {
	if p.asJSON {
		return p.json.Encode(of)
	}
	row := []string{of.Name}
	if of.Values == nil {
		row = append(row, of.Class)
	}
	for _, x := range append(of.Probabilities, of.Values...) {
		row = append(row, strconv.FormatFloat(x, 'g', 9, 64))
	}
	return p.csv.Write(row)
}
