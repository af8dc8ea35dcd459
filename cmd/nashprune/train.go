package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
	"nashprune/trainer/settings"
)

func newTrain() *cobra.Command {
	return newRun(settings.Default(), &cobra.Command{
		Use:   "train",
		Short: "Train a network, prune it by the game, and evaluate the result",
		Long: `Train trains a network with its game, removes players, and evaluates the pruned
network. With --baseline it also trains the dense network for as many epochs and
compares. The run folder gets all results. Ctrl-C stops after the current step and
writes a checkpoint; --resume continues from it.

A setting comes from its flag, else from the environment (NASHPRUNE_EPOCHS for
--epochs; NASHPRUNE_DATASET for --data), else from --config, else from its
default. Tables and arrays of fewer than 10,000 samples have defaults of their own,
which are printed. A setting without effect in the game is refused.`,
		Example: `  nashprune train --baseline
  nashprune train --data mnist --keep 38 --epochs 20 --baseline --out runs/mnist-38
  nashprune train --data mnist --sparsity 0.8 --validation 0.1 --evaluate-on validation
  nashprune train --data mnist --game paper --beta 0.001 --gamma 0.1 --learning-rate 0.001
  nashprune train --data mnist --batch 4096 --dry-run
  nashprune train --resume runs/mnist-38`,
		Args: exactly(0, "no arguments, only flags"),
	})
}

// startRun starts a run, or goes on with one.
type startRun func(context.Context, trainer.Options) (*record.Result, error)

// newRun makes a command that makes a run with these defaults. An argument is the file of a
// trained network.
func newRun(config settings.Config, cmd *cobra.Command) *cobra.Command {
	ofRun := configFlags(&config)
	var (
		out, file, resume string
		asJSON, dryRun    bool
		quiet, window     bool
		events            string
	)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if window && !hasWindow {
			return errNoWindow
		}
		progress := newProgress(cmd.ErrOrStderr())
		defer progress.end()
		if quiet {
			progress.silence()
		}
		options := trainer.Options{
			Version: version(), Observe: progress.observe,
			Command: commandLine(),
		}
		if cmd.Flags().Changed("tensorboard") && events == "" { // as a shell makes of a variable that is not set
			return backend.Usagef("--tensorboard needs a folder")
		}
		var start startRun
		flags := cmd.Flags()
		if flags.Changed("resume") {
			if err := checkResume(flags, resume, args); err != nil {
				return err
			}
			options.Dir = resume
			if flags.Changed("device") {
				options.Device = config.Device
			}
			options.Kernels = config.Kernels
			start = trainer.Resume
		} else {
			for _, path := range args {
				if err := flags.Set("source", path); err != nil {
					return err
				}
			}
			if err := settleFromEnvironment(flags); err != nil {
				return err
			}
			if flags.Changed("config") {
				if err := settleFromFile(ofRun, file); err != nil {
					return err
				}
			}
			if err := settleFromRun(ofRun, &config); err != nil {
				return err
			}
			if config.Source != "" && !flags.Changed("model") {
				config.Model = "" // that of the file
			}
			if err := checkGiven(ofRun, config); err != nil {
				return err
			}
			if flags.Changed("learning-rate") && config.LearningRate == 0 { // which would mean the default of a trained network
				return backend.Usagef("--learning-rate is 0; it must be above 0")
			}
			if cmd.Name() == pruneName && config.Source == "" {
				return backend.Usagef("%s takes the file of a trained network, or the folder of a run: see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			fitted, chosen := trainer.Fitter{}.Fit(config, flags.Changed)
			if config = fitted; chosen != "" {
				progress.line(sizeOfData+chosen, true)
			}
			progress.device = config.Device
			if dryRun {
				return planRun(cmd.OutOrStdout(), config, options, asJSON)
			}
			if options.Dir = out; out == "" {
				options.Dir = newFolder(config)
			}
			start = func(ctx context.Context, o trainer.Options) (*record.Result, error) {
				return trainer.Run(ctx, config, o)
			}
		}
		var board *tensorboard
		if flags.Changed("tensorboard") {
			board = newTensorboard(events, options.Dir)
			options.Observe = func(e trainer.Event) {
				progress.observe(e)
				board.observe(e)
			}
		}
		if window {
			start = inWindow(start, progress)
		}
		result, err := start(untilSignal(cmd), options)
		progress.end()
		if err != nil {
			return errors.Join(err, board.close())
		}
		shows, failed := saveViews(options.Dir) // without them the result is no less
		failed = errors.Join(failed, board.finish(options.Dir))
		if asJSON {
			return errors.Join(writeJSON(cmd.OutOrStdout(), result), failed)
		}
		if err := toTerminal(cmd.OutOrStdout(), func(w io.Writer) error { return report.Result(w, result) }); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "results:      %s%s\n", options.Dir, shows)
		return errors.Join(err, failed)
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(ofRun)
	output := newFlagSet()
	output.StringVar(&out, "out", "", "`folder` for the results (default: a new one in runs/)")
	output.StringVar(&file, "config", "", "TOML `file` with settings, such as the config.toml of a run")
	output.StringVar(&resume, "resume", "", "continue the interrupted run in this `folder`, with its own settings; --device moves it to another device")
	output.BoolVar(&dryRun, "dry-run", false, "print what the run would do and its memory, and stop")
	output.StringVar(&events, "tensorboard", "", "write event files for TensorBoard into this `folder`, in one with the name of the run")
	output.BoolVar(&window, "view", false, "show the run in a window while it goes on (nashprune help views)")
	output.BoolVar(&quiet, "quiet", false, "show no progress, only the result")
	output.BoolVar(&asJSON, "json", false, "print result.json instead of a table")
	section(cmd.Flags(), "The run", output)
	return cmd
}

// errNoWindow is what --view says in a build that has none.
var errNoWindow = backend.Usagef("--view is not in this build: build it with make view, which names the packages that it takes")

// sizeOfData begins the line with the settings that follow from the data.
const sizeOfData = "settings by the size of the data: "

// saveViews draws what shows a finished run into its folder, and says which files these are.
func saveViews(dir string) (shows string, err error) {
	drawn, err := report.SavePicture(dir)
	if err := errors.Join(err, report.SaveReport(filepath.Join(dir, report.ReportFile), dir)); err != nil {
		return "", err
	}
	shows = report.ReportFile + " shows the run"
	if drawn {
		shows = fmt.Sprintf("%s and %s show the run", report.ReportFile, report.PictureFile)
	}
	return " (" + shows + ")", nil
}

// planRun prints what a run would do, also where it would not fit.
func planRun(w io.Writer, c settings.Config, o trainer.Options, asJSON bool) error {
	plan, err := trainer.PlanRun(c, o)
	if plan == nil {
		return err
	}
	write := func() error { return report.DryRun(w, plan) }
	if asJSON {
		write = func() error { return writeJSON(w, plan) }
	}
	if failed := write(); err == nil {
		err = failed
	}
	return err
}

// newFolder names the folder of a run whose user names none.
func newFolder(c settings.Config) string {
	named := cmp.Or(c.Data, c.Source) // a trained network may say what data it is of
	data := filepath.Base(named)
	if path, err := filepath.Abs(named); err == nil { // a folder may be called "."
		data = filepath.Base(path)
	}
	return filepath.Join("runs", fmt.Sprintf("%s-%s-%s", data, c.Game, time.Now().Format("20060102-150405")))
}

// checkResume refuses flags and arguments beside --resume that the run would ignore, and an
// empty name, which a shell makes of a variable that is not set.
func checkResume(flags *pflag.FlagSet, folder string, args []string) error {
	if folder == "" {
		return backend.Usagef("--resume needs the folder of a run")
	}
	if len(args) > 0 {
		return backend.Usagef("--resume continues with the network that the run began with: leave out %s", args[0])
	}
	given := ""
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && !slices.Contains([]string{"resume", "json", "quiet", "tensorboard", "view", "device", "kernels"}, flag.Name) {
			given = flag.Name
		}
	})
	if given != "" {
		return backend.Usagef("--resume continues in the run's own folder with its own settings, but for --device and --kernels: leave out --%s", given)
	}
	return nil
}
