package memorytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// observed is a test that may fail without failing.
type observed struct {
	testing.TB
	errors int
}

func (*observed) Helper()                 {}
func (*observed) Name() string            { return "observed" }
func (o *observed) Errorf(string, ...any) { o.errors++ }

var sink []byte

func TestWithin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	t.Setenv(LogVariable, path)
	for _, c := range []struct {
		allocate, read int
		fails          bool
	}{
		{1 << 20, 1 << 18, false}, // four bytes a byte
		{1 << 20, 0, true},
		{1 << 24, 1 << 18, true},
		{0, 0, false},
	} {
		test := &observed{TB: t}
		// The constant is for what the test itself and the runtime take meanwhile.
		Within(test, Bound{PerByte: 4, Constant: 1 << 16}, func() int {
			sink = make([]byte, c.allocate)
			return c.read
		})
		if (test.errors > 0) != c.fails {
			t.Errorf("%+v: %d errors", c, test.errors)
		}
	}
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The second and the last took no more than the first did, or hardly more.
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if last := lines[len(lines)-1]; len(lines) > 3 || !strings.HasPrefix(lines[0], "observed 262144 1") || !strings.HasPrefix(last, "observed 262144 16") {
		t.Errorf("the log holds %q", lines)
	}
}
