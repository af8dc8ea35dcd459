// Command nashprune trains a network and lets a game prune it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	_ "nashprune/cpu_fallback" // registers the driver "cpu"
	"nashprune/trainer"
)

// Exit codes. They are documented in ARCHITECTURE.md.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoDevice    = 3
	exitParity      = 4
	exitDeviceLost  = 5
	exitOutOfMemory = 6
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once: what is saved is whole anyway.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it takes the words after its name and returns the exit
// code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "nashprune: %v\n", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	for _, c := range []struct {
		kind error
		code int
	}{
		{trainer.ErrUsage, exitUsage},
		{trainer.ErrNoDevice, exitNoDevice},
		{trainer.ErrParity, exitParity},
		{trainer.ErrDeviceLost, exitDeviceLost},
		{trainer.ErrOutOfMemory, exitOutOfMemory},
		{trainer.ErrInterrupted, exitInterrupted},
		{context.Canceled, exitInterrupted},
	} {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	if err != nil {
		return exitFailed
	}
	return exitDone
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "nashprune",
		Short: "Train a neural network and let a game prune it",
		Long: `Nashprune trains a neural network while its neurons play a game: each chooses
how much it participates, pays a price for it, and leaves when it is not worth
the price. What is left is a smaller, faster network.`,
		Example: `  nashprune train                         prune the default network on drawn digits
  nashprune train --data mnist --keep 38 --baseline
  nashprune explain runs/RUN              why each player left`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return trainer.Usagef("there is no command %q: see nashprune --help", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return trainer.Usagef("%v: see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newTrain(), newEval(), newExplain(), newData(), newDevices(), newVersion())
	return root
}

// exactly requires a number of arguments, with a message that says which.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return trainer.Usagef("%s takes %s: see %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}
