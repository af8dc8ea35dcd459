package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// Inspect writes the nodes of a network, what it takes, and which of its units are players.
// Its errors are those of w.
func Inspect(w io.Writer, i *record.Inspection) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")) }
	parameters, macs := max(len("parameters"), len(Thousands(i.Parameters))), max(len("multiplications"), len(Thousands(i.MACs)))
	number := func(n, width int) string {
		if n == 0 {
			return fmt.Sprintf("%*s", width, "-")
		}
		return fmt.Sprintf("%*s", width, Thousands(n))
	}
	row("node", "operator", "reads", "shape", fmt.Sprintf("%*s", parameters, "parameters"), fmt.Sprintf("%*s", macs, "multiplications"))
	for n, node := range i.Nodes {
		var reads []string
		for _, from := range node.In {
			if n > 0 && from == i.Nodes[n-1].Name {
				from = "above"
			}
			reads = append(reads, from)
		}
		if len(reads) == 1 && reads[0] == "above" { // as most do
			reads = nil
		}
		row(graphic(node.Name), graphic(node.Operator), graphic(strings.Join(reads, ", ")), dimensions(node.Shape), number(node.Parameters, parameters), number(node.MACs, macs))
	}
	row("total", "", "", "", number(i.Parameters, parameters), number(i.MACs, macs))
	if err := table.Flush(); err != nil {
		return err
	}
	if i.Obstacle != "" {
		fmt.Fprintf(&b, "\nThe network cannot be pruned: %s\n", graphic(i.Obstacle))
		return writeTrimmed(w, b.String())
	}
	for _, apart := range []struct {
		where     string
		operators []string
	}{{"Before", i.Before}, {"After", i.After}} {
		if apart.operators != nil {
			fmt.Fprintf(&b, "\n%s the network, and kept as it is: %s\n", apart.where, strings.Join(apart.operators, ", "))
		}
	}
	for _, note := range i.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", graphic(note))
	}
	if i.Weights != nil {
		fmt.Fprintf(&b, "\n%s players, each a weight:\n", Thousands(i.Players))
		row("tensor", "shape", "players")
		for _, t := range i.Weights {
			row(graphic(t.Name), dimensions(t.Shape), Thousands(network.Shape(t.Shape).Size()))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		return writeTrimmed(w, b.String())
	}
	fmt.Fprintf(&b, "\n%s players of units that are removed together:\n", Thousands(i.Players))
	row("class", "units", "players", "where, or why not")
	for _, c := range i.Classes {
		if c.Kind == "" {
			row(graphic(c.Name), Thousands(c.Units), "-", graphic(c.Reason))
		} else {
			row(graphic(c.Name), Thousands(c.Units), c.Kind, "at "+graphic(strings.Join(c.Points, ", ")))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return writeTrimmed(w, b.String())
}

// dimensions writes a shape as 3x32x32.
func dimensions(shape []int) string {
	words := make([]string, len(shape))
	for d, n := range shape {
		words[d] = fmt.Sprint(n)
	}
	return strings.Join(words, "x")
}
