package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
	"nashprune/trainer/report"
)

func newReport() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "report RUN...",
		Short: "Write a report on one run or several as one HTML file that can be sent",
		Long: `Report writes one HTML file with plots and tables of a run, or of several runs beside
each other. The file makes no request, so it can be sent and read anywhere. Of a run
that is not finished, older or damaged it shows what is there and names what is not.
Train and prune write the report of their run by themselves.`,
		Example: `  nashprune report runs/mnist-38
  nashprune report runs/mnist-154 runs/mnist-38 --out mnist.html`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return backend.Usagef("%s takes run folders: see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := out
			switch {
			case cmd.Flags().Changed("out") && out == "":
				return backend.Usagef("--out needs the name of a file")
			case path == "" && len(args) == 1:
				path = filepath.Join(args[0], report.ReportFile)
			case path == "":
				path = report.ReportFile
			}
			for _, dir := range args {
				if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
					return backend.Usagef("%s is not a run folder: there is no such folder", dir)
				} else if err != nil {
					return err
				}
			}
			if err := report.SaveReport(path, args...); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), path)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`file` for the report (default: report.html in the folder of the run; of several runs in the present folder)")
	return cmd
}
