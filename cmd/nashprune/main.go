// Command nashprune trains a network and prunes it by a game.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	_ "nashprune/cpu_fallback" // registers the driver "cpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/sweep"
)

// Short names of exit codes.
const (
	exitDone        = backend.ExitDone
	exitFailed      = backend.ExitFailed
	exitUsage       = backend.ExitUsage
	exitNoDevice    = backend.ExitNoDevice
	exitParity      = backend.ExitParity
	exitDeviceLost  = backend.ExitDeviceLost
	exitOutOfMemory = backend.ExitOutOfMemory
	exitInterrupted = backend.ExitInterrupted
)

func main() {
	// A reader that ends first, as in "nashprune train 2>&1 | tee log" at Ctrl-C, must
	// not end the program before its checkpoint is written.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// patience is how long a checkpoint may take before a further signal ends the
// program without it.
const patience = 2 * time.Second

// untilSignal returns a ctx that ends when the user, the system or a closing
// terminal asks to stop. A signal that comes [patience] later ends the program at
// once: what is saved is whole anyway. One that comes sooner does not, since a
// single stop may arrive twice: timeout(1) signals its child and then its group.
func untilSignal(cmd *cobra.Command) context.Context {
	signals := append([]os.Signal{os.Interrupt, syscall.SIGTERM}, userSignals...)
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), signals...)
	context.AfterFunc(ctx, func() {
		if cmd.Context().Err() == nil { // a signal, which reading and a long step do not notice at once
			cmd.PrintErrf("\nstopping; once more after %v ends the program at once\n", patience)
		}
		time.AfterFunc(patience, stop)
	})
	return ctx
}

// run is the program: it takes the words after its name and returns the exit
// code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	out := &remembering{w: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	var unknown error
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if unknown = unknownCommand(cmd); unknown == nil {
			help(cmd, args)
		}
	})
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = unknown
	}
	if err == nil { // help texts are written by cobra, which passes over errors
		err = out.err
	}
	if errors.Is(err, syscall.EPIPE) { // the reader has stopped, as head does
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(stderr, "nashprune: %s\n", oneLine.Replace(err.Error()+hint(cmd, err)))
	}
	return exitCode(err)
}

// remembering is a writer that remembers its first error.
type remembering struct {
	w   io.Writer
	err error
}

func (r *remembering) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// oneLine keeps an error on one line; names in it may hold line breaks.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

func exitCode(err error) int {
	if of := new(sweep.ExitError); errors.As(err, &of) && of.Code > 0 { // of all runs that were made
		return of.Code
	}
	return backend.ExitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "nashprune",
		Short: "Train a neural network and let a game prune it",
		Long: `Nashprune trains a neural network while its neurons play a game. Each neuron
chooses how much it participates and pays a price for it. A neuron whose worth does
not cover its price is removed. The result is a smaller, faster network.

Exit codes:
  0    success
  1    failure: a damaged file, a diverging training, a full disk
  2    usage: an unknown name, a setting out of its range
  3    no such device
  4    parity broken: a difference is larger than rounding explains
  5    device lost
  6    out of memory
  130  interrupted`,
		Example: `  nashprune train                         prune the default network on drawn digits
  nashprune train --data mnist --keep 38 --baseline
  nashprune prune model.safetensors --data mnist
  nashprune explain runs/RUN              why each player was removed`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return backend.Usagef("there is no command %q%s", args[0], didYouMean(args[0], commandNames(cmd), "nashprune ", "see nashprune --help"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return backend.Usagef("%v%s", err, flagAdvice(cmd, err))
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return checkVariables(cmd) }
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageFunc(usage)
	root.SetHelpCommand(newHelp())
	root.AddCommand(newTrain(), newPrune(), newInspect(), newEval(), newPredict(), newExport(), newExplain(), newReport(), newData(), newDevices(), newDoctor(), newParity(), newBench(), newReproduce(), newCompare(), newSweep(), newVersion())
	completeValues(root)
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			needsCommand(cmd, "bash")
		}
	}
	return root
}

// unknownCommand returns an error for the help of a command that does not exist. Cobra
// would show the help of the command above it.
func unknownCommand(cmd *cobra.Command) error {
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		return backend.Usagef("there is no command %q%s", words[0], didYouMean(words[0], commandNames(cmd), cmd.CommandPath()+" ", "see "+cmd.CommandPath()+" --help"))
	}
	return nil
}

// needsCommand makes cmd, which only holds others, show its help, and take an
// unknown command for the mistake it is.
func needsCommand(cmd *cobra.Command, such string) {
	cmd.Args = exactly(0, "a command, such as "+such)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// exactly requires a number of arguments, with a message that says which.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return backend.Usagef("%s takes %s: see %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}
