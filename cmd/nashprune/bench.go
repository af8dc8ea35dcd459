package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
	"nashprune/trainer/bench"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
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
		kernels, plot     string
		compared          []string
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
what time or memory did not allow.

With --compare it times networks in use instead, at batches from 1 to 4,096.`, "8 minutes"),
		Example: `  nashprune bench --json                   everything, in less than ten minutes
  nashprune bench --scaling=false --time 1m
  nashprune bench --device vulkan --device openblas --model mlp:512-256 --model 4096-4096-4096@1024
  nashprune bench --compare runs/mnist-38 --plot times.svg
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
			if len(compared) > 0 && (benchstat || len(models) > 0) {
				return backend.Usagef("--compare times networks in use; leave out --model and --benchstat, which are for training steps")
			}
			if plot != "" && len(compared) == 0 {
				return backend.Usagef("--plot draws the times of --compare; give --compare RUN")
			}
			if info, err := os.Stat(filepath.Dir(plot)); err != nil || !info.IsDir() {
				return backend.Usagef("--plot is %s; its folder must exist", plot)
			}
			if options.Networks, err = comparedNetworks(compared); err != nil {
				return err
			}
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
			if plot != "" && result != nil { // last, so that a full disk costs the picture alone
				err = errors.Join(err, report.SaveUse(plot, result))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&devices, "device", nil, "device to measure, repeatable: cpu, vulkan, or a part of a name (default: every device)")
	f.StringArrayVar(&models, "model", nil, "`network` to measure, repeatable: mlp:512-256, another name or file as for train, or all widths from inputs to outputs, and optionally @BATCH (default: dense, pruned, large)")
	f.StringArrayVar(&compared, "compare", nil, "`run or model` to time in use, repeatable: the dense and the pruned network of a run folder, or the network of a model file")
	f.StringVar(&plot, "plot", "", "`file` for a picture of the times of --compare (SVG)")
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

// comparedNetworks reads the networks of run folders and of model files, which all have the same inputs and
// outputs.
func comparedNetworks(paths []string) (networks []bench.Named, err error) {
	numbers := func(n *network.Network) int { return n.Input().Sample.Size() } // also those that it does not read
	add := func(name string, n *network.Network) error {
		if len(networks) > 0 && (numbers(n) != numbers(networks[0].Network) || n.Outputs() != networks[0].Outputs()) {
			return backend.Usagef("%s takes %d numbers and has %d outputs, and %s takes %d and has %d; they must be the same",
				name, numbers(n), n.Outputs(), networks[0].Name, numbers(networks[0].Network), networks[0].Outputs())
		}
		networks = append(networks, bench.Named{Name: name, Network: n})
		return nil
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			n, err := networkOf(path)
			if err != nil {
				return nil, err
			}
			if err := add(filepath.Base(path), n); err != nil {
				return nil, err
			}
			continue
		}
		run, err := report.ReadFolder(path)
		if err != nil {
			return nil, err
		}
		if run.Pruned == nil {
			return nil, backend.Usagef("%s holds no network; it must be the folder of a finished run", path)
		}
		dense, err := denseOf(path, run)
		if err != nil {
			return nil, err
		}
		prefix := ""
		if len(paths) > 1 {
			prefix = filepath.Base(filepath.Clean(path)) + " "
		}
		if err := add(prefix+"dense", dense); err != nil {
			return nil, err
		}
		if run.Result.Pruned == nil { // a run without a game
			continue
		}
		if err := add(prefix+"pruned", run.Pruned); err != nil {
			return nil, err
		}
	}
	return networks, nil
}

// networkOf reads the network of a model file.
func networkOf(path string) (*network.Network, error) {
	m, err := modelfile.Read(path)
	if errors.Is(err, modelfile.ErrUnknown) {
		return nil, backend.Usagef("%v", err)
	}
	if err != nil {
		return nil, err
	}
	n, _, err := m.Network(modelfile.Asked{})
	if err != nil {
		return nil, backend.Usagef("%s: %v", path, err)
	}
	return n, nil
}

// denseOf returns the dense network of a run: what it began with, its baseline or, where it trained none, one
// of the same layers with initial weights, which takes as long.
func denseOf(path string, run *report.Folder) (*network.Network, error) {
	if run.Result.Source != nil {
		return networkOf(filepath.FromSlash(run.Result.Source.Path))
	}
	n, err := networkOf(filepath.Join(path, record.DenseFile))
	if !errors.Is(err, os.ErrNotExist) {
		return n, err
	}
	g, err := run.Config.Graph(run.Pruned.Input().Sample, run.Pruned.Outputs())
	if err != nil {
		return nil, err
	}
	n = network.New(g)
	return n, n.Initialise(run.Config.Initialisation, run.Config.Seed)
}
