package main

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"nashprune/trainer/backend"
)

// guides are Markdown files; the name of one without its suffix is its topic.
//
//go:embed guides/*.md
var guides embed.FS

const (
	guideFolder = "guides"
	guideSuffix = ".md"
)

// topics are the guides in the order in which help lists them.
var topics = []struct{ name, summary string }{
	{"data", "Data sets, tables and arrays; test and validation samples"},
	{"networks", "Networks by name and by file; kinds of player"},
	{"pruning", "Trained networks: your own, and those of PyTorch"},
	{"devices", "GPUs and CPUs: choose, check, measure"},
	{"settings", "Flags, variables and files; targets; exit codes"},
	{"formats", "The files of a run, and model files"},
	{"onnx", "Files of ONNX: inspect, export"},
	{"comparing", "The market beside other pruning methods"},
	{"sweeps", "Many runs: grids of settings, here, on Slurm, on Kubernetes"},
	{"reproducing", "The same bits again, and the table of the paper"},
}

func isTopic(name string) bool {
	for _, t := range topics {
		if t.name == name {
			return true
		}
	}
	return false
}

// newHelp returns the help command. It shows a guide or the help of a command, and
// both where they have the same name. Cobra's own calls an unknown command a success.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND|TOPIC]",
		Short: "Show the help of a command, or a guide to a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			guide := len(args) == 1 && isTopic(args[0])
			if guide {
				if err := writeGuide(cmd.OutOrStdout(), args[0], guideColumns(columns(os.Stdout))); err != nil {
					return err
				}
			}
			about, rest, err := cmd.Root().Find(args)
			switch found := err == nil && len(rest) == 0; {
			case !found && guide:
				return nil
			case !found:
				return backend.Usagef("there is no command %q and no guide of this name%s", strings.Join(args, " "), suggest(cmd.Root(), args))
			case guide:
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "\nThe command %s:\n\n", about.CommandPath()); err != nil {
					return err
				}
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// suggestionDistance is the number of wrong letters up to which a name is suggested.
const suggestionDistance = 2

// suggest ends a message about words that name no command and no guide: it names
// those with a similar name, or where all are listed.
func suggest(root *cobra.Command, words []string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: suggestionDistance}
	for _, cmd := range root.Commands() {
		names.AddCommand(&cobra.Command{Use: cmd.Name(), Run: func(*cobra.Command, []string) {}})
	}
	for _, t := range topics {
		names.AddCommand(&cobra.Command{Use: t.name, Run: func(*cobra.Command, []string) {}})
	}
	similar := slices.Compact(slices.Sorted(slices.Values(names.SuggestionsFor(words[0]))))
	if len(words) > 1 || len(similar) == 0 {
		return ": see nashprune help"
	}
	return "; try nashprune help " + strings.Join(similar, ", or nashprune help ")
}

// Guides are as wide as the terminal within these bounds.
const (
	leastGuideColumns   = 40
	mostGuideColumns    = 100
	defaultGuideColumns = 80 // where there is no terminal
)

func guideColumns(terminal int) int {
	if terminal == 0 {
		return defaultGuideColumns
	}
	return min(max(terminal, leastGuideColumns), mostGuideColumns)
}

// writeGuide writes the guide to a topic, at most so many columns wide where its
// text can be wrapped.
func writeGuide(w io.Writer, topic string, columns int) error {
	text, err := guides.ReadFile(path.Join(guideFolder, topic+guideSuffix))
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, plainText(string(text), columns))
	return err
}

// plainText lays out the Markdown of the guides for a terminal: headings at the
// margin, text below them wrapped, commands and tables as they are.
func plainText(markdown string, columns int) string {
	const indent, codeIndent = "  ", "      "
	var out strings.Builder
	var block, rows []string // a paragraph or list item, and a table
	flush := func() {
		if len(block) > 0 {
			text := plainWords(strings.Join(block, " "))
			hanging := indent
			if strings.HasPrefix(text, "- ") {
				hanging += "  "
			}
			out.WriteString(wrap(text, indent, hanging, columns))
		}
		writeTable(&out, rows, indent)
		block, rows = nil, nil
	}
	inCode := false
	for _, line := range strings.Split(strings.TrimSuffix(markdown, "\n"), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			flush()
			inCode = !inCode
		case inCode:
			out.WriteString(strings.TrimRight(codeIndent+line, " ") + "\n")
		case trimmed == "":
			flush()
			out.WriteString("\n")
		case strings.HasPrefix(line, "    "):
			flush()
			out.WriteString(codeIndent + trimmed + "\n")
		case strings.HasPrefix(line, "#"):
			flush()
			out.WriteString(strings.TrimLeft(line, "# ") + "\n")
		case strings.HasPrefix(line, "|"):
			rows = append(rows, line)
		case strings.HasPrefix(line, "- "):
			flush()
			block = []string{trimmed}
		default:
			block = append(block, trimmed)
		}
	}
	flush()
	return out.String()
}

// wrap breaks text into lines of at most so many columns, a longer word apart.
func wrap(text, first, hanging string, columns int) string {
	var out strings.Builder
	line := first
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > columns:
			out.WriteString(line + "\n")
			line = hanging + word
		default:
			line += " " + word
		}
	}
	out.WriteString(line + "\n")
	return out.String()
}

// writeTable aligns the columns of a Markdown table.
func writeTable(w io.Writer, rows []string, indent string) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, row := range rows {
		if i == 1 { // |---|---|
			continue
		}
		fmt.Fprintf(table, "%s%s\n", indent, plainWords(strings.ReplaceAll(strings.Trim(row, "| "), " | ", "\t")))
	}
	table.Flush()
}

var link = regexp.MustCompile(`\[([^]]*)\]\(([^)]*)\)`)

// plainWords is a text without the marks of Markdown. Of a link its text is left, and
// the command that shows another guide.
func plainWords(text string) string {
	text = link.ReplaceAllStringFunc(text, func(l string) string {
		parts := link.FindStringSubmatch(l)
		if topic := strings.TrimSuffix(parts[2], guideSuffix); isTopic(topic) {
			return "nashprune help " + topic
		}
		return parts[1]
	})
	return strings.NewReplacer("`", "", "**", "").Replace(text)
}
