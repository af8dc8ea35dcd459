package safetensors_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/network/safetensors"
)

// put writes a file of a folder.
func put(t testing.TB, folder, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tensorFile returns the bytes of a file of tensors.
func tensorFile(t testing.TB, metadata map[string]string, tensors ...safetensors.Tensor) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := safetensors.Write(&file, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func single(name string, kind safetensors.Type, numbers ...float32) safetensors.Tensor {
	return safetensors.Tensor{Name: name, Shape: []int{len(numbers)}, Type: kind, Float32: numbers}
}

const index = `{"metadata":{"total_size":8},"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors","c":"x-1.safetensors"}}`

// sharded writes an index and two files.
func sharded(t testing.TB) (folder string) {
	folder = t.TempDir()
	put(t, folder, "model.safetensors.index.json", []byte(index))
	put(t, folder, "x-1.safetensors", tensorFile(t, map[string]string{"k": "v"}, single("a", "", 1), single("c", safetensors.F16, 2)))
	put(t, folder, "x-2.safetensors", tensorFile(t, nil, single("b", safetensors.F64, 3)))
	return folder
}

// TestShards: several files are read as one, by their folder and by their index.
func TestShards(t *testing.T) {
	folder := sharded(t)
	whole, err := safetensors.ReadFile(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []safetensors.Tensor{single("a", "", 1), single("c", safetensors.F16, 2), single("b", safetensors.F64, 3)}
	if !reflect.DeepEqual(whole.Tensors, want) || whole.Metadata["k"] != "v" || len(whole.Digest) != 64 {
		t.Errorf("read %+v", whole)
	}
	if again, err := safetensors.ReadFile(filepath.Join(folder, "model.safetensors.index.json")); err != nil || !reflect.DeepEqual(again, whole) {
		t.Errorf("by its index: %+v, %v", again, err)
	}
	put(t, folder, "x-2.safetensors", tensorFile(t, nil, single("b", safetensors.F64, 4)))
	if other, err := safetensors.ReadFile(folder); err != nil || other.Digest == whole.Digest {
		t.Errorf("other numbers have the digest %v (%v)", other.Digest, err)
	}
	alone := t.TempDir()
	put(t, alone, "model.safetensors", tensorFile(t, nil, single("a", "", 1)))
	if f, err := safetensors.ReadFile(alone); err != nil || len(f.Tensors) != 1 {
		t.Errorf("a folder with one file: %+v, %v", f, err)
	}
	none := t.TempDir()
	if _, err := safetensors.ReadFile(none); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), none+": the folder has no model.safetensors and no index of one: name a file in it") {
		t.Errorf("a folder with none: %v", err)
	}
}

func TestShardErrors(t *testing.T) {
	for want, change := range map[string]func(folder string){
		"no JSON":               func(f string) { put(t, f, "model.safetensors.index.json", []byte(`{`)) },
		"names 0 files":         func(f string) { put(t, f, "model.safetensors.index.json", []byte(`{}`)) },
		"it must be one beside": func(f string) { put(t, f, "model.safetensors.index.json", []byte(`{"weight_map":{"a":"../a"}}`)) },
		"no such file":          func(f string) { _ = os.Remove(filepath.Join(f, "x-2.safetensors")) },
		"which the index does not name there": func(f string) {
			put(t, f, "x-2.safetensors", tensorFile(t, nil, single("a", "", 1)))
		},
		`"b" is missing in "x-2.safetensors"`: func(f string) { put(t, f, "x-2.safetensors", tensorFile(t, nil)) },
		"cut short": func(f string) {
			whole, _ := os.ReadFile(filepath.Join(f, "x-1.safetensors"))
			put(t, f, "x-1.safetensors", whole[:len(whole)-1])
		},
	} {
		folder := sharded(t)
		change(folder)
		if _, err := safetensors.ReadFile(folder); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestCutFiles: a file that ends too soon is an error of one line, wherever it ends.
func TestCutFiles(t *testing.T) {
	n := folded([]int{3, 2, 2}, 1)
	whole := encoded(t, n, fitting(n))
	folder := t.TempDir()
	for length := range whole {
		path := put(t, folder, "cut.safetensors", whole[:length])
		_, _, err := safetensors.LoadModel(path)
		if err == nil || !strings.Contains(err.Error(), "cut short") || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("after %d bytes: error %v", length, err)
		}
	}
}

// TestReadingTakesOneCopy: a file of floats takes the memory of its numbers and little more,
// also while it is read.
func TestReadingTakesOneCopy(t *testing.T) {
	const numbers = 4 << 20
	path := put(t, t.TempDir(), "large.safetensors", tensorFile(t, nil, single("a", "", make([]float32, numbers/2)...), single("b", "", make([]float32, numbers/2)...)))
	var f *safetensors.File
	used := memorytest.Allocated(func() {
		var err error
		if f, err = safetensors.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	})
	if most := uint64(6 * 4 * numbers / 5); used > most {
		t.Errorf("a file of %d bytes takes %d, want at most %d", 4*numbers, used, most)
	}
	if len(f.Tensors) != 2 {
		t.Errorf("%d tensors", len(f.Tensors))
	}
}

// TestLayouts: types, prefix, counters and entries of others are written and read again, and
// numbers are those that the type holds.
func TestLayouts(t *testing.T) {
	n := folded([]int{3, 2, 2}, 1)
	l := safetensors.Layout{
		Prefix: "module.", Types: map[string]safetensors.Type{"0.weight": safetensors.F16, "0.bias": safetensors.BF16, "2.weight": safetensors.F64},
		Passed:   []safetensors.Tensor{{Name: "module.1.num_batches_tracked", Shape: []int{}, Type: "I64", Raw: make([]byte, 8)}},
		Metadata: map[string]string{"theirs": "kept"},
	}
	l.Round(n)
	path := filepath.Join(t.TempDir(), "model.safetensors")
	var written bytes.Buffer
	if err := safetensors.WriteModel(&written, n, fitting(n), l); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Dir(path), filepath.Base(path), written.Bytes())
	f, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again, _, layout, err := f.Model()
	if err != nil || !reflect.DeepEqual(again.Parameters, n.Parameters) || !reflect.DeepEqual(layout, l) {
		t.Errorf("read %+v with layout %+v, %v", again, layout, err)
	}
	if f.Tensors[0].Name != "module.0.weight" || !f.Ours() {
		t.Errorf("the file holds %q", f.Tensors[0].Name)
	}
	n.Parameters[0][0] = 1e6
	if err := safetensors.WriteModel(&written, n, fitting(n), l); err == nil || !strings.Contains(err.Error(), "more than F16 holds") {
		t.Errorf("error %v", err)
	}
	f.Tensors[0].Name = "other.0.weight"
	if _, _, _, err := f.Model(); err == nil || !strings.Contains(err.Error(), `does not begin with the prefix "module."`) {
		t.Errorf("error %v", err)
	}
	f.Tensors[0] = safetensors.Tensor{Name: "module.0.weight", Shape: []int{2, 3}, Type: "I8", Raw: make([]byte, 6)}
	if _, _, _, err := f.Model(); err == nil || !strings.Contains(err.Error(), "is of I8; a parameter must be of F32") {
		t.Errorf("error %v", err)
	}
}

// FuzzIndex checks that no index makes the reader panic, leave its folder or allocate out of
// proportion.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(index))
	f.Add([]byte(`{"weight_map":{"a":"../../etc/passwd"}}`))
	f.Add([]byte(`{"weight_map":[]}`))
	folder := sharded(f)
	path := filepath.Join(folder, "model.safetensors.index.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		put(t, folder, filepath.Base(path), text)
		var read *safetensors.File
		memorytest.Within(t, memorytest.Bound{PerByte: 256, Constant: 2 << 20}, func() int {
			var err error
			if read, err = safetensors.ReadFile(path); err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error of more than a line: %q", err)
			}
			return len(text)
		})
		if read != nil && len(read.Tensors) > 3 {
			t.Errorf("read %d tensors", len(read.Tensors))
		}
	})
}
