package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
	"nashprune/trainer/sweep"
)

// The files that a sweep leaves in its folder when its table is printed.
const (
	sweepTableFile  = "sweep.csv"
	sweepReportFile = "sweep.json"
)

// indexVariables hold the number of a run where an engine makes it.
var indexVariables = []string{"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"}

func newSweep() *cobra.Command {
	var (
		dir    string
		runs   engine
		mount  string
		dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "sweep FILE.toml --out FOLDER",
		Short: "Make many runs, of a grid of settings and seeds, here or on a cluster",
		Long: `Sweep makes the runs that a TOML file describes, each in a folder and a process of its
own, and prints their table. The file has settings that all runs share, lists of
settings ([[list]]) and a grid of values ([grid]): see nashprune help sweeps.

A run that fails does not stop the others. After a stop the same command goes on; it
tries failed runs again. With --on slurm the runs are one array of jobs, with
--on kubernetes a manifest for kubectl is printed. Other engines call
nashprune sweep cell FOLDER N for each run, counted from 0.`,
		Example: `  nashprune sweep grid.toml --out runs/grid --jobs 2
  nashprune sweep grid.toml --out runs/grid --devices vulkan:0,vulkan:1 --jobs 2
  nashprune sweep grid.toml --out runs/grid --on slurm --time 2:00:00 --dry-run
  nashprune sweep grid.toml --out runs/grid --on kubernetes --image nashprune:1 --claim data
  nashprune sweep status runs/grid
  nashprune sweep collect runs/grid --where keep=38 --sort -accuracy`,
		Args: exactly(1, "a TOML file with a sweep, or a command, such as status"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settleFromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if dir == "" {
				return backend.Usagef("--out is empty; it must be a folder for the runs, in which the same command goes on")
			}
			make := sweep.Create
			if dryRun || runs.on == onKubernetes { // whose folder is on a volume
				make = sweep.Plan
			}
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			engine, err := runs.engine(cmd, progress)
			if err != nil {
				return err
			}
			s, err := make(dir, args[0])
			if err != nil {
				return err
			}
			for _, fitted := range s.Fitted {
				progress.line(sizeOfData+fitted, true)
			}
			switch {
			case runs.on == onKubernetes:
				runs.cluster.Program = []string{"nashprune"}
				s.Dir = filepath.ToSlash(dir)
				return printText(cmd.OutOrStdout())(s.Manifest(runs.cluster, mount))
			case dryRun && runs.on == onSlurm:
				return printText(cmd.OutOrStdout())(s.Script(runs.cluster))
			case dryRun:
				for n, cell := range s.Cells {
					fmt.Fprintf(cmd.OutOrStdout(), "%d  %s\n", n, cell.Name)
				}
				return nil
			}
			made := engine(untilSignal(cmd), s, nil)
			progress.end()
			if exitCode(made) == exitInterrupted || errors.As(made, new(*sweep.SubmittedError)) {
				return submitted(cmd, made)
			}
			rows, err := s.Rows()
			if err == nil {
				err = printSweep(cmd.OutOrStdout(), s.Dir, rows)
			}
			return cmp.Or(made, err)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&dir, "out", "", "`folder` for the runs")
	runs.addFlags(f, onKubernetes)
	f.BoolVar(&dryRun, "dry-run", false, "print the runs, the script or the manifest, and stop")
	f.StringVar(&runs.cluster.Image, "image", "", "`image` with the program, for Kubernetes")
	f.StringVar(&runs.cluster.Claim, "claim", "", "`claim` of the volume that pods of Kubernetes share")
	f.StringVar(&mount, "mount", "/data", "`folder` of that volume in pods, in which --out lies")
	f.StringVar(&runs.cluster.Namespace, "namespace", "", "`namespace` of the job of Kubernetes")
	cmd.AddCommand(newSweepCell(), newSweepStatus(), newSweepCollect())
	return cmd
}

// printText prints what a function returned with an error.
func printText(w io.Writer) func(string, error) error {
	return func(text string, err error) error {
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		return err
	}
}

// printSweep writes the table to the folder and prints it.
func printSweep(w io.Writer, dir string, rows []sweep.Row) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{sweepTableFile, func(w io.Writer) error { return sweep.WriteCSV(w, rows) }},
		{sweepReportFile, func(w io.Writer) error { return writeSweep(w, rows) }},
	} {
		if err := atomicfile.Write(filepath.Join(dir, file.name), file.write); err != nil {
			return err
		}
	}
	if err := report.Sweep(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "results: %s (%s, %s)\n", dir, sweepTableFile, sweepReportFile)
	return err
}

func writeSweep(w io.Writer, rows []sweep.Row) error {
	return record.WriteJSON(w, map[string]any{"runs": rows, "means": sweep.Means(rows)})
}

func newSweepCell() *cobra.Command {
	device := ""
	cmd := &cobra.Command{
		Use:   "cell FOLDER [N]",
		Short: "Make run N of the sweep in a folder, or go on with it",
		Long: `Cell makes one run of a sweep, counted from 0, as an engine asks for it. Without N
it is the number in $SLURM_ARRAY_TASK_ID or $JOB_COMPLETION_INDEX. A run that is done
is left as it is. Interrupted by SIGTERM, SIGUSR1 or SIGUSR2, it writes a checkpoint and
exits with 130; the next start goes on.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return backend.Usagef("%s takes the folder of a sweep and the number of a run: see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := runNumber(args[1:])
			if err != nil {
				return err
			}
			s, err := sweep.Open(args[0])
			if err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			return s.Make(untilSignal(cmd), n, sweep.Maker{Version: version(), Command: commandLine(), Device: device, Observe: progress.observe})
		},
	}
	cmd.Flags().StringVar(&device, "device", "", help("device")+" (default: that of the settings)")
	return cmd
}

// runNumber reads the number of a run from the arguments or from what an engine sets.
func runNumber(args []string) (int, error) {
	from, text := "the number of a run", ""
	if len(args) > 0 {
		text = args[0]
	} else {
		for _, variable := range indexVariables {
			if value := os.Getenv(variable); value != "" && text == "" {
				from, text = "$"+variable, value
			}
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, backend.Usagef("%s is %q; it must be a number from 0", from, text)
	}
	return n, nil
}

// openSweep reads the sweep in a folder, and how far its runs are.
func openSweep(dir string) (s *sweep.Sweep, rows []sweep.Row, err error) {
	if s, err = sweep.Open(dir); err != nil {
		return nil, nil, err
	}
	rows, err = s.Rows()
	return s, rows, err
}

func newSweepStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status FOLDER",
		Short: "Print how far the runs of a sweep are, and what Slurm says of them",
		Args:  exactly(1, "the folder of a sweep"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, rows, err := openSweep(args[0])
			if err != nil {
				return err
			}
			queue, err := s.Queue(untilSignal(cmd))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, r := range rows {
				if r.State.Done() {
					continue
				}
				line := fmt.Sprintf("run %d  %s  %s", r.Run, r.State, r.Name)
				if r.Reason != "" {
					line += ": " + r.Reason
				}
				if _, err := fmt.Fprintln(out, oneLine.Replace(line)); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(out, "%s\n%s", sweep.Count(rows), queue)
			return err
		},
	}
}

func newSweepCollect() *cobra.Command {
	var (
		where  []string
		by     string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "collect FOLDER",
		Short: "Print the table of a sweep",
		Args:  exactly(1, "the folder of a sweep"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, rows, err := openSweep(args[0])
			if err != nil {
				return err
			}
			if by != "" { // first: among no rows no name would be known
				if err := sweep.Sort(rows, by); err != nil {
					return err
				}
			}
			if rows, err = sweep.Where(rows, where...); err != nil {
				return err
			}
			if asJSON {
				return writeSweep(cmd.OutOrStdout(), rows)
			}
			if len(where) > 0 { // the folder keeps the whole table
				return report.Sweep(cmd.OutOrStdout(), rows)
			}
			return printSweep(cmd.OutOrStdout(), s.Dir, rows)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&where, "where", nil, "only runs with `NAME=VALUE` of a setting, or of state; may be given several times")
	f.StringVar(&by, "sort", "", "setting or `figure` to sort by; after a minus the largest comes first")
	f.BoolVar(&asJSON, "json", false, "print "+sweepReportFile+" instead of a table")
	return cmd
}
