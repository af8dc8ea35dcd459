package bench

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/network/models"
)

func TestParseCase(t *testing.T) {
	for words, want := range map[string]Case{
		"lenet300":            {Widths: []int{784, 300, 100, 10}, Batch: 128},
		"resnet20@32":         {Named: "resnet20", Batch: 32},
		"mlp:512-256":         {Widths: []int{784, 512, 256, 10}, Batch: 128},
		"mlp:2":               {Widths: []int{784, 2, 10}, Batch: 128},
		"784-25-13-10":        {Widths: []int{784, 25, 13, 10}, Batch: 128},
		"4096-4096-4096@1024": {Widths: []int{4096, 4096, 4096}, Batch: 1024},
		"mlp:16@1":            {Widths: []int{784, 16, 10}, Batch: 1},
	} {
		if got, err := ParseCase(words); err != nil || got.Batch != want.Batch || got.Named != want.Named || !slices.Equal(got.Widths, want.Widths) {
			t.Errorf("%q is %v, %v", words, got, err)
		}
	}
	for _, words := range []string{"", "mlp:", "784-10", "784", "784-512-10@", "784-512-10@0", "784-512-10@-1", "784-512-10@65537", "784-512-10@1@2",
		"a-b-c", "784--10", "mlp:1", "65536-65536-10", "784-1-10", "784-512-99999", "MLP:512"} {
		if c, err := ParseCase(words); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("%q is %v, %v", words, c, err)
		}
	}
}

func FuzzParseCase(f *testing.F) {
	for _, words := range []string{"mlp:512-256", "4096-4096-4096@1024", "784-10", "@", "mlp:@1", "2-2-2@00001"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if strings.Contains(words, models.Suffix) || len(words) > 30 { // a file, or a network that takes long to make
			return
		}
		c, err := ParseCase(words)
		if err != nil {
			if !errors.Is(err, backend.ErrUsage) {
				t.Errorf("%q: %v", words, err)
			}
			return
		}
		again, err := ParseCase(c.Model())
		if err != nil || again.Named != c.Named || !slices.Equal(again.Widths, c.Widths) || c.Batch < 1 || c.Named == "" && len(c.Widths) < 3 {
			t.Errorf("%q is %v, which is %v, %v", words, c, again, err)
		}
	})
}

// Operations are those that plain loops count.
func TestOperations(t *testing.T) {
	c := Case{Widths: []int{7, 5, 3, 2}, Batch: 11}
	count := 0.
	for range c.Batch {
		for l, in := range c.Widths[:len(c.Widths)-1] {
			for range in * c.Widths[l+1] {
				count += 2 // forward
				count += 2 // gradient
				if l > 0 {
					count += 2 // derivative below
				}
			}
		}
	}
	if c.Operations() != count {
		t.Errorf("%v, counted %v", c.Operations(), count)
	}
	lenet := Case{Named: "lenet5", Batch: 3} // whose first convolution has no derivative below
	if got, want := lenet.Operations(), 2.*3*(3*2293000-288000); got != want {
		t.Errorf("lenet5 takes %v, want %v", got, want)
	}
}

// Bytes of the smallest network, tensor by tensor: 3-2-1 with a batch of 5.
func TestBytes(t *testing.T) {
	first, second := 4*2, 3*1 // parameters of the layers
	gather := 5*3 + 4*5*3
	forward := 4 * ((5*3 + first + 2*5*2) + (5*2 + second + 2*5*1))
	backward := 4 * (5*1 + second + 5*2 + 5*2) // derivative, weights, affine part, derivative below
	update := 4 * ((5*3 + 5*2 + 6*first) + (5*2 + 5*1 + 6*second))
	if got, want := (Case{Widths: []int{3, 2, 1}, Batch: 5}).Bytes(), float64(gather+forward+backward+update); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestComparable(t *testing.T) {
	dense := Case{Widths: []int{784, 512, 256, 10}, Batch: 128}
	for _, c := range []struct {
		other Case
		want  bool
	}{
		{dense, true}, {Case{Widths: []int{784, 2, 10}, Batch: 128}, true}, {Case{Widths: []int{784, 512, 256, 10}, Batch: 64}, false},
		{Case{Widths: []int{783, 512, 256, 10}, Batch: 128}, false}, {Case{Widths: []int{784, 512, 256, 11}, Batch: 128}, false},
	} {
		if dense.comparable(c.other) != c.want {
			t.Errorf("%v beside %v: %v", dense, c.other, !c.want)
		}
	}
}

// TestACaseKeepsItsFile: what is measured does not change with the file that described it.
func TestACaseKeepsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.toml")
	text := "[[node]]\nname = \"head\"\nop = \"dense\"\nout = \"classes\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ParseCase(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, want := c.parameters(), inputs*outputs+outputs; got != want {
		t.Errorf("%d parameters, want %d", got, want)
	}
}
