package trainer_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// networkPackage defines the operators, each with its kind.
const networkPackage = module + "/trainer/network"

// mayNameKinds are the folders whose packages may name operators: the graph and its files,
// and the engines.
var mayNameKinds = []string{networkPackage, module + "/cpu_fallback", module + "/gpu"}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// TestOperatorKindsAreNamedByEngines: no other package refers to an operator, such as
// network.Dense, to its kind, or to a string that stands for a kind. What a new operator
// needs is so in the folders above alone.
func TestOperatorKindsAreNamedByEngines(t *testing.T) {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", module+"/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	exports := map[string]string{}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module+"/") {
			packages = append(packages, p)
		}
	}
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	network, err := imports.Import(networkPackage)
	if err != nil {
		t.Fatal(err)
	}
	kind := network.Scope().Lookup("Kind").Type()
	op := network.Scope().Lookup("Op").Type().Underlying().(*types.Interface)
	names := func(o types.Object) bool {
		if o == nil || o.Pkg() == nil || o.Pkg().Path() != networkPackage {
			return false
		}
		switch o := o.(type) {
		case *types.Const:
			return types.Identical(o.Type(), kind)
		case *types.TypeName:
			return !types.IsInterface(o.Type()) && types.Implements(types.NewPointer(o.Type()), op)
		}
		return false
	}
	named, checked := 0, 0
	for _, p := range packages {
		allowed := false
		for _, folder := range mayNameKinds {
			allowed = allowed || p.ImportPath == folder || strings.HasPrefix(p.ImportPath, folder+"/")
		}
		if allowed && p.ImportPath != networkPackage+"/networktest" {
			continue // engines may use cgo; networktest shows that the test finds what it looks for
		}
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
		if _, err := (&types.Config{Importer: imports}).Check(p.ImportPath, files, parsed, info); err != nil {
			t.Fatal(err)
		}
		checked++
		found := func(at ast.Node, what string) {
			if named++; !allowed {
				t.Errorf("%s: %s names an operator; only %s may", files.Position(at.Pos()), what, strings.Join(mayNameKinds, ", "))
			}
		}
		for identifier, object := range info.Uses {
			if names(object) {
				found(identifier, identifier.Name)
			}
		}
		for expression, of := range info.Types {
			if literal, ok := expression.(*ast.BasicLit); ok && types.Identical(of.Type, kind) {
				found(literal, literal.Value)
			}
		}
	}
	if named == 0 || checked < 20 {
		t.Errorf("%d names in %d packages: the test looks at nothing", named, checked)
	}
}
