package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/report"
	"nashprune/trainer/reproduce"
	"nashprune/trainer/sweep"
)

func newReproduce() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reproduce",
		Short: "Repeat a published experiment and compare its figures with ours",
	}
	needsCommand(cmd, "paper")
	cmd.AddCommand(newReproducePaper())
	return cmd
}

// The files that reproduce paper leaves in its folder.
const (
	paperReportFile = "paper.json"
	paperTableFile  = "paper.csv"
)

func newReproducePaper() *cobra.Command {
	options := reproduce.Options{Data: "mnist", Device: "auto", Seeds: 3}
	runs := engine{cluster: sweep.Cluster{Jobs: 2}}
	asJSON := false
	cmd := &cobra.Command{
		Use:   "paper",
		Short: "The table of arXiv:2512.22106, under the readings that it leaves open",
		Long: `Paper trains the four configurations of the table of arXiv:2512.22106 under every
reading of what the paper leaves open: the sign of the benefit and what its
gradient is taken of, the optimiser of the weights, how participations move, and
whether theta pays its cost.
All readings are screened in short runs; the three nearest of each row are run in
full with several seeds. The table has the paper's figures beside ours, before and
after pruned players are removed, and names what cannot be reproduced.

With MNIST it takes about three hours on two threads and half a gigabyte in --out.
After a stop the same command continues. --out gets ` + paperReportFile + `, ` + paperTableFile + `
(a line a run) and the paper's figures, ` + report.PaperFigure1File + ` and ` + report.PaperFigure2File + `.`,
		Example: `  nashprune reproduce paper --out runs/paper-table
  nashprune reproduce paper --quick        on small digits, in about a minute
  nashprune reproduce paper --seeds 5 --jobs 4 --device openblas --out runs/five`,
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settleFromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if options.Quick && cmd.Flags().Changed("data") {
				return backend.Usagef("--quick has its own data: leave out --data")
			}
			if options.Quick && !cmd.Flags().Changed("seeds") {
				options.Seeds = 1
			}
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			var err error
			if options.Make, err = runs.engine(cmd, progress); err != nil {
				return err
			}
			options.Version, options.Command = version(), commandLine()
			result, err := reproduce.Paper(untilSignal(cmd), options)
			progress.end()
			if err != nil {
				return submitted(cmd, err)
			}
			if err := savePaper(options.Dir, result); err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), result)
			}
			if err := report.Paper(cmd.OutOrStdout(), result); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nresults: %s, %s, %s and %s in %s\n", paperReportFile, paperTableFile,
				report.PaperFigure1File, report.PaperFigure2File, options.Dir)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&options.Data, "data", options.Data, "data set with classes (nashprune data list)")
	f.IntVar(&options.Seeds, "seeds", options.Seeds, "`number` of seeds of each full run, from 1 (with --quick 1)")
	f.BoolVar(&options.Quick, "quick", false, "fewer readings of a smaller network on drawn digits")
	f.StringArrayVar(&options.Readings, "readings", nil, "screen only readings whose names match the `pattern`, such as '*-effective-adam-*'; may be given several times")
	runs.addFlags(f)
	f.StringVar(&options.Device, "device", options.Device, help("device"))
	f.StringVar(&options.Dir, "out", filepath.Join("runs", "reproduce-paper"), "`folder` for all runs and results")
	f.BoolVar(&asJSON, "json", false, "print "+paperReportFile+" instead of a table")
	return cmd
}

// savePaper writes what was found to the folder of the runs.
func savePaper(dir string, r *reproduce.Report) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{paperReportFile, func(w io.Writer) error { return writeJSON(w, r) }},
		{paperTableFile, r.WriteCSV},
		{report.PaperFigure1File, func(w io.Writer) error { return report.PaperFigure1(w, r) }},
		{report.PaperFigure2File, func(w io.Writer) error { return report.PaperFigure2(w, r) }},
	} {
		if err := atomicfile.Write(filepath.Join(dir, file.name), file.write); err != nil {
			return err
		}
	}
	return nil
}
