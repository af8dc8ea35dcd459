package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"

	"nashprune/trainer/network/safetensors"
)

// TestSameBits: training with gonum gives the same tensors as the program of the commit
// that testdata/bits/runs.txt names. math.Exp and math.FMA round in another way on other
// processors, so the test runs on amd64 with FMA and AVX2 alone.
func TestSameBits(t *testing.T) {
	if runtime.GOARCH != "amd64" || !cpu.X86.HasFMA || !cpu.X86.HasAVX2 {
		t.Skip("the sums were made on amd64 with FMA and AVX2; other processors round in another way")
	}
	file, err := os.ReadFile(filepath.Join("testdata", "bits", "runs.txt"))
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if runs++; runs > 1 && testing.Short() {
			continue
		}
		words := strings.Fields(line)
		t.Run(strconv.Itoa(runs), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			succeed(t, append(words[1:], "--out", out)...)
			if got := sumOfTensors(t, filepath.Join(out, "pruned.safetensors")); got != words[0] {
				t.Errorf("nashprune %s\ngives tensors with the sum %s, and the commit in runs.txt gave %s", strings.Join(words[1:], " "), got, words[0])
			}
		})
	}
	if runs < 3 {
		t.Errorf("runs.txt has %d runs; it must have a market, a paper game and a ranking", runs)
	}
}

// sumOfTensors returns the SHA-256 that testdata/bits/runs.txt describes.
func sumOfTensors(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_, tensors, err := safetensors.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(tensors, func(a, b safetensors.Tensor) int { return cmp.Compare(a.Name, b.Name) })
	hash := sha256.New()
	for _, tensor := range tensors {
		fmt.Fprintln(hash, tensor.Name, tensor.Shape)
		if err := tensor.WriteNumbers(hash); err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
