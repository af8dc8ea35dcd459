package report

import (
	"fmt"
	"io"
	"strings"

	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/record"
)

// DryRun writes what a run would do and the memory that it would take. Its errors
// are those of w.
func DryRun(w io.Writer, d *record.DryRun) error {
	var b strings.Builder
	players := Thousands(d.Players)
	if d.Keep > 0 {
		players += fmt.Sprintf(", of which %s stay", Thousands(d.Keep))
	}
	fmt.Fprintf(&b, "device:           %s\n", d.Device.Words())
	fmt.Fprintf(&b, "data:             %s, %s training samples, evaluated on %s\n", d.Data.Name, Thousands(d.Data.Train), evaluatedOn(d.Data))
	if len(d.Shape) > leastShape {
		fmt.Fprintf(&b, "shape:            %s\n", networkShape(d.Shape))
	}
	fmt.Fprintf(&b, "players:          %s\n", players)
	if t := d.Target; t != nil && (d.Cost != "" || t.AccuracyDrop > 0) {
		fmt.Fprintf(&b, "target:           %s; %s\n", targetWords(*t), costWords(d.Cost))
	} else if t != nil && t.Resource == cost.Bytes {
		fmt.Fprintf(&b, "target:           %s\n", targetWords(*t))
	}
	fmt.Fprintf(&b, "parameters:       %s\n", Thousands(d.Parameters))
	fmt.Fprintf(&b, "multiplications:  %s a sample\n", Thousands(d.MACs))
	fmt.Fprintf(&b, "steps:            %s, %s in each of %s epochs\n\n", Thousands(d.Steps), Thousands(d.StepsPerEpoch), Thousands(d.Epochs))
	if n := d.Next; n != nil {
		fmt.Fprintf(&b, "This is the first of two runs. The second removes %s of its network in %s epochs, until the file has at most %s bytes.\n\n",
			n.Players, Thousands(n.Epochs), Thousands(n.MaxBytes))
	}
	m := d.Memory
	samples := "samples"
	if m.Placement != backend.AnyPlacement {
		samples += ", " + string(m.Placement)
	}
	table := newTable(&b)
	for _, part := range []struct {
		name  string
		bytes int
	}{
		{samples, m.Samples}, {"parameters", m.Parameters}, {"gradients", m.Gradients}, {"moments", m.Moments},
		{"players", m.Players}, {"activations", m.Activations}, {"exchange with the host", m.Exchange},
		{"memory in all", m.Held()},
	} {
		if part.bytes > 0 {
			row(table, part.name, size(part.bytes))
		}
	}
	if m.Available > 0 {
		row(table, m.Source, size(m.Available))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if m.Available == 0 {
		fmt.Fprintf(&b, "available:        %s\n", m.Source)
	}
	return writeTrimmed(w, b.String())
}
