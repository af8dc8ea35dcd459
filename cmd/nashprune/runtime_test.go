package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"nashprune/trainer/onnxruntime"
)

// TestRuntime: networks are timed in ONNX Runtime, too, where it is installed; a library that
// cannot be opened is refused before anything is read.
func TestRuntime(t *testing.T) {
	library, err := filepath.Abs(filepath.Join(repository, "testdata/onnxruntime/node_modules/onnxruntime-node/bin/napi-v3", runtime.GOOS,
		map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH], "libonnxruntime.so.1"))
	if err != nil {
		t.Fatal(err)
	}
	atImages(t)
	for words, want := range map[string]string{
		"--runtime tflite":                                  `--runtime is "tflite"; it must be onnxruntime`,
		"--runtime-library a.so":                            "--runtime-library a.so is for --runtime onnxruntime",
		"--runtime onnxruntime --runtime-library ./none.so": "ONNX Runtime is not there: ./none.so: ",
	} {
		code, stdout, stderr := execute(t, append(train("--keep", "8", "--out", "out"), strings.Fields(words)...)...)
		refused(t, exitUsage, want, code, stdout, stderr)
	}
	if _, err := os.Stat(library); errors.Is(err, os.ErrNotExist) {
		t.Skip("ONNX Runtime is not installed: run make onnxruntime")
	}
	if _, err := onnxruntime.Open(library); err != nil {
		t.Skip(err) // without cgo
	}
	words := append(train("--keep", "8", "--out", "out"), "--runtime", "onnxruntime", "--runtime-library", library)
	said := succeed(t, words...)
	for _, want := range []string{"ONNX Runtime, 1 ", "ONNX Runtime, 128 ", "runtime:      ONNX Runtime 1."} {
		if !strings.Contains(said, want) {
			t.Errorf("%s\nwithout %q", said, want)
		}
	}
	in := resultOf(t, append(train("--keep", "8", "--out", "again"), "--runtime", "onnxruntime", "--runtime-library", library)...).Runtime
	if in == nil || in.Problem != "" || len(in.Latencies) != 2 || in.Latencies[0].Batch != 1 || in.Latencies[1].Batch != 128 {
		t.Fatalf("runtime %+v", in)
	}
	for _, l := range in.Latencies {
		if !(l.DenseUS > 0 && l.PrunedUS > 0) {
			t.Errorf("latencies %+v", l)
		}
	}
}
