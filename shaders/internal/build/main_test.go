package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nashprune/shaders/internal/spirv"
)

// shaders is the folder that go generate works in.
const shaders = "../.."

// compiled compiles a folder. Where the tools are not installed the test is
// skipped, except on CI, where they have to be.
func compiled(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files, err := compile(folder)
	if errors.Is(err, errNoTool) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestCommitted compiles the shaders again. The compiler of the record gives the
// committed bytes; another one has to give valid code of the same layout.
func TestCommitted(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	files := compiled(t, shaders)
	same := bytes.Equal(files[versionFile], read(t, filepath.Join(shaders, versionFile)))
	if !same {
		t.Logf("this is not the compiler of %s, so layouts are compared and not bytes:\n%s", versionFile, files[versionFile])
	}
	for name, content := range files {
		committed := read(t, filepath.Join(shaders, name))
		if same {
			if !bytes.Equal(content, committed) {
				t.Errorf("%s is not what its sources give: run go generate ./shaders", name)
			}
			continue
		}
		if filepath.Ext(name) != ".spv" {
			continue
		}
		got, err := spirv.Reflect(content)
		if err != nil {
			t.Errorf("%s, compiled anew: %v", name, err)
		}
		want, err := spirv.Reflect(committed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has the layout %+v, but its sources give %+v: run go generate ./shaders", name, want, got)
		}
	}
}

// source is a shader that includes a file.
const source = `#version 450
#extension GL_GOOGLE_include_directive : require
#include "one.glsl"
layout(std430, set = 0, binding = 0) buffer Out { float numbers[]; };
void main() { numbers[0] = ONE; }
`

// folder returns a new folder of source and what it includes.
func folder(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	write(t, path, "a.comp", source)
	write(t, path, "one.glsl", "const float ONE = 1;\n")
	return path
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list returns the files of a folder that match a pattern.
func list(t *testing.T, folder, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	here, there := folder(t), folder(t)
	compiled(t, here) // skips without the tools
	write(t, here, "gone.spv", "of a source that is gone")
	for _, path := range []string{here, there} {
		if err := build(path); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := list(t, here, "*"), []string{"GLSLC", "SHA256SUMS", "a.comp", "a.spv", "one.glsl"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for _, name := range list(t, here, "*") {
		if !bytes.Equal(read(t, filepath.Join(here, name)), read(t, filepath.Join(there, name))) {
			t.Errorf("%s depends on the folder", name)
		}
	}

	// Again, with a shader more: what would not change keeps its time.
	old := time.Unix(1e9, 0)
	for _, name := range list(t, here, "*") {
		if err := os.Chtimes(filepath.Join(here, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	write(t, here, "b.comp", source)
	if err := build(here); err != nil {
		t.Fatal(err)
	}
	for name, wantOld := range map[string]bool{"a.spv": true, versionFile: true, checksumsFile: false, "b.spv": false} {
		info, err := os.Stat(filepath.Join(here, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().Equal(old) != wantOld {
			t.Errorf("%s was written at %v", name, info.ModTime())
		}
	}
}

func TestBuildErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	compiled(t, folder(t)) // skips without the tools
	for _, c := range []struct{ want, source string }{
		{"broken.comp:2: error: 'x' : undeclared identifier", "#version 450\nvoid main() { x = 1; }\n"},
		{"Cannot find or open include file", "#version 450\n#extension GL_GOOGLE_include_directive : require\n#include \"missing.glsl\"\nvoid main() {}\n"},
		// A warning, but for -Werror.
		{"broken.comp:2: error: '#extension' : extension not supported", "#version 450\n#extension GL_no_such_extension : enable\nvoid main() {}\n"},
	} {
		path := folder(t)
		write(t, path, "broken.comp", c.source)
		err := build(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "broken.comp") {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if files := list(t, path, "*.spv"); len(files) > 0 {
			t.Errorf("%s: %q was written", c.want, files)
		}
	}
	if err := build(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no *.comp in ") {
		t.Errorf("error %v of an empty folder", err)
	}
}

// TestNoTools hides the compiler, then only the validator.
func TestNoTools(t *testing.T) {
	path, bin := folder(t), t.TempDir()
	t.Setenv("PATH", bin)
	refused := func(tool string) {
		t.Helper()
		err := build(path)
		if !errors.Is(err, errNoTool) || !strings.Contains(err.Error(), tool+" was not found: install the Debian packages glslc and spirv-tools") {
			t.Errorf("error %v, want one that %s is missing", err, tool)
		}
		if files := list(t, path, "*.spv"); len(files) > 0 {
			t.Errorf("%q was written", files)
		}
	}
	refused(compiler[0])
	fakeCompiler(t, bin)
	refused(validator[0])
}

// TestInvalid: what a compiler makes is validated before it is written.
func TestInvalid(t *testing.T) {
	compiled(t, folder(t)) // skips without the tools
	path, bin := folder(t), t.TempDir()
	fakeCompiler(t, bin)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if err := build(path); err == nil || !strings.Contains(err.Error(), "a.comp: spirv-val: ") {
		t.Errorf("error %v, want one of spirv-val", err)
	}
	if files := list(t, path, "*.spv"); len(files) > 0 {
		t.Errorf("%q was written", files)
	}
}

// fakeCompiler puts a compiler into a folder that writes no SPIR-V.
func fakeCompiler(t *testing.T, bin string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a script is no program here")
	}
	if err := os.WriteFile(filepath.Join(bin, compiler[0]), []byte("#!/bin/sh\necho rubbish\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
