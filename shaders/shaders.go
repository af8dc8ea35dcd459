package shaders

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strings"

	"nashprune/shaders/internal/spirv"
)

//go:generate go run ./internal/build

//go:embed *.spv
var files embed.FS

// checksums is a line of "SHA-256  name.spv" for every file, as sha256sum
// writes and checks it.
//
//go:embed SHA256SUMS
var checksums string

// MarkBinding is where every kernel has the buffer in which it leaves a mark when
// it begins: in its first word, how many words are bound.
const MarkBinding = 31

// StorageBuffers is how many storage buffers a kernel has at most, its mark among them. Texel buffers
// count apart.
const StorageBuffers = 8

// Kernel is a compute shader and the layout that callers rely on. Its entry
// point is main.
type Kernel struct {
	Name      string   // of the kernel, and of NAME.comp and NAME.spv
	Code      []byte   // SPIR-V, to be read only; Verify says whether it is sound
	Buffers   []string // of set 0, by binding, but for the mark's: the names of blocks of storage buffers
	Texels    []string // those of Buffers that are texel buffers of vec4 instead, called so but for the first letter's case
	Numbers   []string // those of Texels whose texels are single floats
	Constants []string // names of the specialisation constants, by id; 4 bytes each
	Push      any      // zero value of the push constants: a struct of uint32, int32 and float32; nil if there are none

	embedded bool // Code comes with this binary, and SHA256SUMS speaks of it
}

// kernel returns an embedded kernel. Where its file is missing Code is nil, of which
// Verify reports: a kernel without use stops no program.
func kernel(name string, buffers, constants []string, push any) Kernel {
	code, _ := files.ReadFile(name + ".spv")
	return Kernel{Name: name, Code: code, Buffers: buffers, Constants: constants, Push: push, embedded: true}
}

// texels says which of the kernel's buffers are texel buffers.
func (k Kernel) texels(names ...string) Kernel {
	k.Texels = names
	return k
}

// numbers says which more are, of single floats.
func (k Kernel) numbers(names ...string) Kernel {
	k.Texels, k.Numbers = append(k.Texels, names...), names
	return k
}

// magic is how SPIR-V begins in little-endian bytes.
var magic = []byte{0x03, 0x02, 0x23, 0x07}

// Access is what a kernel may do to a buffer.
type Access struct{ Reads, Writes bool }

// Access returns what the kernel may do to each of its Buffers, from the decorations
// of its SPIR-V: readonly and writeonly in GLSL. A test holds them to what its
// instructions do. It is an error when Code cannot be read, or does not have the
// buffers that Buffers names.
func (k Kernel) Access() ([]Access, error) {
	module, err := spirv.Reflect(k.Code)
	if err != nil {
		return nil, fmt.Errorf("shader %s: %w", k.Name, err)
	}
	access := make([]Access, 0, len(k.Buffers))
	for _, b := range module.Buffers { // by binding
		if b.Set == 0 && int(b.Binding) == len(access) && len(access) < len(k.Buffers) {
			access = append(access, Access{b.Readable, b.Writable})
		}
	}
	if len(access) < len(k.Buffers) {
		return nil, fmt.Errorf("shader %s: its SPIR-V has no buffer %s at binding %d", k.Name, k.Buffers[len(access)], len(access))
	}
	return access, nil
}

// Verify says whether Code may be given to a driver, which may crash on bytes
// that are no valid SPIR-V. The code of an embedded kernel must be the bytes
// that go generate found valid. Of a kernel made elsewhere it knows only that
// the code looks like SPIR-V: its maker answers for the rest.
func (k Kernel) Verify() error {
	if k.embedded {
		return k.verifyChecksum()
	}
	if len(k.Code)%4 != 0 || !bytes.HasPrefix(k.Code, magic) {
		return fmt.Errorf("shader %s: its code is no SPIR-V: compile it with glslc", k.Name)
	}
	return nil
}

func (k Kernel) verifyChecksum() error {
	want := checksum(k.Name + ".spv")
	if k.Code == nil || want == "" {
		return fmt.Errorf("shader %s: this binary has no SPIR-V with a checksum for it: write %[1]s.comp and rebuild with go generate ./shaders", k.Name)
	}
	sum := sha256.Sum256(k.Code)
	if got := hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("shader %s: the SPIR-V in this binary is damaged (SHA-256 %.12s..., want %.12s...): rebuild with go generate ./shaders",
			k.Name, got, want)
	}
	return nil
}

// checksum returns the SHA-256 in hexadecimal that SHA256SUMS gives a file, or
// "" if it names no such file.
func checksum(file string) string {
	for line := range strings.Lines(checksums) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[1] == file {
			return fields[0]
		}
	}
	return ""
}
