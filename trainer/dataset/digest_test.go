package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDigest: it is that of the samples, however they are divided, and another one for
// each change of a sample, a label or a target, in every part.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var rows strings.Builder
	rows.WriteString("a,b,label\n")
	for i := range 40 {
		rows.WriteString([]string{"1,2.5,0\n", "-3,4,1\n", "5,6,0\n", "7.25,8,1\n"}[i%4])
	}
	digest := func(text string, o Options) string {
		t.Helper()
		d, err := Open(write("data.csv", text), o)
		if err != nil {
			t.Fatal(err)
		}
		return d.Digest
	}
	test := write("test.csv", "a,b,label\n1,2,0\n3,4,1\n")
	text := rows.String()
	for name, o := range map[string]Options{"classes": {}, "numbers": {Regression: true, Label: "label"}, "a test file": {TestFile: test}} {
		first := digest(text, o)
		divided := o
		divided.Seed, divided.Validation = 7, 0.25
		if again := digest(text, divided); again != first || len(first) != 64 {
			t.Errorf("%s: the digest is %q, and divided otherwise %q", name, first, again)
		}
		for change, other := range map[string]string{
			"a feature": strings.Replace(text, "7.25", "7.5", 1), "a label": strings.Replace(text, "-3,4,1", "-3,4,0", 1),
			"the order": strings.Replace(text, "1,2.5,0\n-3,4,1\n", "-3,4,1\n1,2.5,0\n", 1),
		} {
			if digest(other, o) == first {
				t.Errorf("%s: the digest does not see %s", name, change)
			}
		}
		if o.TestFile == "" {
			continue
		}
		if write("test.csv", "a,b,label\n1,2,0\n3,5,1\n"); digest(text, o) == first {
			t.Errorf("%s: the digest does not see the test part", name)
		}
	}
	drawn := func(name string) string {
		d, err := Open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Digest
	}
	once, again := drawn("digits:train=20,test=10"), drawn("digits:train=20,test=10")
	if once == drawn("digits:train=20,test=11") || once != again {
		t.Error("the digest of drawn digits is not that of what is drawn")
	}
}

func BenchmarkDigest(b *testing.B) {
	const samples, features = 70_000, 784 // as MNIST
	d := Dataset{Train: Samples{Features: features, Pixels: make([]byte, samples*features), Labels: make([]byte, samples)}}
	b.SetBytes(samples * features)
	for b.Loop() {
		d.digest()
	}
}
