package shaders_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/shaders"
	"nashprune/shaders/internal/spirv"
)

// TestCatalogue: every kernel has its own source, SPIR-V and checksum, and there
// is none of them without a kernel.
func TestCatalogue(t *testing.T) {
	var kernels []string
	for _, k := range shaders.All() {
		if err := k.Verify(); err != nil {
			t.Error(err)
		}
		kernels = append(kernels, k.Name)
	}
	slices.Sort(kernels)
	for _, extension := range []string{".comp", ".spv"} {
		paths, err := filepath.Glob("*" + extension) // sorted
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, path := range paths {
			files = append(files, strings.TrimSuffix(path, extension))
		}
		if !slices.Equal(files, kernels) {
			t.Errorf("%s files for %q, kernels %q", extension, files, kernels)
		}
	}
	sums, err := os.ReadFile("SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(sums, []byte("\n")); lines != len(kernels) {
		t.Errorf("%d checksums for %d kernels", lines, len(kernels))
	}
}

// TestEveryKernelMarks: the first that a kernel does is to leave its mark.
func TestEveryKernelMarks(t *testing.T) {
	for _, k := range shaders.All() {
		source, err := os.ReadFile(k.Name + ".comp")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(source, []byte("\nvoid main() {\n    begin();\n")) {
			t.Errorf("%s.comp does not begin with begin()", k.Name)
		}
	}
}

// TestStorageBuffers counts those of every kernel in its SPIR-V: devices are asked for as many as
// kernels take, but for the one that GPUs do not run.
func TestStorageBuffers(t *testing.T) {
	most := map[bool]int{}
	for _, k := range shaders.All() {
		module, err := spirv.Reflect(k.Code)
		if err != nil {
			t.Fatal(err)
		}
		sparse := k.Name == shaders.Sparse.Name
		most[sparse] = max(most[sparse], len(module.Buffers)-len(k.Texels))
	}
	if most[false] != shaders.StorageBuffers || most[true] != 10 {
		t.Errorf("kernels have %d storage buffers, and Sparse %d", most[false], most[true])
	}
}

// TestDamage flips every bit of the first and last byte of a kernel and cuts it
// short: nothing of that may reach a driver.
func TestDamage(t *testing.T) {
	for _, k := range shaders.All() {
		whole := k.Code
		damaged := [][]byte{{}, whole[:len(whole)-4], append(slices.Clone(whole), 0, 0, 0, 0)}
		for _, at := range []int{0, len(whole) - 1} {
			for bit := range 8 {
				code := slices.Clone(whole)
				code[at] ^= 1 << bit
				damaged = append(damaged, code)
			}
		}
		want := "shader " + k.Name + ": the SPIR-V in this binary is damaged (SHA-256 "
		for _, k.Code = range damaged {
			err := k.Verify()
			if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "rebuild with go generate ./shaders") {
				t.Errorf("%d bytes instead of %d: error %v", len(k.Code), len(whole), err)
			}
		}
	}
}

// TestMissing is what a kernel says whose file was never made.
func TestMissing(t *testing.T) {
	absent := shaders.All()[0]
	absent.Name = "absent" // which SHA256SUMS does not name
	empty := shaders.All()[0]
	empty.Code = nil
	for _, k := range []shaders.Kernel{absent, empty} {
		if err := k.Verify(); err == nil || !strings.Contains(err.Error(), "no SPIR-V with a checksum") {
			t.Errorf("%s: error %v", k.Name, err)
		}
	}
}

// TestForeignKernels: a kernel from elsewhere needs no checksum.
func TestForeignKernels(t *testing.T) {
	code := shaders.All()[0].Code
	if err := (shaders.Kernel{Name: "foreign", Code: code}).Verify(); err != nil {
		t.Error(err)
	}
	for _, code := range [][]byte{nil, {}, code[:5], []byte("#version 450")} {
		err := shaders.Kernel{Name: "foreign", Code: code}.Verify()
		if err == nil || !strings.Contains(err.Error(), "shader foreign: its code is no SPIR-V") {
			t.Errorf("%q: error %v", code, err)
		}
	}
}
