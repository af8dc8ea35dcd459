package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
	"nashprune/trainer/bench"
	"nashprune/trainer/report"
)

// Defaults of the command bench.
const (
	benchTime    = 8 * time.Minute
	benchSamples = 60_000 // as many as MNIST has
)

func newBench() *cobra.Command {
	var (
		devices, models   []string
		options           = bench.Options{Samples: benchSamples, Budget: benchTime, Scaling: true}
		asJSON, benchstat bool
		kernels           string
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast devices train, and how times grow",
		Long: fmt.Sprintf(`Bench times training steps on every device, with OpenBLAS and with gonum on the
CPU: a dense network beside a pruned one and a large one, on noise as sparse as
digits. It compares them with the highest rates that the device reaches in loops
that only multiply and add, or only copy. All take turns, and figures are medians.

With --scaling it also measures widths from 64 to 8,192, batches from 1 to 4,096
and 10 to 1,000,000 players. It stops after --time (%v by default) and lists
what time or memory did not allow.`, "8 minutes"),
		Example: `  nashprune bench --json                   everything, in less than ten minutes
  nashprune bench --scaling=false --time 1m
  nashprune bench --device vulkan --device openblas --model mlp:512-256 --model 4096-4096-4096@1024
  nashprune bench --benchstat              lines that benchstat compares`,
		Args: exactly(0, "no arguments, only flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settleFromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if asJSON && benchstat {
				return backend.Usagef("--json and --benchstat are both set: give one of them")
			}
			if options.Budget < time.Second {
				return backend.Usagef("--time is %v; it must be at least a second", options.Budget)
			}
			if options.Samples < 1 || options.Samples > maxBenchSamples {
				return backend.Usagef("--samples is %d; it must be at least 1 and at most %d", options.Samples, maxBenchSamples)
			}
			var err error
			if options.Cases, err = benchCases(models); err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr())
			defer progress.end()
			if options.Devices, err = benchDevices(devices, progress); err != nil {
				return err
			}
			if options.Devices, err = withKernels(options.Devices, kernels, progress); err != nil {
				return err
			}
			ctx := untilSignal(cmd)
			options.Program = "nashprune " + version()
			options.Observe = func(what string) { progress.line(what, !progress.terminal) }
			result, err := bench.Run(ctx, options)
			progress.end()
			write := report.Bench
			switch {
			case asJSON:
				write = func(w io.Writer, r *bench.Report) error { return writeJSON(w, r) }
			case benchstat:
				write = report.Benchstat
			}
			if failed := write(cmd.OutOrStdout(), result); err == nil {
				err = failed
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&devices, "device", nil, "device to measure, repeatable: cpu, vulkan, or a part of a name (default: every device)")
	f.StringArrayVar(&models, "model", nil, "`network` to measure, repeatable: mlp:512-256, another name or file as for train, or all widths from inputs to outputs, and optionally @BATCH (default: dense, pruned, large)")
	f.StringVar(&kernels, "kernels", "", help("kernels"))
	f.BoolVar(&options.Scaling, "scaling", options.Scaling, "also measure growth with width, batch and players")
	f.DurationVar(&options.Budget, "time", options.Budget, "`time` after which it stops, at the end of the current step")
	f.IntVar(&options.Samples, "samples", options.Samples, "samples of an epoch")
	f.BoolVar(&asJSON, "json", false, "print JSON instead of tables")
	f.BoolVar(&benchstat, "benchstat", false, "print lines that benchstat reads instead of tables")
	return cmd
}

// maxBenchSamples is more than any data set here has.
const maxBenchSamples = 1 << 24

// benchCases returns what the user's words mean, or the default cases.
func benchCases(models []string) ([]bench.Case, error) {
	if len(models) == 0 {
		return bench.DefaultCases(), nil
	}
	var cases []bench.Case
	for _, words := range models {
		c, err := bench.ParseCase(words)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// benchDevices returns the devices that the user's words mean, each once, or all
// there are.
func benchDevices(words []string, p *progress) ([]backend.Device, error) {
	if len(words) == 0 {
		return candidates("", p)
	}
	var devices []backend.Device
	for _, w := range words {
		found, err := candidates(w, p)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(devices, found[0]) {
			devices = append(devices, found[0])
		}
	}
	return devices, nil
}
