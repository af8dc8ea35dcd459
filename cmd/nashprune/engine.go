package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nashprune/trainer/backend"
	"nashprune/trainer/sweep"
)

// Where runs are made.
const (
	onLocal      = "local"
	onSlurm      = "slurm"
	onKubernetes = "kubernetes"
)

// engine says where the runs of sweep, compare and reproduce are made.
type engine struct {
	on      string
	places  []string // that --on takes
	devices []string
	cluster sweep.Cluster
}

// addFlags adds the flags of all of them. More are further places.
func (e *engine) addFlags(f *pflag.FlagSet, more ...string) {
	e.places = append([]string{onLocal, onSlurm}, more...)
	f.StringVar(&e.on, "on", onLocal, "`engine` that makes the runs: "+strings.Join(e.places, ", "))
	f.IntVar(&e.cluster.Jobs, "jobs", max(e.cluster.Jobs, 1), "runs at a time (default on a cluster: as many as it starts)")
	f.StringSliceVar(&e.devices, "devices", nil, "`devices` that jobs on this machine take in turn, with commas in between (default: those of the settings)")
	f.IntVar(&e.cluster.CPUs, "cpus", 0, "processors that a cluster gives a run (default: its own choice)")
	f.IntVar(&e.cluster.GPUs, "gpus", 0, "GPUs that a cluster gives a run")
	f.StringVar(&e.cluster.Memory, "memory", "", "`memory` that a cluster gives a run, such as 4Gi")
	f.StringVar(&e.cluster.Time, "time", "", "longest `time` of a run on Slurm, such as 2:00:00")
	f.StringArrayVar(&e.cluster.Options, "sbatch", nil, "more `options` for sbatch, such as --partition=gpu; may be given several times")
}

// engine returns what makes the runs. On Kubernetes nothing here does.
func (e *engine) engine(cmd *cobra.Command, p *progress) (sweep.Engine, error) {
	if err := checkJobs(e.cluster.Jobs); err != nil {
		return nil, err
	}
	if e.on != onLocal && len(e.devices) > 0 {
		return nil, backend.Usagef("--devices are of this machine, and --on is %s; leave out --devices, and name the device in the settings", e.on)
	}
	for _, name := range []string{"cpus", "gpus", "memory", "time", "sbatch"} {
		if e.on == onLocal && cmd.Flags().Changed(name) {
			return nil, backend.Usagef("--%s is for runs on a cluster, and --on is %s; leave it out, or name the cluster with --on", name, e.on)
		}
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	e.cluster.Program = []string{program}
	if e.on != onLocal && !cmd.Flags().Changed("jobs") {
		e.cluster.Jobs = 0
	}
	switch {
	case !slices.Contains(e.places, e.on):
		return nil, backend.Usagef("--on is %q; it must be one of %s", e.on, strings.Join(e.places, ", "))
	case e.on == onLocal:
		return sweep.Local{Program: e.cluster.Program, Jobs: e.cluster.Jobs, Devices: e.devices, Ended: p.ended, Alike: cmd.Name() != "sweep"}.Make, nil
	case e.on == onSlurm:
		return e.cluster.Submit, nil
	}
	return nil, nil // on Kubernetes
}

// submitted prints that a cluster makes the runs, where that is what the error says.
func submitted(cmd *cobra.Command, err error) error {
	if errors.As(err, new(*sweep.SubmittedError)) {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), err)
	}
	return err
}

// commandLine returns the command as the user gave it.
func commandLine() string { return strings.Join(append([]string{"nashprune"}, os.Args[1:]...), " ") }

// ended prints a line for each run that ended.
func (p *progress) ended(e sweep.Event) {
	words := string(e.State)
	if accuracy, known := e.Figures["accuracy"]; known {
		words += fmt.Sprintf("  %.2f %%", accuracy)
	}
	if e.Reason != "" {
		words += ": " + e.Reason
	}
	p.line(oneLine.Replace(fmt.Sprintf("%d/%d  %s  %s%s", e.Done, e.All, e.Name, words, left(e.Remaining))), true)
}
