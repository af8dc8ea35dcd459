package shaders_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"nashprune/shaders"
	"nashprune/shaders/internal/spirv"
)

// maxPush is how many bytes of push constants every Vulkan device takes at least
// (maxPushConstantsSize).
const maxPush = 128

// types are the Go types of push constants by what GLSL calls them; both lay
// them out one after another, each at a multiple of four bytes (std430).
var types = map[reflect.Kind]spirv.Type{reflect.Uint32: spirv.Uint, reflect.Int32: spirv.Int, reflect.Float32: spirv.Float}

// check says whether a kernel's SPIR-V has the layout that the kernel declares,
// no more and no less. Nothing that is declared may be missing in the SPIR-V,
// since without the optimiser glslc keeps what a shader does not use.
func check(k shaders.Kernel) error {
	module, err := spirv.Reflect(k.Code)
	if err != nil {
		return fmt.Errorf("shader %s: %w", k.Name, err)
	}
	if declared, found := declared(k), found(module); !slices.Equal(declared, found) {
		return fmt.Errorf("shader %s: Go declares\n\t%s\nbut the SPIR-V has\n\t%s",
			k.Name, strings.Join(declared, "\n\t"), strings.Join(found, "\n\t"))
	}
	if k.Push != nil && reflect.TypeOf(k.Push).Size() > maxPush {
		return fmt.Errorf("shader %s: %d bytes of push constants, more than %d", k.Name, reflect.TypeOf(k.Push).Size(), maxPush)
	}
	return nil
}

// declared describes the layout of a kernel in Go, a line for everything.
func declared(k shaders.Kernel) []string {
	lines := []string{"entry point main"}
	for binding, name := range k.Buffers {
		kind := "storage buffer"
		if slices.Contains(k.Texels, name) {
			kind, name = "texel buffer", lowerFirst(name)
		}
		lines = append(lines, fmt.Sprintf("set 0, binding %d: %s %s", binding, kind, name))
	}
	lines = append(lines, fmt.Sprintf("set 0, binding %d: storage buffer Mark", shaders.MarkBinding))
	for id, name := range k.Constants {
		lines = append(lines, fmt.Sprintf("constant %d: %s", id, name))
	}
	if k.Push == nil {
		return lines
	}
	push := reflect.TypeOf(k.Push)
	if push.Kind() != reflect.Struct {
		return append(lines, fmt.Sprintf("push constants: %s, which is no struct", push))
	}
	for field := range push.Fields() {
		kind, known := types[field.Type.Kind()]
		if !known {
			kind = spirv.Type("Go's " + field.Type.String())
		}
		name := lowerFirst(field.Name)
		if !field.IsExported() {
			name += " (not exported)"
		}
		lines = append(lines, fmt.Sprintf("push constant at byte %d: %s %s", field.Offset, kind, name))
	}
	return lines
}

// lowerFirst turns a name of Go's into one of a variable in GLSL.
func lowerFirst(name string) string {
	first, width := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[width:]
}

// found describes the layout in SPIR-V as declared does that in Go.
func found(m spirv.Module) []string {
	lines := []string{"entry point " + m.EntryPoint}
	for _, b := range m.Buffers {
		kind := "storage buffer"
		if b.Texels {
			kind = "texel buffer"
		}
		lines = append(lines, fmt.Sprintf("set %d, binding %d: %s %s", b.Set, b.Binding, kind, b.Name))
	}
	for _, c := range m.Constants {
		line := fmt.Sprintf("constant %d: %s", c.ID, c.Name)
		if c.Type == spirv.Other {
			line += ", " + string(c.Type)
		}
		lines = append(lines, line)
	}
	for _, member := range m.Push {
		lines = append(lines, fmt.Sprintf("push constant at byte %d: %s %s", member.Offset, member.Type, member.Name))
	}
	return lines
}

func TestLayouts(t *testing.T) {
	for _, k := range shaders.All() {
		if err := check(k); err != nil {
			t.Error(err)
		}
	}
}

// names are the wrong lists that may stand for a list of names. What is no
// change, as swapping the only name with itself, is no mistake and left out.
func names(right []string) (wrong [][]string) {
	wrong = append(wrong, append(slices.Clone(right), "Extra"))
	for i := range right {
		renamed, swapped := slices.Clone(right), slices.Clone(right)
		renamed[i] += "s"
		wrong = append(wrong, renamed, slices.Delete(slices.Clone(right), i, i+1))
		if i > 0 {
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			wrong = append(wrong, swapped)
		}
	}
	return wrong
}

// pushes are wrong structs of push constants.
func pushes(right any) (wrong []any) {
	var fields []reflect.StructField
	if right != nil {
		fields = reflect.VisibleFields(reflect.TypeOf(right))
		wrong = append(wrong, nil, reflect.New(reflect.TypeOf(right)).Interface()) // a pointer to the struct is none
	}
	with := func(change func(fields []reflect.StructField) []reflect.StructField) {
		wrong = append(wrong, reflect.New(reflect.StructOf(change(slices.Clone(fields)))).Elem().Interface())
	}
	with(func(fields []reflect.StructField) []reflect.StructField {
		return append(fields, reflect.StructField{Name: "Extra", Type: reflect.TypeFor[uint32]()})
	})
	for i, field := range fields {
		with(func(fields []reflect.StructField) []reflect.StructField {
			fields[i].Name += "s"
			return fields
		})
		with(func(fields []reflect.StructField) []reflect.StructField {
			fields[i].Name, fields[i].PkgPath = strings.ToLower(field.Name[:1])+field.Name[1:], "nashprune/shaders"
			return fields
		})
		with(func(fields []reflect.StructField) []reflect.StructField { return slices.Delete(fields, i, i+1) })
		for _, other := range []reflect.Type{
			reflect.TypeFor[uint32](), reflect.TypeFor[int32](), reflect.TypeFor[float32](),
			reflect.TypeFor[bool](), reflect.TypeFor[uint64](), reflect.TypeFor[[2]uint32](),
		} {
			if field.Type != other {
				with(func(fields []reflect.StructField) []reflect.StructField {
					fields[i].Type = other
					return fields
				})
			}
		}
		if i > 0 {
			with(func(fields []reflect.StructField) []reflect.StructField {
				fields[i-1], fields[i] = fields[i], fields[i-1]
				return fields
			})
		}
	}
	return wrong
}

// TestCheckSeesMistakes gives every kernel wrong declarations, one mistake each.
func TestCheckSeesMistakes(t *testing.T) {
	tried := 0
	for _, right := range shaders.All() {
		var wrong []shaders.Kernel
		for _, buffers := range names(right.Buffers) {
			k := right
			k.Buffers = buffers
			wrong = append(wrong, k)
		}
		for _, constants := range names(right.Constants) {
			k := right
			k.Constants = constants
			wrong = append(wrong, k)
		}
		for _, push := range pushes(right.Push) {
			k := right
			k.Push = push
			wrong = append(wrong, k)
		}
		damaged := right
		damaged.Code = right.Code[:len(right.Code)-1]
		for _, k := range append(wrong, damaged) {
			tried++
			if err := check(k); err == nil || !strings.HasPrefix(err.Error(), "shader "+k.Name+": ") {
				t.Errorf("error %v for buffers %q, constants %q, push constants %T", err, k.Buffers, k.Constants, k.Push)
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d mistakes were made", tried)
	}
}
