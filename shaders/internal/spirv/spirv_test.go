package spirv

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
)

// Ids of the example module.
const (
	main = iota + 1
	boolType
	intType
	uintType
	floatType
	doubleType
	pushStruct
	pushPointer
	push
	inputStruct
	inputPointer
	input
	outputStruct
	outputPointer
	output
	sizeType
	size
	sizeX
	sizeY
	sizeZ
	local
	flag
	slope
	wide
	unset
	shared
	image
	imagePointer
	table
)

// op is an instruction in words; strings are padded with zeros.
func op(code uint32, operands ...any) []uint32 {
	words := []uint32{0}
	for _, operand := range operands {
		switch operand := operand.(type) {
		case int:
			words = append(words, uint32(operand))
		case string:
			raw := append([]byte(operand), make([]byte, 4-len(operand)%4)...)
			for i := 0; i < len(raw); i += 4 {
				words = append(words, binary.LittleEndian.Uint32(raw[i:]))
			}
		}
	}
	words[0] = uint32(len(words))<<16 | code
	return words
}

// example is a module as glslc writes them, with two buffers out of order, push
// constants, and a specialisation constant that is a side of the workgroup too.
func example() [][]uint32 {
	return [][]uint32{
		{magic, 0x00010300, 0, 100, 0},
		op(17, 1), // a capability, which is not read
		op(opEntryPoint, computeModel, main, "main", input),
		op(opExecutionMode, main, localSizeMode, 1, 2, 1),
		op(opName, pushStruct, "Push"),
		op(opMemberName, pushStruct, 0, "rows"),
		op(opMemberName, pushStruct, 1, "rate"),
		op(opMemberName, pushStruct, 2, "shift"),
		op(opMemberName, pushStruct, 3, "size"),
		op(opName, inputStruct, "Input"),
		op(opName, outputStruct, "Results"), // a length that takes a whole word of zeros
		op(opName, output, ""),
		op(opName, local, "LOCAL"),
		op(opName, flag, "FLAG"),
		op(opName, slope, "SLOPE"),
		op(opName, wide, "WIDE"),
		op(opMemberDecorate, pushStruct, 0, offsetDecoration, 0),
		op(opMemberDecorate, pushStruct, 1, offsetDecoration, 4),
		op(opMemberDecorate, pushStruct, 2, offsetDecoration, 8),
		op(opMemberDecorate, pushStruct, 3, offsetDecoration, 16),
		op(opMemberDecorate, inputStruct, 0, 24), // not writable
		op(opDecorate, output, setDecoration, 0),
		op(opDecorate, output, bindingDecoration, 1),
		op(opDecorate, input, setDecoration, 0),
		op(opDecorate, input, bindingDecoration, 0),
		op(opDecorate, local, specIDDecoration, 3),
		op(opDecorate, sizeX, specIDDecoration, 3),
		op(opDecorate, sizeZ, specIDDecoration, 4),
		op(opDecorate, flag, specIDDecoration, 0),
		op(opDecorate, slope, specIDDecoration, 1),
		op(opDecorate, wide, specIDDecoration, 2),
		op(opDecorate, size, builtInDecoration, workgroupSizeBuiltIn),
		op(opTypeBool, boolType),
		op(opDecorate, table, setDecoration, 0),
		op(opDecorate, table, bindingDecoration, 2),
		op(opName, table, "table"),
		op(opTypeInt, intType, 32, 1),
		op(opTypeInt, uintType, 32, 0),
		op(opTypeFloat, floatType, 32),
		op(opTypeFloat, doubleType, 64),
		op(opTypeStruct, pushStruct, uintType, floatType, intType, doubleType),
		op(opTypePointer, pushPointer, pushConstantClass, pushStruct),
		op(opVariable, pushPointer, push, pushConstantClass),
		op(opTypeStruct, outputStruct, floatType),
		op(opTypePointer, outputPointer, storageBufferClass, outputStruct),
		op(opVariable, outputPointer, output, storageBufferClass),
		op(opTypeStruct, inputStruct, floatType),
		op(opTypePointer, inputPointer, storageBufferClass, inputStruct),
		op(opVariable, inputPointer, input, storageBufferClass),
		op(opVariable, inputPointer, shared, workgroupClass),
		op(opTypeImage, image, floatType, bufferDimension, 0, 0, 0, sampledImage, 0),
		op(opTypePointer, imagePointer, uniformClass, image),
		op(opVariable, imagePointer, table, uniformClass),
		op(opSpecConstant, uintType, local, 1),
		op(opSpecConstant, uintType, sizeX, 64),
		op(opConstant, uintType, sizeY, 2),
		op(opSpecConstant, uintType, sizeZ, 1),
		op(opSpecConstantComposite, sizeType, size, sizeX, sizeY, sizeZ),
		op(opSpecConstantFalse, boolType, flag),
		op(opSpecConstant, floatType, slope, 0),
		op(opSpecConstant, doubleType, wide, 0, 0),
		op(opSpecConstantTrue, boolType, unset),
	}
}

func encode(instructions [][]uint32) []byte {
	var code []byte
	for _, word := range slices.Concat(instructions...) {
		code = binary.LittleEndian.AppendUint32(code, word)
	}
	return code
}

func TestReflect(t *testing.T) {
	want := Module{
		EntryPoint: "main",
		LocalSize:  [3]Extent{{64, 3}, {2, -1}, {1, 4}},
		Buffers: []Buffer{
			{Set: 0, Binding: 0, Name: "Input", Readable: true},
			{Set: 0, Binding: 1, Name: "Results", Readable: true, Writable: true},
			{Set: 0, Binding: 2, Name: "table", Texels: true, Readable: true},
		},
		Constants: []Constant{
			{0, "FLAG", Bool}, {1, "SLOPE", Float}, {2, "WIDE", Other}, {3, "LOCAL", Uint}, {4, "local_size_z", Uint},
		},
		Push: []Member{{"rows", 0, Uint}, {"rate", 4, Float}, {"shift", 8, Int}, {"size", 16, Other}},
	}
	got, err := Reflect(encode(example()))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// TestAccess: what instructions do to a buffer is found by way of pointers into it.
func TestAccess(t *testing.T) {
	const pointer, inner, value = 200, 201, 202
	for _, c := range []struct {
		name           string
		code           [][]uint32
		loaded, stored bool // of output
	}{
		{"nothing", nil, false, false},
		{"its length", [][]uint32{op(68, uintType, value, output, 0)}, false, false},
		{"a load", [][]uint32{op(opAccessChain, floatType, pointer, output, 0), op(opLoad, floatType, value, pointer)}, true, false},
		{"a store", [][]uint32{op(opInBoundsAccessChain, floatType, pointer, output, 0), op(opStore, pointer, value)}, false, true},
		{"pointers into pointers", [][]uint32{
			op(opAccessChain, floatType, pointer, output), op(opCopyObject, floatType, value, pointer), op(opAccessChain, floatType, inner, value, 0),
			op(opStore, inner, slope),
		}, false, true},
		{"a copy to it", [][]uint32{op(opCopyMemory, output, input)}, false, true},
		{"a copy from it", [][]uint32{op(opCopyMemory, input, output)}, true, false},
		{"an atomic load", [][]uint32{op(opAtomicLoad, uintType, value, output, 0, 0)}, true, false},
		{"an atomic store", [][]uint32{op(opAtomicStore, output, 0, 0, value)}, false, true},
		{"an atomic sum", [][]uint32{op(234, uintType, value, output, 0, 0, slope)}, true, true},
		{"a call", [][]uint32{op(opFunctionCall, floatType, value, main, output)}, true, true},
		{"of another", [][]uint32{op(opLoad, floatType, value, input), op(opStore, input, value)}, false, false},
	} {
		m, err := Reflect(encode(append(example(), c.code...)))
		if err != nil {
			t.Fatal(err)
		}
		if b := m.Buffers[1]; b.Loaded != c.loaded || b.Stored != c.stored {
			t.Errorf("%s: loaded %v, stored %v", c.name, b.Loaded, b.Stored)
		}
	}
}

// TestDecorations: a buffer is not written where its variable or all members of its
// block say so.
func TestDecorations(t *testing.T) {
	for _, c := range []struct {
		name               string
		code               [][]uint32
		readable, writable bool // of output
	}{
		{"none", nil, true, true},
		{"of the only member", [][]uint32{op(opMemberDecorate, outputStruct, 0, nonReadableDecoration)}, false, true},
		{"of the variable", [][]uint32{op(opDecorate, output, nonWritableDecoration)}, true, false},
		{"of another", [][]uint32{op(opDecorate, input, nonReadableDecoration)}, true, true},
	} {
		m, err := Reflect(encode(append(example(), c.code...)))
		if err != nil {
			t.Fatal(err)
		}
		if b := m.Buffers[1]; b.Readable != c.readable || b.Writable != c.writable {
			t.Errorf("%s: readable %v, writable %v", c.name, b.Readable, b.Writable)
		}
	}
}

// TestLeast is a shader that asks for nothing and fixes its workgroup by the
// execution mode.
func TestLeast(t *testing.T) {
	want := Module{EntryPoint: "main", LocalSize: [3]Extent{{1, -1}, {2, -1}, {1, -1}}}
	got, err := Reflect(encode(example()[:4]))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestReflectErrors(t *testing.T) {
	type module = [][]uint32
	add := func(instructions ...[]uint32) func(module) module {
		return func(m module) module { return append(m, instructions...) }
	}
	// without leaves out the instructions that begin as one does.
	without := func(like []uint32) func(module) module {
		return func(m module) module {
			return slices.DeleteFunc(m, func(i []uint32) bool {
				return i[0]&0xffff == like[0]&0xffff && slices.Equal(i[1:min(len(i), len(like))], like[1:])
			})
		}
	}
	// texture puts another type in the place of the texel buffer's.
	texture := func(instead []uint32) func(module) module {
		return func(m module) module { return append(without(op(opTypeImage))(m), instead) }
	}
	const other = 99 // an id that the example does not use
	for _, c := range []struct {
		want   string
		change func(module) module
	}{
		{"0 bytes", func(module) module { return nil }},
		{"16 bytes", func(m module) module { return module{m[0][:4]} }},
		{"the first word is 0x03022307", func(m module) module { m[0][0] = 0x03022307; return m }},
		{"takes 0 words", add([]uint32{opName})},
		{"takes 3 words, and 2 are left", add([]uint32{3<<16 | opName, 1})},
		{"has 1 operands, want at least 2", add([]uint32{2<<16 | opName, 1})},
		{"string does not end", add([]uint32{3<<16 | opName, 1, 0x61616161})},
		{"defined twice", add(op(opTypeBool, uintType))},
		{"exactly one entry point", without(op(opEntryPoint))},
		{"exactly one entry point", add(op(opEntryPoint, computeModel, main, "main"))},
		{"exactly one entry point", func(m module) module { m[2][1] = 4; return m }},
		{"entry point: its string does not end", func(m module) module { m[2] = m[2][:4]; m[2][0] = 4<<16 | opEntryPoint; return m }},
		{"no constant of three numbers", without(op(opSpecConstantComposite))},
		{"no constant of three numbers", add(op(opConstantComposite, sizeType, other, sizeX, sizeY), op(opDecorate, other, builtInDecoration, workgroupSizeBuiltIn))},
		{"side 1 of the workgroup", without(op(opConstant))},
		{"the workgroup has no size", func(m module) module {
			return without(op(opExecutionMode))(without(op(opDecorate, size, builtInDecoration))(m))
		}},
		{`two specialisation constants have the id 0: "FLAG" and ""`, add(op(opSpecConstant, floatType, other, 0), op(opDecorate, other, specIDDecoration, 0))},
		{`two specialisation constants have the id 1: "SLOPE" and "TWIN"`,
			add(op(opSpecConstant, floatType, other, 0), op(opDecorate, other, specIDDecoration, 1), op(opName, other, "TWIN"))},
		{"several blocks of push constants", add(op(opVariable, pushPointer, other, pushConstantClass))},
		{"push constants: its type is no pointer", without(op(opTypePointer, pushPointer))},
		{"push constants: it is no single block", without(op(opTypeStruct, pushStruct))},
		{"push constants: member 2 has no offset", without(op(opMemberDecorate, pushStruct, 2))},
		{`buffer "Results" has no set`, without(op(opDecorate, output, setDecoration))},
		{`buffer "Input" has no set or no binding`, without(op(opDecorate, input, bindingDecoration))},
		{"storage buffer \"\": it is no single block", without(op(opTypeStruct, outputStruct))},
		{`"table": it is no texel buffer of floats`, without(op(opTypeImage))},
		{`"table": it is no texel buffer of floats`, without(op(opTypePointer, imagePointer))},
		{`"table": it is no texel buffer of floats`, texture(op(opTypeImage, image, intType, bufferDimension, 0, 0, 0, sampledImage, 0))},
		{`"table": it is no texel buffer of floats`, texture(op(opTypeImage, image, floatType, 1, 0, 0, 0, sampledImage, 0))},    // a plane
		{`"table": it is no texel buffer of floats`, texture(op(opTypeImage, image, floatType, bufferDimension, 0, 0, 0, 2, 0))}, // to be written
		{`buffer "table" has no set or no binding`, without(op(opDecorate, table, bindingDecoration))},
		{`variable "Sizes" is in storage class 2`, add(op(opVariable, inputPointer, other, 2), op(opName, other, "Sizes"))}, // a uniform block
	} {
		m, err := Reflect(encode(c.change(example())))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "SPIR-V: ") {
			t.Errorf("%+v, error %v, want one with %q", m, err, c.want)
		}
	}
	if _, err := Reflect(append(encode(example()), 0)); err == nil {
		t.Error("a byte too many passes")
	}
}

// FuzzReflect gives Reflect any bytes: it may refuse, and what it returns keeps
// what Module promises.
func FuzzReflect(f *testing.F) {
	f.Add(encode(example()))
	paths, err := filepath.Glob("../../*.spv")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		code, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code)
	}
	types := []Type{Bool, Int, Uint, Float, Other}
	f.Fuzz(func(t *testing.T, code []byte) {
		var m Module
		var err error
		// The shortest instructions that are read have eight bytes and become a
		// place in a map.
		memorytest.Within(t, memorytest.Bound{PerByte: 64, Constant: 1 << 20}, func() int {
			m, err = Reflect(code)
			return len(code)
		})
		if err != nil {
			return
		}
		ids := map[int]bool{}
		for i, c := range m.Constants {
			if !slices.Contains(types, c.Type) || i > 0 && c.ID <= m.Constants[i-1].ID {
				t.Fatalf("constants %+v", m.Constants)
			}
			ids[int(c.ID)] = true
		}
		for _, side := range m.LocalSize {
			if side.Constant != -1 && !ids[side.Constant] {
				t.Fatalf("workgroup %+v with constants %+v", m.LocalSize, m.Constants)
			}
		}
		for i, b := range m.Buffers[min(1, len(m.Buffers)):] {
			if a := m.Buffers[i]; a.Set > b.Set || a.Set == b.Set && a.Binding > b.Binding {
				t.Fatalf("buffers %+v", m.Buffers)
			}
		}
		for _, member := range m.Push {
			if !slices.Contains(types, member.Type) {
				t.Fatalf("push constants %+v", m.Push)
			}
		}
	})
}
