package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"nashprune/gpu/doctor" // and package gpu registers the driver "vulkan"
	"nashprune/trainer/backend"
)

// noGPU is the error of a system without a GPU that can be used.
type noGPU struct{}

func (noGPU) Error() string {
	return "no GPU can be used: see the problems above; try --device cpu"
}
func (noGPU) Is(target error) bool { return target == backend.ErrNoDevice }

func newDoctor() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why a GPU is not seen and how to correct it",
		Long: `Doctor looks at everything between this program and a GPU: the build, the
hardware, device files and their permissions, containers, the Vulkan loader, the
drivers. It names what is missing and the command that installs it. It changes
nothing. The exit code is 0 if a GPU can be used, and 3 if not; a software device
is not a GPU.`,
		Example: `  nashprune doctor
  nashprune doctor --json`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			diagnosis := doctor.Diagnose()
			write := writeDiagnosis
			if asJSON {
				write = func(w io.Writer, d doctor.Diagnosis) error { return writeJSON(w, d) }
			}
			if err := write(cmd.OutOrStdout(), diagnosis); err != nil {
				return err
			}
			if !diagnosis.Usable {
				return noGPU{}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

// writeDiagnosis writes a finding a line, with what to do below it.
func writeDiagnosis(w io.Writer, d doctor.Diagnosis) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, f := range d.Findings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Level, f.Subject, oneLine.Replace(f.Found))
		for _, advice := range f.Advice {
			fmt.Fprintf(table, "\t\t-> %s\n", oneLine.Replace(advice))
		}
	}
	return table.Flush()
}
