package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// sectionAnnotation names the section of the help text under which a flag
// stands.
const sectionAnnotation = "section"

// otherFlags is the section of flags that belong to no other.
const otherFlags = "Flags"

// section adds the flags of part to all, and has the help text list them under
// a title.
func section(all *pflag.FlagSet, title string, part *pflag.FlagSet) {
	part.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{sectionAnnotation: {title}}
	})
	all.AddFlagSet(part)
}

// usage writes how a command is used. It takes the place of cobra's so that
// flags stand in sections.
func usage(cmd *cobra.Command) error {
	var text strings.Builder
	text.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&text, "  %s COMMAND\n", cmd.CommandPath())
	} else {
		fmt.Fprintf(&text, "  %s\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&text, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		text.WriteString("\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(&text, "  %-*s  %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	if !cmd.HasParent() {
		text.WriteString("\nGuides:\n")
		for _, t := range topics {
			fmt.Fprintf(&text, "  %-12s  %s\n", t.name, t.summary)
		}
	}
	for _, s := range sections(cmd.Flags()) {
		fmt.Fprintf(&text, "\n%s:\n%s", s.title, flagUsages(s.flags, columns(os.Stdout)))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&text, "\n\"%s COMMAND --help\" describes a command.\n", cmd.CommandPath())
	}
	if !cmd.HasParent() {
		fmt.Fprintf(&text, "\"%s help TOPIC\" shows a guide.\n", cmd.CommandPath())
	}
	_, err := fmt.Fprint(cmd.OutOrStderr(), text.String())
	return err
}

type titledFlags struct {
	title string
	flags *pflag.FlagSet
}

// sections sorts flags into their sections, in the order of their first flags.
func sections(all *pflag.FlagSet) []titledFlags {
	var found []titledFlags
	at := map[string]int{}
	all.VisitAll(func(flag *pflag.Flag) {
		title := otherFlags
		if names := flag.Annotations[sectionAnnotation]; names != nil {
			title = names[0]
		}
		if _, ok := at[title]; !ok {
			at[title] = len(found)
			flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
			flags.SortFlags = all.SortFlags
			found = append(found, titledFlags{title, flags})
		}
		found[at[title]].flags.AddFlag(flag)
	})
	return found
}

// flagUsages describes flags without pflag's "[=true|false]", which reads as if something
// had to follow; what stands behind it keeps its column. Lines are wrapped at this number
// of columns, and for 0 at none.
func flagUsages(flags *pflag.FlagSet, columns int) string {
	const suffix = "[=true|false]"
	return strings.ReplaceAll(flags.FlagUsagesWrapped(columns), suffix, strings.Repeat(" ", len(suffix)))
}
