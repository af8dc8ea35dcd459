//go:build unix

package tune_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestCacheThatIsAPipe: nobody writes to it, so opening it would take for ever.
func TestCacheThatIsAPipe(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "kernels.json")
	if err := syscall.Mkfifo(cache, 0o644); err != nil {
		t.Fatal(err)
	}
	chosen, said, err := choose(t, context.Background(), cache, "program", "quick", "slow")
	for _, words := range []string{"are ignored: " + cache + " is no regular file", "is not remembered: "} {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, words) }) {
			t.Errorf("%q is not in %q", words, said)
		}
	}
	if err != nil || chosen != "quick" {
		t.Errorf("%q, %v", chosen, err)
	}
}
