//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"strings"
	"testing"

	"nashprune/gpu/internal/compute"
)

// TestOrder: a barrier stands between two commands where one of them writes bytes that
// the other reads or writes, and nowhere else but at the end.
func TestOrder(t *testing.T) {
	d := open(t)
	defer d.Close()
	const part = 1024
	all := arena(t, d, compute.Local, 4*part).Take(4 * part)
	a, b, c := all.Part(0, part), all.Part(part, part), all.Part(2*part, part)
	elsewhere := arena(t, d, compute.Local, part).Take(part)
	one := [3]int{1, 1, 1}
	update := func(b compute.Buffer) func(*compute.Program) {
		return func(p *compute.Program) { p.Dispatch(must(d.Pipeline(next))(t), one, nil, b) }
	}
	turn := func(from, to compute.Buffer) func(*compute.Program) {
		return func(p *compute.Program) { p.Dispatch(must(d.Pipeline(reverse))(t), one, nil, to, from) }
	}
	move := func(from, to compute.Buffer) func(*compute.Program) {
		return func(p *compute.Program) { p.Copy(from, to) }
	}
	fill := func(b compute.Buffer) func(*compute.Program) {
		return func(p *compute.Program) { p.Fill(b, 1) }
	}
	for _, c := range []struct {
		name     string
		commands []func(*compute.Program)
		want     string // names, and a bar for a barrier
	}{
		{"nothing", nil, "|"},
		{"a read of what was written", []func(*compute.Program){turn(a, b), turn(b, c)}, "reverse | reverse |"},
		{"a write of what was read", []func(*compute.Program){turn(a, b), turn(c, a)}, "reverse | reverse |"},
		{"a write of what was written", []func(*compute.Program){turn(a, c), turn(b, c)}, "reverse | reverse |"},
		{"an update of what was updated", []func(*compute.Program){update(a), update(a)}, "next | next |"},
		{"reads of the same", []func(*compute.Program){turn(a, b), turn(a, c)}, "reverse reverse |"},
		{"neighbours", []func(*compute.Program){update(a), update(b), fill(c)}, "next next fill |"},
		{"the same place in another arena", []func(*compute.Program){update(a), update(elsewhere)}, "next next |"},
		{"an overlap of 16 bytes", []func(*compute.Program){fill(all.Part(16, part)), move(b, c)}, "fill | copy |"},
		{"one byte less", []func(*compute.Program){fill(all.Part(16, part-17)), move(b, c)}, "fill copy |"}, // kernels and fills reach to the next 16
		{"part of the whole", []func(*compute.Program){update(all), fill(b)}, "next | fill |"},
		{"a copy of what was filled", []func(*compute.Program){fill(a), move(a, b)}, "fill | copy |"},
		{"a fill of what was copied", []func(*compute.Program){move(a, b), fill(a)}, "copy | fill |"},
		{"a kernel behind a copy", []func(*compute.Program){move(a, b), update(b)}, "copy | next |"},
		{"one barrier for two", []func(*compute.Program){fill(a), fill(b), update(a), update(b)}, "fill fill | next next |"},
		{"what no barrier stands behind yet", []func(*compute.Program){fill(a), update(a), turn(b, c), fill(b)}, "fill | next reverse | fill |"},
	} {
		p := d.NewProgram()
		for _, add := range c.commands {
			add(p)
		}
		check(t, p.Record(false))
		var got []string
		for _, s := range p.Steps() {
			if s.Name == "" {
				s.Name = "|"
			}
			got = append(got, s.Name)
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		check(t, p.Run(2))
		p.Free()
	}
}
