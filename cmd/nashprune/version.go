package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// licenses are those of all modules that the program contains, which "make licenses" collects.
//
//go:embed licenses.txt
var licenses string

func newVersion() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, its commit and how it was built",
		Args:  exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := versionLine() + "\n"
			if all {
				text = licenses
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "licenses", false, "print the licences of the modules that the program contains")
	return cmd
}

// versionLine is the version with the date of its commit, the compiler, the system, and
// whether C code is part of the program.
func versionLine() string {
	line := fmt.Sprintf("nashprune %s (", version())
	if date, _, found := strings.Cut(built("vcs.time"), "T"); found {
		line += "commit of " + date + ", "
	}
	line += fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if built("CGO_ENABLED") == "1" {
		line += ", cgo"
	}
	return line + ")"
}

// release is the version of this tree.
const release = "0.1.0"

// version returns the release and, where the build knows it, the commit, and whether the
// tree was changed after it.
func version() string {
	commit := built("vcs.revision")
	if len(commit) < 12 {
		return release
	}
	text := release + "+" + commit[:12]
	if built("vcs.modified") == "true" {
		text += ".changed"
	}
	return text
}

// built returns what the build says of a key; empty: nothing.
func built(key string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}
