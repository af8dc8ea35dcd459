//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"os"
	"strings"
	"testing"

	"nashprune/trainer/backendtest"
)

func TestNets(t *testing.T) {
	for _, c := range backendtest.Graphs() {
		if want := os.Getenv("NET"); want != "" && !strings.HasPrefix(c.Name, want) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) { t.Log(compareCases(t, []backendtest.Case{c})) })
	}
}
