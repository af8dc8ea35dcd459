// Command build compiles the shaders of the folder it runs in; go generate
// ./shaders runs it. Of every *.comp it makes the SPIR-V *.spv and has it
// validated, lists the checksums in SHA256SUMS and the compiler's version in
// GLSLC, and removes the SPIR-V of sources that are gone. The same sources and
// compiler give the same bytes wherever they lie, and a file that would not
// change is not written. On an error nothing is.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	checksumsFile = "SHA256SUMS"
	versionFile   = "GLSLC"
)

// Vulkan 1.1 is what the backend asks for. Not -O: glslc would strip the names that
// layouts are checked by, and drop buffers and constants that are declared and not used;
// a driver optimises it. (-O -g keeps names, but drops as much and puts the sources' text
// into the SPIR-V.)
var (
	compiler  = []string{"glslc", "--target-env=vulkan1.1", "-O0", "-Werror", "-o", "-"}
	validator = []string{"spirv-val", "--target-env", "vulkan1.1", "-"}
)

func main() {
	if err := build("."); err != nil {
		fmt.Fprintln(os.Stderr, "shaders:", err)
		os.Exit(1)
	}
}

// build brings the outputs in a folder up to date with its sources.
func build(folder string) error {
	files, err := compile(folder)
	if err != nil {
		return err
	}
	stale, err := filepath.Glob(filepath.Join(folder, "*.spv"))
	if err != nil {
		return err
	}
	for _, path := range stale {
		if files[filepath.Base(path)] == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			continue
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compile returns what build writes, by the name of the file.
func compile(folder string) (map[string][]byte, error) {
	sources, err := filepath.Glob(filepath.Join(folder, "*.comp"))
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("no *.comp in %s", folder)
	}
	files := map[string][]byte{}
	if files[versionFile], err = version(); err != nil {
		return nil, err
	}
	var checksums bytes.Buffer
	for _, path := range sources { // sorted by Glob
		source := filepath.Base(path)
		name := strings.TrimSuffix(source, ".comp") + ".spv"
		// Within the folder, so that messages and bytes know nothing of its path.
		code, err := run(folder, nil, append(slices.Clone(compiler), source)...)
		if err != nil {
			return nil, err
		}
		if _, err := run(folder, code, validator...); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		files[name] = code
		fmt.Fprintf(&checksums, "%x  %s\n", sha256.Sum256(code), name)
	}
	files[checksumsFile] = checksums.Bytes()
	return files, nil
}

// version returns what glslc says of its version and of its parts', a line each.
func version() ([]byte, error) {
	output, err := run("", nil, compiler[0], "--version")
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(line)
		if line == "" { // what follows is no version
			break
		}
		fmt.Fprintln(&lines, line)
	}
	return lines.Bytes(), nil
}

// errNoTool is that a program to build with is not installed.
var errNoTool = errors.New("install the Debian packages glslc and spirv-tools, or the Vulkan SDK")

// run runs a program in a folder, with input, and returns its output. What the
// program complains of is the error.
func run(folder string, input []byte, command ...string) ([]byte, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, fmt.Errorf("%s was not found: %w", command[0], errNoTool)
	}
	cmd := exec.Command(path, command[1:]...)
	var output, complaints bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = folder, bytes.NewReader(input), &output, &complaints
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", command[0], err, bytes.TrimSpace(complaints.Bytes()))
	}
	return output.Bytes(), nil
}
