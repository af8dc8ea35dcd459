package shaders_test

import (
	"testing"

	"nashprune/shaders"
	"nashprune/shaders/internal/spirv"
)

// TestAccessIsWhatKernelsDo: the decorations from which barriers follow allow what the
// instructions of a kernel do to a buffer, and no more than that: a buffer that is read
// where nothing says so would be read too early, and one that only seems to be written
// costs a barrier.
func TestAccessIsWhatKernelsDo(t *testing.T) {
	for _, k := range shaders.All() {
		module, err := spirv.Reflect(k.Code)
		if err != nil {
			t.Fatal(err)
		}
		access, err := k.Access()
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range module.Buffers {
			if b.Readable != b.Loaded || b.Writable != b.Stored {
				t.Errorf("%s: %s is decorated to be read: %v, and written: %v; it is read: %v, and written: %v",
					k.Name, b.Name, b.Readable, b.Writable, b.Loaded, b.Stored)
			}
			if i < len(access) && access[i] != (shaders.Access{Reads: b.Loaded, Writes: b.Stored}) {
				t.Errorf("%s: access to %s is %+v", k.Name, k.Buffers[i], access[i])
			}
		}
	}
}
