//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
)

// TestErrorsGetTheirKind: an error of package compute keeps its text and its kinds, and
// has the kind of the contract, too.
func TestErrorsGetTheirKind(t *testing.T) {
	for from, want := range map[error]error{
		compute.ErrDeviceLost: backend.ErrDeviceLost, compute.ErrOutOfMemory: backend.ErrOutOfMemory,
	} {
		err := fmt.Errorf("a step: %w", from)
		got := gpu.Converted(err)
		if !errors.Is(got, from) || got.Error() != err.Error() {
			t.Errorf("%v: %v", err, got)
		}
		for _, kind := range []error{backend.ErrDeviceLost, backend.ErrOutOfMemory} {
			if errors.Is(got, kind) != (kind == want) {
				t.Errorf("%v: is %v: %v", err, kind, errors.Is(got, kind))
			}
		}
	}
	if other := errors.New("other"); gpu.Converted(other) != other || gpu.Converted(nil) != nil {
		t.Error("errors of no kind change")
	}
}

// TestEveryMethodConverts: every exported method that may fail with an error of package
// compute defers convert first.
func TestEveryMethodConverts(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	harmless := []string{"Close"} // which never fails
	methods := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "unavailable.go" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() || slices.Contains(harmless, f.Name.Name) || f.Type.Results == nil {
				continue
			}
			last := f.Type.Results.List[len(f.Type.Results.List)-1].Type
			if name, ok := last.(*ast.Ident); !ok || name.Name != "error" {
				continue
			}
			methods++
			deferred, ok := f.Body.List[0].(*ast.DeferStmt)
			if ok {
				called, _ := deferred.Call.Fun.(*ast.Ident)
				ok = called != nil && called.Name == "convert"
			}
			if !ok {
				t.Errorf("%s: %s does not begin with defer convert(&err)", file, f.Name.Name)
			}
		}
	}
	if methods < 15 {
		t.Errorf("%d methods, want those of the contract", methods)
	}
}
