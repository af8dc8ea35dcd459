package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"nashprune/trainer/dataset"
	"nashprune/trainer/report"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:     "explain RUN",
		Short:   "Tell why each player left, and how the market went",
		Example: "  nashprune explain runs/mnist-38",
		Args:    exactly(1, "one run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := report.ReadRun(args[0])
			if err != nil {
				return err
			}
			return report.Explain(cmd.OutOrStdout(), run)
		},
	}
}

func newData() *cobra.Command {
	data := &cobra.Command{Use: "data", Short: "Look at data sets"}
	needsCommand(data, "list")
	dir, asJSON := "", false
	list := &cobra.Command{
		Use:     "list",
		Short:   "List the data sets known by name and where they are",
		Example: "  nashprune data list --data-dir ~/data",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			entries := dataset.List(dir)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), entries)
			}
			return listData(cmd.OutOrStdout(), entries)
		},
	}
	list.Flags().StringVar(&dir, "data-dir", "", "folder to look for data sets in first")
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	data.AddCommand(list)
	return data
}

// listData writes what is known of data sets, one below the other.
func listData(w io.Writer, entries []dataset.Entry) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for i, e := range entries {
		if i > 0 {
			fmt.Fprintln(table)
		}
		where := e.Where
		if e.Missing != "" {
			where = "not here: " + e.Missing
		}
		fmt.Fprintf(table, "%s\t%s\n", e.Name, e.Summary)
		fmt.Fprintf(table, "\t%s training and %s test images of %dx%d pixels, %d classes\n", report.Thousands(e.Train), report.Thousands(e.Test), e.Width, e.Height, e.Classes)
		fmt.Fprintf(table, "\t%s\n", e.Source)
		fmt.Fprintf(table, "\t%s\n", where)
	}
	return table.Flush()
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("nashprune %s (%s %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// release is the version of this tree.
const release = "0.1.0"

// version returns the release and, where the build knows it, the commit.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return release + "+" + s.Value[:12]
			}
		}
	}
	return release
}
