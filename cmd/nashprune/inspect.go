package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

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
