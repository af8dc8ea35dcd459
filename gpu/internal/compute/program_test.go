//go:build cgo && (linux || windows || darwin || freebsd)

package compute_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

func TestArithmetic(t *testing.T) {
	d := open(t)
	defer d.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		count, local, stride int
		shift                float32
		negate               bool
	}{
		{1, 1, 1, 0, false}, {2, 64, 1, 1.5, false}, {63, 64, 2, -3, true}, {64, 64, 1, 0.25, true}, {65, 64, 3, 1e-3, false}, {1000, 128, 2, 1e9, true},
	} {
		negate := uint32(0)
		if c.negate {
			negate = 1
		}
		pipeline := must(d.Pipeline(affine, uint32(c.local), math.Float32bits(c.shift), negate))(t)
		if must(d.Pipeline(affine, uint32(c.local), math.Float32bits(c.shift), negate))(t) != pipeline {
			t.Error("the same pipeline was made twice")
		}
		x := make([]float32, c.count*c.stride)
		for i := range x {
			x[i] = random.Float32() - 0.5
		}
		a := arena(t, d, compute.Local, d.Round(4*len(x))+d.Round(4*c.count))
		in, out := a.Take(4*len(x)), a.Take(4*c.count)
		check(t, d.Write(in, must(binary.Append(nil, binary.NativeEndian, x))(t)))
		p := d.NewProgram()
		p.Dispatch(pipeline, [3]int{(c.count + c.local - 1) / c.local, 1, 1}, affinePush{uint32(c.count), 3, int32(c.stride)}, in, out)
		check(t, p.Record(false))
		check(t, p.Run(1))
		for i, bits := range words(t, d, out, c.count) {
			want := float64(float32(3*x[i*c.stride])) + float64(c.shift)
			if c.negate {
				want = -want
			}
			if got := float64(math.Float32frombits(bits)); math.Abs(got-want) > 1e-6*math.Max(1e-6, math.Abs(want)) {
				t.Fatalf("%+v: element %d is %g, not %g", c, i, got, want)
			}
		}
		p.Free()
		a.Free()
	}
}

func TestTexelsAndParts(t *testing.T) {
	d := open(t)
	defer d.Close()
	const texels = 65
	part := d.Round(16 * texels)
	b := arena(t, d, compute.Local, 3*part).Take(3 * part)
	data := make([]byte, 16*texels)
	rand.NewChaCha8([32]byte{2}).Read(data)
	check(t, d.Write(b.Part(part, len(data)), data))
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(reverse))(t), [3]int{2, 1, 1}, nil, b.Part(0, len(data)), b.Part(part, len(data)))
	p.Copy(b.Part(16*(texels-1), 16), b.Part(2*part+7, 17)) // the first texel
	check(t, p.Record(false))
	check(t, p.Run(1))
	back := make([]byte, len(data))
	check(t, d.Read(b, back))
	for i := range texels {
		if j := texels - 1 - i; !bytes.Equal(back[16*i:16*i+16], data[16*j:16*j+16]) {
			t.Fatalf("texel %d is %v, not %v", i, back[16*i:16*i+16], data[16*j:16*j+16])
		}
	}
	check(t, d.Read(b.Part(2*part+6, 18), back[:18]))
	if back[0] != 0 || !bytes.Equal(back[1:17], data[:16]) || back[17] != 0 {
		t.Errorf("the copy is %v, not %v between zeros", back[:18], data[:16])
	}
}

// Every link of a chain must see the one before: fill, dispatches, copy and
// dispatches, and the same again in the next repetition.
func TestBarriersAndRepetitions(t *testing.T) {
	d := open(t)
	defer d.Close()
	const count = 100_000
	a := arena(t, d, compute.Local, 2*d.Round(4*count))
	state, second := a.Take(4*count), a.Take(4*count)
	pipeline := must(d.Pipeline(next))(t)
	groups := [3]int{(count + 63) / 64, 1, 1}

	p := d.NewProgram()
	p.Dispatch(pipeline, groups, nil, state)
	p.Copy(state, second)
	p.Dispatch(pipeline, groups, nil, second)
	p.Copy(second, state)
	check(t, p.Record(true))

	start := d.NewProgram()
	start.Fill(state, 7)
	check(t, start.Record(false))
	check(t, start.Run(1))
	total := 0
	for _, times := range []int{1, 2, 0, 64, 65} {
		check(t, p.Run(times))
		total += times
		want := after(7, 2*total)
		for i, got := range words(t, d, state, count) {
			if got != want {
				t.Fatalf("after %d repetitions word %d is %d, not %d", total, i, got, want)
			}
		}
	}
}

func TestProgramReused(t *testing.T) {
	d := open(t)
	defer d.Close()
	a := arena(t, d, compute.Host, 4)
	b := a.Take(4)
	p := d.NewProgram()
	p.Dispatch(must(d.Pipeline(next))(t), [3]int{1, 1, 1}, nil, b)
	check(t, p.Record(false))
	for run := range 1000 {
		check(t, p.Run(1))
		if got, want := binary.NativeEndian.Uint32(b.Bytes()), after(0, run+1); got != want {
			t.Fatalf("run %d: %d, not %d", run, got, want)
		}
	}
}

// TestTexelsAreNoStorageBuffers: the limit of storage buffers is for them alone.
func TestTexelsAreNoStorageBuffers(t *testing.T) {
	d := open(t)
	defer d.Close()
	limits := d.Info().Limits
	limits.StorageBuffers = 2
	d.SetLimits(limits)
	if _, err := d.Pipeline(reverse); err != nil { // one of each, and the mark
		t.Error(err)
	}
	if _, err := d.Pipeline(affine, 1, 0, 0); err == nil {
		t.Error("a kernel of two storage buffers is taken")
	}
}

func TestMistakesOfPrograms(t *testing.T) {
	d, other := open(t), open(t)
	defer other.Close()
	defer d.Close()
	a := arena(t, d, compute.Local, 4*d.Round(64))
	b, c, empty := a.Take(64), a.Take(32), a.Take(0)
	foreign := arena(t, other, compute.Local, 64).Take(64)
	gone := arena(t, d, compute.Local, 64)
	freed := gone.Take(64)
	gone.Free()
	pipeline := must(d.Pipeline(affine, 64, 0, 0))(t)
	inPlace := must(d.Pipeline(next))(t)
	foreignPipeline := must(other.Pipeline(affine, 64, 0, 0))(t)
	one, push := [3]int{1, 1, 1}, affinePush{Count: 1, Stride: 1}
	for want, add := range map[string]func(p *compute.Program){
		"kernel affine: its push constants are compute_test.affinePush, not <nil>":                 func(p *compute.Program) { p.Dispatch(pipeline, one, nil, b, c) },
		"kernel affine: its push constants are compute_test.affinePush, not compute_test.spinPush": func(p *compute.Program) { p.Dispatch(pipeline, one, spinPush{}, b, c) },
		"kernel affine: 1 buffers for Input, Output":                                               func(p *compute.Program) { p.Dispatch(pipeline, one, push, b) },
		"kernel affine: Output: a buffer of another device":                                        func(p *compute.Program) { p.Dispatch(pipeline, one, push, b, foreign) },
		"kernel affine: Input: a buffer of no arena":                                               func(p *compute.Program) { p.Dispatch(pipeline, one, push, compute.Buffer{}, c) },
		"kernel affine: Input: a buffer of an arena that is freed":                                 func(p *compute.Program) { p.Dispatch(pipeline, one, push, freed, c) },
		"kernel affine: a pipeline of another device":                                              func(p *compute.Program) { p.Dispatch(foreignPipeline, one, push, b, c) },
		"-1 workgroups in dimension 1":                                                             func(p *compute.Program) { p.Dispatch(pipeline, [3]int{1, -1, 1}, push, b, c) },
		"workgroups in dimension 2":                                                                func(p *compute.Program) { p.Dispatch(pipeline, [3]int{0, 1, 1 << 40}, push, b, c) },
		"fill: a buffer of no arena":                                                               func(p *compute.Program) { p.Fill(compute.Buffer{}, 1) },
		"copy: a buffer of another device":                                                         func(p *compute.Program) { p.Copy(b, foreign) },
		"copy: 64 bytes to a buffer of 32":                                                         func(p *compute.Program) { p.Copy(b, c) },
		"copy: to bytes that are copied":                                                           func(p *compute.Program) { p.Copy(b, b) },
		"kernel next: State: a part that begins 8 bytes into its arena, no multiple of":            func(p *compute.Program) { p.Dispatch(inPlace, one, nil, b.Part(8, 16)) },
		"fill: a part that begins 4 bytes into its arena, no multiple of 16":                       func(p *compute.Program) { p.Fill(b.Part(4, 16), 1) },
		" copy: to bytes that are copied":                                                          func(p *compute.Program) { p.Copy(b.Part(0, 17), b.Part(16, 40)) },
		"it is freed":                                                                              func(p *compute.Program) { p.Free() },
	} {
		p := d.NewProgram()
		add(p)
		p.Fill(compute.Buffer{}, 2) // of two mistakes the first is reported
		err := p.Record(false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Record says %v", want, err)
		}
		if again := p.Run(1); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: Run says %v", want, again)
		}
		p.Free()
	}

	p := d.NewProgram()
	p.Dispatch(pipeline, [3]int{5, 0, 5}, push, b, c) // nothing
	p.Copy(empty, c)
	if err := p.Run(1); err == nil {
		t.Error("it ran without having been recorded")
	}
	check(t, p.Record(true))
	check(t, p.Run(2))
	p.Fill(b, 1)
	if err := p.Run(1); err == nil {
		t.Error("something was added behind the end")
	}
	if len(d.Timings()) != 0 {
		t.Errorf("nothing took time: %v", d.Timings())
	}
}

func TestMistakesOfPipelines(t *testing.T) {
	d := open(t)
	defer d.Close()
	changed := func(change func(k *shaders.Kernel)) shaders.Kernel {
		k := next
		k.Name, k.Code = "changed", slices.Clone(k.Code)
		change(&k)
		return k
	}
	for what, k := range map[string]shaders.Kernel{
		"no code":               changed(func(k *shaders.Kernel) { k.Code = nil }),
		"a flipped byte":        changed(func(k *shaders.Kernel) { k.Code[1] ^= 1 }),
		"half a word":           changed(func(k *shaders.Kernel) { k.Code = k.Code[:len(k.Code)-2] }),
		"a header cut off":      changed(func(k *shaders.Kernel) { k.Code = k.Code[:16] }),
		"no buffers":            changed(func(k *shaders.Kernel) { k.Buffers = nil }),
		"very many buffers":     changed(func(k *shaders.Kernel) { k.Buffers = make([]string, 1<<22) }),
		"a missing constant":    changed(func(k *shaders.Kernel) { k.Constants = []string{"A"} }),
		"a string is pushed":    changed(func(k *shaders.Kernel) { k.Push = struct{ Name string }{} }),
		"too much is pushed":    changed(func(k *shaders.Kernel) { k.Push = struct{ Numbers [1 << 20]uint32 }{} }),
		"half a word is pushed": changed(func(k *shaders.Kernel) { k.Push = struct{ Half uint16 }{} }),
	} {
		if _, err := d.Pipeline(k); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
