package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"nashprune/trainer/float16"
)

// The NPY format (numpy.lib.format): a magic string, a version, the length of a
// header, the header as a Python dictionary, then the elements.
const (
	npyMagic       = "\x93NUMPY"
	maxNPYHeader   = 64 << 10 // what version 1.0 can hold; that of an array takes 128 bytes
	maxNPYElements = 1 << 40  // keeps products of sizes within an int
)

// npyHeader says how the elements of an NPY file are stored.
type npyHeader struct {
	kind    byte // i, u, f, b, U or S, as in NumPy
	size    int  // of an element in bytes
	order   binary.ByteOrder
	fortran bool  // the first dimension runs fastest
	shape   []int // at least one dimension, each at least 1
}

// ndarray is what an NPY file holds, the last dimension running fastest.
type ndarray struct {
	npyHeader
	bytes  []uint8   // of unsigned bytes
	words  []string  // of strings
	floats []float64 // of all other types
}

// decodeNPY reads an NPY file of version 1.0 or 2.0 with integers, floats of 2, 4 or 8 bytes,
// truth values or strings. It makes room for at most about twice what it has read, widened to
// float64, whatever size the header claims.
func decodeNPY(r io.Reader, limit *budget) (ndarray, error) {
	r = limit.reader(r)
	h, err := readNPYHeader(r)
	if err != nil {
		return ndarray{}, err
	}
	total := uint64(h.size)
	for _, size := range h.shape {
		if total, err = limit.declared(total, uint64(size)); err != nil {
			return ndarray{}, err
		}
	}
	a := ndarray{npyHeader: h}
	switch {
	case h.kind == 'u' && h.size == 1:
		a.bytes, err = readGrowing(r, int(total))
	case h.isText():
		a.words, err = readWords(r, h, int(total))
	default:
		a.floats, err = readFloats(r, h, int(total))
	}
	if err != nil {
		return ndarray{}, readError(err, fmt.Sprintf("%d bytes of data", total))
	}
	// Reading to the end also makes zip compare its checksum.
	switch _, err := io.ReadFull(r, make([]byte, 1)); {
	case err == nil:
		return ndarray{}, fmt.Errorf("%w: bytes follow the %d that its header declares", ErrInvalid, total)
	case err != io.EOF:
		return ndarray{}, readError(err, "end")
	}
	if h.fortran {
		a.bytes, a.words, a.floats = lastFastest(a.bytes, h.shape), lastFastest(a.words, h.shape), lastFastest(a.floats, h.shape)
	}
	return a, nil
}

// readNPYHeader reads up to the first element.
func readNPYHeader(r io.Reader) (npyHeader, error) {
	prefix := make([]byte, len(npyMagic)+2)
	if _, err := io.ReadFull(r, prefix); err != nil {
		return npyHeader{}, readError(err, "header")
	}
	if string(prefix[:len(npyMagic)]) != npyMagic {
		return npyHeader{}, fmt.Errorf("%w: not an NPY file: it begins with % x", ErrInvalid, prefix)
	}
	major, minor := prefix[len(npyMagic)], prefix[len(npyMagic)+1]
	var length [4]byte
	digits := length[:2]
	switch {
	case minor != 0 || major < 1 || major > 2:
		return npyHeader{}, fmt.Errorf("%w: NPY version %d.%d; 1.0 and 2.0 are read", ErrInvalid, major, minor)
	case major == 2:
		digits = length[:]
	}
	if _, err := io.ReadFull(r, digits); err != nil {
		return npyHeader{}, readError(err, "header")
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxNPYHeader {
		return npyHeader{}, fmt.Errorf("%w: an NPY header of %d bytes; at most %d are read", ErrInvalid, n, maxNPYHeader)
	}
	text, err := readGrowing(r, int(n))
	if err != nil {
		return npyHeader{}, readError(err, "header")
	}
	h, err := parseNPYHeader(string(text))
	if err != nil {
		return npyHeader{}, fmt.Errorf("%w: NPY header: %w", ErrInvalid, err)
	}
	return h, nil
}

// parseNPYHeader reads a dictionary such as
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }
func parseNPYHeader(text string) (npyHeader, error) {
	p := literal{rest: text}
	h := npyHeader{}
	seen := map[string]bool{}
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		key := p.quoted()
		p.expect(":")
		switch {
		case p.err != nil:
		case seen[key]:
			p.fail("%q comes twice", key)
		case key == "descr":
			h.setType(&p)
		case key == "fortran_order":
			if h.fortran = p.accept("True"); !h.fortran {
				p.expect("False")
			}
		case key == "shape":
			h.shape = p.sizes()
		default:
			p.fail("unknown key %.20q", key)
		}
		seen[key] = true
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	switch {
	case p.err != nil:
		return h, p.err
	case strings.TrimSpace(p.rest) != "":
		return h, fmt.Errorf("%.20q follows the dictionary", p.rest)
	case len(seen) != 3:
		return h, errors.New("want the keys descr, fortran_order and shape")
	}
	return h, nil
}

// setType reads the type of the elements, such as '<f4'.
func (h *npyHeader) setType(p *literal) {
	name := p.quoted()
	if p.err != nil {
		return
	}
	h.order = binary.LittleEndian
	switch name[:min(len(name), 1)] {
	case ">":
		h.order = binary.BigEndian
		fallthrough
	case "<", "|":
		switch kind := name[1:]; kind {
		case "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8":
			h.kind, h.size = kind[0], int(kind[1]-'0')
			return
		}
		unit := map[byte]int{'U': 4, 'S': 1}[name[min(1, len(name)-1)]]
		if n, err := strconv.Atoi(name[min(2, len(name)):]); err == nil && unit > 0 && n > 0 && n <= maxLabelLength {
			h.kind, h.size = name[1], unit*n
			return
		}
	}
	p.fail("elements of type %.20q; numbers, truth values and strings of up to %d characters are read: convert them with astype", name, maxLabelLength)
}

// isText reports whether the elements are strings.
func (h npyHeader) isText() bool { return h.kind == 'U' || h.kind == 'S' }

// readWords reads strings, total bytes of them. Equal ones share their memory.
func readWords(r io.Reader, h npyHeader, total int) ([]string, error) {
	words := make([]string, 0, min(total, firstRead)/h.size)
	known := map[string]string{}
	element := make([]byte, h.size)
	for range total / h.size {
		if _, err := io.ReadFull(r, element); err != nil {
			return words, err
		}
		text := string(element)
		if h.kind == 'U' {
			var runes []rune
			for i := 0; i < h.size; i += 4 {
				runes = append(runes, rune(h.order.Uint32(element[i:])))
			}
			text = string(runes)
		}
		text = strings.TrimRight(text, "\x00")
		if _, ok := known[text]; !ok && len(known) <= maxClasses {
			known[text] = text
		}
		if same, ok := known[text]; ok {
			text = same
		}
		words = append(words, text)
	}
	return words, nil
}

// literal reads a Python literal from the left. After its first error the rest
// does nothing.
type literal struct {
	rest string
	err  error
}

func (p *literal) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// accept reads a token if it is next.
func (p *literal) accept(token string) bool {
	rest, found := strings.CutPrefix(strings.TrimLeft(p.rest, " \n\t"), token)
	if found && p.err == nil {
		p.rest = rest
	}
	return found && p.err == nil
}

func (p *literal) expect(token string) {
	if !p.accept(token) {
		p.fail("want %q before %.20q", token, p.rest)
	}
}

// quoted reads a string without escapes.
func (p *literal) quoted() string {
	for _, quote := range []string{"'", `"`} {
		if p.accept(quote) {
			text, rest, found := strings.Cut(p.rest, quote)
			if !found || strings.Contains(text, `\`) {
				break
			}
			p.rest = rest
			return text
		}
	}
	p.fail("want a string before %.20q", p.rest)
	return ""
}

// sizes reads a tuple of whole numbers from 1 up.
func (p *literal) sizes() []int {
	var sizes []int
	p.expect("(")
	for p.err == nil && !p.accept(")") {
		p.rest = strings.TrimLeft(p.rest, " \n\t")
		digits := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, "0123456789"))]
		n, err := strconv.ParseUint(digits, 10, 64)
		switch {
		case err != nil:
			p.fail("a shape with %.20q in it", p.rest)
		case n == 0:
			p.fail("a shape with a dimension of 0: it holds nothing")
		case n > maxNPYElements:
			p.fail("a shape with a dimension of %d, more than anyone has", n)
		}
		p.rest = p.rest[len(digits):]
		sizes = append(sizes, int(n))
		if !p.accept(",") {
			p.expect(")")
			break
		}
	}
	if len(sizes) == 0 {
		p.fail("an array without dimensions")
	}
	return sizes
}

// readFloats reads elements of any type but unsigned bytes, total bytes of them,
// into room that grows as they arrive.
func readFloats(r io.Reader, h npyHeader, total int) ([]float64, error) {
	element := h.element()
	floats := make([]float64, 0, min(total, firstRead)/h.size)
	buffer := make([]byte, min(total, firstRead)) // a multiple of every size
	for left := total; left > 0; {
		part := buffer[:min(left, len(buffer))]
		if _, err := io.ReadFull(r, part); err != nil {
			return floats, err
		}
		for i := 0; i < len(part); i += h.size {
			floats = append(floats, element(part[i:i+h.size]))
		}
		left -= len(part)
	}
	return floats, nil
}

// element returns the function that reads one element.
func (h npyHeader) element() func([]byte) float64 {
	order := h.order
	switch string(h.kind) + strconv.Itoa(h.size) {
	case "i1":
		return func(b []byte) float64 { return float64(int8(b[0])) }
	case "i2":
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) }
	case "u2":
		return func(b []byte) float64 { return float64(order.Uint16(b)) }
	case "i4":
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) }
	case "u4":
		return func(b []byte) float64 { return float64(order.Uint32(b)) }
	case "i8":
		return func(b []byte) float64 { return float64(int64(order.Uint64(b))) }
	case "u8":
		return func(b []byte) float64 { return float64(order.Uint64(b)) }
	case "f2":
		return func(b []byte) float64 { return float64(float16.Value(order.Uint16(b))) }
	case "f4":
		return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
	case "f8":
		return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
	default: // b1
		return func(b []byte) float64 { return float64(b[0]) }
	}
}

// lastFastest returns an array whose first dimension runs fastest with its last
// one doing so.
func lastFastest[T any](data []T, shape []int) []T {
	if data == nil {
		return nil
	}
	ordered := make([]T, len(data))
	index := make([]int, len(shape))
	for i := range ordered {
		from, stride := 0, 1
		for dimension, place := range index {
			from += place * stride
			stride *= shape[dimension]
		}
		ordered[i] = data[from]
		for dimension := len(shape) - 1; dimension >= 0; dimension-- {
			if index[dimension]++; index[dimension] < shape[dimension] {
				break
			}
			index[dimension] = 0
		}
	}
	return ordered
}
