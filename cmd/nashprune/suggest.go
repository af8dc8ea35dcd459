package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// didYouMean ends a message about a word that is none of some names: with those that are similar, each
// after what stands before it, or with other advice.
func didYouMean(word string, names []string, before, advice string) string {
	known := &cobra.Command{SuggestionsMinimumDistance: suggestionDistance}
	for _, name := range names {
		known.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	similar := slices.Compact(slices.Sorted(slices.Values(known.SuggestionsFor(word))))
	if len(similar) == 0 && advice == "" {
		return ""
	}
	if len(similar) == 0 {
		return ": " + advice
	}
	return "; try " + before + strings.Join(similar, ", or "+before)
}

// commandNames returns the names of the commands below cmd.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	return names
}

// flagAdvice ends an error about flags: with similar ones where there is none of a name.
func flagAdvice(cmd *cobra.Command, err error) string {
	see := "see " + cmd.CommandPath() + " --help"
	unknown := new(pflag.NotExistError)
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return ": " + see
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return didYouMean(unknown.GetSpecifiedName(), names, "--", see)
}

// hint ends an error with what its words may have meant: the name of a data set, or a run of a sweep
// where a folder holds one.
func hint(cmd *cobra.Command, err error) string {
	if data := cmd.Flags().Lookup("data"); data != nil && strings.Contains(err.Error(), dataset.ErrUnknown.Error()) {
		var names []string
		for _, e := range dataset.List("") {
			names = append(names, e.Name)
		}
		return didYouMean(data.Value.String(), names, "--data ", "")
	}
	if !cmd.HasParent() || cmd.Name() == "sweep" || cmd.Parent().Name() == "sweep" {
		return ""
	}
	words := cmd.Flags().Args()
	for _, flag := range []string{"resume", "compare"} {
		if f := cmd.Flags().Lookup(flag); f != nil {
			words = append(words, strings.Split(strings.Trim(f.Value.String(), "[]"), ",")...)
		}
	}
	for _, word := range words {
		s, unread := sweep.Open(word)
		if unread == nil && len(s.Cells) > 0 && strings.Contains(err.Error(), word) {
			return fmt.Sprintf("; %s holds a sweep: name one of its runs, such as %s, or see nashprune sweep status %s", word, filepath.Join(word, s.Cells[0].Name), word)
		}
	}
	return ""
}

// variablePrefix begins the names of all variables of the environment.
const variablePrefix = "NASHPRUNE_"

// otherVariables are those that stand for no flag; the last are for tests.
var otherVariables = []string{
	"NASHPRUNE_DATA", "NASHPRUNE_VULKAN_LOADER",
	"NASHPRUNE_GPU_ASSISTED", "NASHPRUNE_STRESS", "NASHPRUNE_LONG", "NASHPRUNE_ONNX_EXPORTED", "NASHPRUNE_ONNX_TESTDATA",
	"NASHPRUNE_VKTEST", "NASHPRUNE_VKTEST_ALONE", "NASHPRUNE_VKTEST_WHAT",
}

// checkVariables refuses variables of the environment that stand for nothing: a setting that is
// misspelt would have no effect.
func checkVariables(cmd *cobra.Command) error {
	known := slices.Clone(otherVariables)
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, settings.Variable(f.Name)) })
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(cmd.Root())
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if value != "" && strings.HasPrefix(name, variablePrefix) && !slices.Contains(known, name) {
			return backend.Usagef("$%s is set, and no setting has this variable%s", name, didYouMean(name, known, "$", "unset it, or see nashprune help settings"))
		}
	}
	return nil
}

// completeValues completes the values of flags where they are few: those of settings, devices and
// data sets.
func completeValues(cmd *cobra.Command) {
	complete := func(flag string, directive cobra.ShellCompDirective, values func() []string) {
		if cmd.Flags().Lookup(flag) == nil {
			return
		}
		_ = cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return values(), directive
		})
	}
	for _, s := range settings.All {
		if s.Among != nil {
			complete(s.Name, cobra.ShellCompDirectiveNoFileComp, func() []string { return s.Among })
		}
	}
	complete("device", cobra.ShellCompDirectiveNoFileComp, func() []string {
		names := []string{"auto", "cpu", "vulkan"}
		devices, _ := backend.Inventory()
		for _, d := range devices {
			names = append(names, d.ID())
		}
		return names
	})
	complete("data", cobra.ShellCompDirectiveDefault, func() (names []string) { // files, too
		for _, e := range dataset.List("") {
			names = append(names, e.Name)
		}
		return names
	})
	complete("model", cobra.ShellCompDirectiveDefault, func() []string {
		return []string{"mlp:512-256", "lenet300", "lenet5", "vgg16", "resnet20"}
	})
	for _, sub := range cmd.Commands() {
		completeValues(sub)
	}
}
