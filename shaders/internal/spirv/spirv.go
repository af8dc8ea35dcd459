// Package spirv reads from a compute shader's SPIR-V what the program that runs
// it has to provide: buffers, constants and how many invocations a workgroup
// has. It reads names, which only unoptimised or debug builds keep.
package spirv

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Module is the interface of a compute shader.
type Module struct {
	EntryPoint string
	LocalSize  [3]Extent
	Buffers    []Buffer   // by set and binding
	Constants  []Constant // specialisation constants, by id
	Push       []Member   // of the push-constant block, in its order; nil if there is none
}

// Extent is one side of a workgroup.
type Extent struct {
	Size     uint32 // in invocations; the default where a constant may change it
	Constant int    // id of that specialisation constant, or -1
}

// Buffer is a storage buffer, or a uniform texel buffer of floats.
type Buffer struct {
	Set, Binding uint32
	Name         string // of the block, not that of an instance; of the variable of texels
	Texels       bool

	// What its decorations allow: NonReadable and NonWritable, which GLSL calls
	// writeonly and readonly. Texels are only read.
	Readable, Writable bool
	// What instructions do to it, whether they are reached or not.
	Loaded, Stored bool
}

// Constant is a specialisation constant. The side of a workgroup that GLSL sets
// by layout(local_size_x_id = 0) without a constant of that id besides has the
// name local_size_x.
type Constant struct {
	ID   uint32
	Name string
	Type Type
}

// Member is a member of a block.
type Member struct {
	Name   string
	Offset uint32 // in bytes
	Type   Type
}

// Type is a scalar of four bytes by its name in GLSL, or Other.
type Type string

const (
	Bool  Type = "bool"
	Int   Type = "int"
	Uint  Type = "uint"
	Float Type = "float"
	Other Type = "no scalar of 4 bytes" // anything else
)

// Numbers of the SPIR-V specification, sections 2.3 and 3.
const (
	magic       = 0x07230203
	headerWords = 5

	opName                  = 5
	opMemberName            = 6
	opEntryPoint            = 15
	opExecutionMode         = 16
	opTypeBool              = 20
	opTypeInt               = 21
	opTypeFloat             = 22
	opTypeImage             = 25
	opTypeStruct            = 30
	opTypePointer           = 32
	opConstant              = 43
	opConstantComposite     = 44
	opSpecConstantTrue      = 48
	opSpecConstantFalse     = 49
	opSpecConstant          = 50
	opSpecConstantComposite = 51
	opFunctionCall          = 57
	opVariable              = 59
	opLoad                  = 61
	opStore                 = 62
	opCopyMemory            = 63
	opAccessChain           = 65
	opInBoundsAccessChain   = 66
	opDecorate              = 71
	opMemberDecorate        = 72
	opCopyObject            = 83
	opAtomicLoad            = 227
	opAtomicStore           = 228
	opAtomicExchange        = 229 // the first of those that load and store
	opAtomicXor             = 242 // the last

	computeModel  = 5
	localSizeMode = 17

	specIDDecoration      = 1
	builtInDecoration     = 11
	nonWritableDecoration = 24
	nonReadableDecoration = 25
	bindingDecoration     = 33
	setDecoration         = 34
	offsetDecoration      = 35

	workgroupSizeBuiltIn = 25

	bufferDimension = 5 // of an image
	sampledImage    = 1 // one that is read as texels

	uniformClass       = 0 // UniformConstant: images and samplers
	inputClass         = 1
	workgroupClass     = 4
	privateClass       = 6
	functionClass      = 7
	pushConstantClass  = 9
	storageBufferClass = 12
)

// leastOperands says of the instructions that are read how many words follow
// the first at least. Other instructions are skipped.
var leastOperands = map[uint32]int{
	opName:                  2,
	opMemberName:            3,
	opEntryPoint:            3,
	opExecutionMode:         2,
	opTypeBool:              1,
	opTypeInt:               3,
	opTypeFloat:             2,
	opTypeImage:             8,
	opTypeStruct:            1,
	opTypePointer:           3,
	opConstant:              3,
	opConstantComposite:     2,
	opSpecConstantTrue:      2,
	opSpecConstantFalse:     2,
	opSpecConstant:          3,
	opSpecConstantComposite: 2,
	opFunctionCall:          3,
	opVariable:              3,
	opLoad:                  3,
	opStore:                 2,
	opCopyMemory:            2,
	opAccessChain:           3,
	opInBoundsAccessChain:   3,
	opDecorate:              2,
	opMemberDecorate:        3,
	opCopyObject:            3,
	opAtomicLoad:            3,
	opAtomicStore:           1,
}

func init() {
	for op := uint32(opAtomicExchange); op <= opAtomicXor; op++ {
		leastOperands[op] = 3
	}
}

// instruction is one that is read, with at least its least operands.
type instruction struct {
	op       uint32
	operands []uint32
}

// part is the member of an id that has an index, or its decoration of a number.
type part struct{ id, index uint32 }

// reader collects a module's instructions, to be put together at its end: SPIR-V
// names and decorates things before it defines them.
type reader struct {
	entryPoints   []instruction
	modes         []instruction
	specConstants []uint32 // ids
	variables     []instruction
	workgroup     uint32                 // id of the constant that is the workgroup's size, 0 if there is none
	defined       map[uint32]instruction // types and constants
	names         map[uint32]string
	memberNames   map[part]string
	decorations   map[part]uint32   // the number that follows a decoration
	offsets       map[part]uint32   // of members
	limited       map[part]int      // how many members of a struct have a decoration
	roots         map[uint32]uint32 // the variable that a pointer points into, if it is not itself one
	loaded        map[uint32]bool   // variables that are read
	stored        map[uint32]bool   // and that are written
}

// Reflect reads the interface of a compute shader from its SPIR-V, in
// little-endian bytes. It is an error when the code is too damaged to
// read, when there is not exactly one entry point, or when the shader uses
// anything of the host but storage buffers, texel buffers and push constants.
// Reflect may be given any bytes, but does not replace spirv-val.
func Reflect(code []byte) (Module, error) {
	r := reader{
		defined:     map[uint32]instruction{},
		names:       map[uint32]string{},
		memberNames: map[part]string{},
		decorations: map[part]uint32{},
		offsets:     map[part]uint32{},
		limited:     map[part]int{},
		roots:       map[uint32]uint32{},
		loaded:      map[uint32]bool{},
		stored:      map[uint32]bool{},
	}
	m, err := r.read(code)
	if err != nil {
		return Module{}, fmt.Errorf("SPIR-V: %w", err)
	}
	return m, nil
}

func (r *reader) read(code []byte) (m Module, err error) {
	if len(code)%4 != 0 || len(code) < 4*headerWords {
		return m, fmt.Errorf("%d bytes are no module", len(code))
	}
	words := make([]uint32, len(code)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(code[4*i:])
	}
	if words[0] != magic {
		return m, fmt.Errorf("the first word is %#08x, want %#08x", words[0], uint32(magic))
	}
	for at := headerWords; at < len(words); {
		op, length := words[at]&0xffff, int(words[at]>>16)
		if length == 0 || length > len(words)-at {
			return m, fmt.Errorf("the instruction at word %d takes %d words, and %d are left", at, length, len(words)-at)
		}
		least, known := leastOperands[op]
		if known && length-1 < least {
			return m, fmt.Errorf("the instruction %d at word %d has %d operands, want at least %d", op, at, length-1, least)
		}
		if known {
			if err := r.collect(instruction{op, words[at+1 : at+length]}); err != nil {
				return m, fmt.Errorf("the instruction %d at word %d: %w", op, at, err)
			}
		}
		at += length
	}
	return r.module()
}

// collect takes in one instruction.
func (r *reader) collect(i instruction) (err error) {
	o := i.operands
	switch i.op {
	case opName:
		r.names[o[0]], err = text(o[1:])
	case opMemberName:
		r.memberNames[part{o[0], o[1]}], err = text(o[2:])
	case opDecorate:
		var number uint32 // many decorations have none
		if len(o) > 2 {
			number = o[2]
		}
		r.decorations[part{o[0], o[1]}] = number
		if o[1] == builtInDecoration && number == workgroupSizeBuiltIn {
			r.workgroup = o[0]
		}
	case opMemberDecorate:
		if o[2] == offsetDecoration && len(o) > 3 {
			r.offsets[part{o[0], o[1]}] = o[3]
		}
		r.limited[part{o[0], o[2]}]++
	case opEntryPoint:
		r.entryPoints = append(r.entryPoints, i)
	case opExecutionMode:
		r.modes = append(r.modes, i)
	case opVariable:
		r.variables = append(r.variables, i)
	case opTypeBool, opTypeInt, opTypeFloat, opTypeImage, opTypeStruct, opTypePointer:
		err = r.define(o[0], i)
	case opSpecConstant, opSpecConstantTrue, opSpecConstantFalse:
		r.specConstants = append(r.specConstants, o[1])
		err = r.define(o[1], i)
	case opConstant, opConstantComposite, opSpecConstantComposite:
		err = r.define(o[1], i)
	case opAccessChain, opInBoundsAccessChain, opCopyObject:
		r.roots[o[1]] = r.root(o[2])
	case opLoad, opAtomicLoad:
		r.loaded[r.root(o[2])] = true
	case opStore, opAtomicStore:
		r.stored[r.root(o[0])] = true
	case opCopyMemory:
		r.stored[r.root(o[0])] = true
		r.loaded[r.root(o[1])] = true
	case opFunctionCall: // which may do anything with its arguments
		for _, argument := range o[3:] {
			r.loaded[r.root(argument)], r.stored[r.root(argument)] = true, true
		}
	}
	if i.op >= opAtomicExchange && i.op <= opAtomicXor {
		r.loaded[r.root(o[2])], r.stored[r.root(o[2])] = true, true
	}
	return err
}

// root returns the variable that a pointer points into.
func (r *reader) root(pointer uint32) uint32 {
	if root, found := r.roots[pointer]; found {
		return root
	}
	return pointer
}

func (r *reader) define(id uint32, i instruction) error {
	if _, again := r.defined[id]; again {
		return fmt.Errorf("id %d is defined twice", id)
	}
	r.defined[id] = i
	return nil
}

// text returns the string that begins an instruction's words and ends at a zero.
func text(words []uint32) (string, error) {
	raw := make([]byte, 0, 4*len(words))
	for _, word := range words {
		raw = binary.LittleEndian.AppendUint32(raw, word)
	}
	end := bytes.IndexByte(raw, 0)
	if end < 0 {
		return "", errors.New("its string does not end")
	}
	return string(raw[:end]), nil
}

// module puts together what was collected.
func (r *reader) module() (m Module, err error) {
	if len(r.entryPoints) != 1 || r.entryPoints[0].operands[0] != computeModel {
		return m, errors.New("want exactly one entry point, of a compute shader")
	}
	if m.EntryPoint, err = text(r.entryPoints[0].operands[2:]); err != nil {
		return m, fmt.Errorf("entry point: %w", err)
	}
	if m.LocalSize, err = r.localSize(); err != nil {
		return m, err
	}
	if m.Constants, err = r.constants(); err != nil {
		return m, err
	}
	pushed := false
	for _, v := range r.variables {
		pointer, id, class := v.operands[0], v.operands[1], v.operands[2]
		switch class {
		case storageBufferClass, uniformClass:
			buffer, err := r.buffer(id, pointer, class == uniformClass)
			if err != nil {
				return m, err
			}
			m.Buffers = append(m.Buffers, buffer)
		case pushConstantClass:
			if pushed {
				return m, errors.New("there are several blocks of push constants")
			}
			pushed = true
			if m.Push, err = r.members(pointer); err != nil {
				return m, fmt.Errorf("push constants: %w", err)
			}
		case inputClass, workgroupClass, privateClass, functionClass: // nothing to provide
		default:
			return m, fmt.Errorf("variable %q is in storage class %d: want storage buffers, texel buffers and push constants only", r.names[id], class)
		}
	}
	slices.SortStableFunc(m.Buffers, func(a, b Buffer) int {
		return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Binding, b.Binding))
	})
	return m, nil
}

// localSize returns the size of a workgroup: that of the built-in constant,
// which counts where there is one, or of the execution mode.
func (r *reader) localSize() (size [3]Extent, err error) {
	if r.workgroup != 0 {
		composite := r.defined[r.workgroup]
		if (composite.op != opConstantComposite && composite.op != opSpecConstantComposite) || len(composite.operands) != 5 {
			return size, errors.New("the workgroup's size is no constant of three numbers")
		}
		for axis, id := range composite.operands[2:] {
			number := r.defined[id]
			if number.op != opConstant && number.op != opSpecConstant {
				return size, fmt.Errorf("side %d of the workgroup is no plain constant", axis)
			}
			size[axis] = Extent{Size: number.operands[2], Constant: -1}
			if constant, found := r.specID(id); found {
				size[axis].Constant = int(constant)
			}
		}
		return size, nil
	}
	for _, mode := range r.modes {
		if mode.operands[1] == localSizeMode && len(mode.operands) == 5 {
			for axis, side := range mode.operands[2:] {
				size[axis] = Extent{Size: side, Constant: -1}
			}
			return size, nil
		}
	}
	return size, errors.New("the workgroup has no size")
}

// specID returns the number by which the host sets a specialisation constant,
// given the id of anything.
func (r *reader) specID(id uint32) (number uint32, found bool) {
	if !slices.Contains([]uint32{opSpecConstant, opSpecConstantTrue, opSpecConstantFalse}, r.defined[id].op) {
		return 0, false
	}
	number, found = r.decorations[part{id, specIDDecoration}]
	return number, found
}

// constants returns the specialisation constants by id. glslc makes two of one
// that is also the side of a workgroup, of which one has the name.
func (r *reader) constants() ([]Constant, error) {
	named := map[uint32]Constant{}
	for _, id := range r.specConstants {
		number, found := r.specID(id)
		if !found {
			continue // a constant that cannot be set
		}
		c := Constant{ID: number, Name: r.names[id], Type: r.scalar(r.defined[id].operands[0])}
		before, again := named[number]
		switch {
		case again && before.Type != c.Type, again && before.Name != "" && c.Name != "":
			return nil, fmt.Errorf("two specialisation constants have the id %d: %q and %q", number, before.Name, c.Name)
		case c.Name == "":
			c.Name = before.Name
		}
		named[number] = c
	}
	if r.workgroup != 0 {
		for axis, id := range r.defined[r.workgroup].operands[2:] { // three, by localSize
			if number, found := r.specID(id); found && named[number].Name == "" {
				c := named[number]
				c.Name = "local_size_" + "xyz"[axis:axis+1]
				named[number] = c
			}
		}
	}
	var constants []Constant
	for _, c := range named {
		constants = append(constants, c)
	}
	slices.SortFunc(constants, func(a, b Constant) int { return cmp.Compare(a.ID, b.ID) })
	return constants, nil
}

// buffer returns the buffer of a variable, given the type of a pointer to its
// block or, for texels, to its image.
func (r *reader) buffer(variable, pointer uint32, texels bool) (Buffer, error) {
	named := variable
	b := Buffer{Texels: texels, Readable: true, Loaded: r.loaded[variable], Stored: r.stored[variable]}
	if texels {
		if err := r.checkTexels(pointer); err != nil {
			return Buffer{}, fmt.Errorf("%q: %w", r.names[variable], err)
		}
	} else {
		block, members, err := r.block(pointer)
		if err != nil {
			return Buffer{}, fmt.Errorf("storage buffer %q: %w", r.names[variable], err)
		}
		named = block
		has := func(decoration uint32) bool {
			_, whole := r.decorations[part{variable, decoration}]
			return whole || r.limited[part{block, decoration}] == len(members)
		}
		b.Readable, b.Writable = !has(nonReadableDecoration), !has(nonWritableDecoration)
	}
	set, hasSet := r.decorations[part{variable, setDecoration}]
	at, hasBinding := r.decorations[part{variable, bindingDecoration}]
	if !hasSet || !hasBinding {
		return Buffer{}, fmt.Errorf("buffer %q has no set or no binding", r.names[named])
	}
	b.Set, b.Binding, b.Name = set, at, r.names[named]
	return b, nil
}

// checkTexels says whether a type of pointer points to a texel buffer of floats.
func (r *reader) checkTexels(pointer uint32) error {
	p := r.defined[pointer]
	if p.op == opTypePointer {
		image := r.defined[p.operands[2]]
		if image.op == opTypeImage && r.scalar(image.operands[1]) == Float &&
			image.operands[2] == bufferDimension && image.operands[6] == sampledImage {
			return nil
		}
	}
	return errors.New("it is no texel buffer of floats, and no other image or sampler is known here")
}

// members returns the members of the block that a type of pointer points to.
func (r *reader) members(pointer uint32) ([]Member, error) {
	id, types, err := r.block(pointer)
	if err != nil {
		return nil, err
	}
	members := make([]Member, len(types))
	for i, t := range types {
		at := part{id, uint32(i)}
		place, found := r.offsets[at]
		if !found {
			return nil, fmt.Errorf("member %d has no offset", i)
		}
		members[i] = Member{Name: r.memberNames[at], Offset: place, Type: r.scalar(t)}
	}
	return members, nil
}

// block returns the id of the struct that a type of pointer points to, and the
// types of its members.
func (r *reader) block(pointer uint32) (id uint32, members []uint32, err error) {
	p := r.defined[pointer]
	if p.op != opTypePointer {
		return 0, nil, errors.New("its type is no pointer")
	}
	id = p.operands[2]
	s := r.defined[id]
	if s.op != opTypeStruct {
		return 0, nil, errors.New("it is no single block")
	}
	return id, s.operands[1:], nil
}

// scalar returns the type of an id.
func (r *reader) scalar(id uint32) Type {
	t := r.defined[id]
	switch {
	case t.op == opTypeBool:
		return Bool
	case t.op == opTypeInt && t.operands[1] == 32 && t.operands[2] == 0:
		return Uint
	case t.op == opTypeInt && t.operands[1] == 32 && t.operands[2] == 1:
		return Int
	case t.op == opTypeFloat && t.operands[1] == 32:
		return Float
	}
	return Other
}
