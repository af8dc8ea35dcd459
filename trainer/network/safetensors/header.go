package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// namedHeader is a tensorHeader that was read and found to be consistent, with
// its name.
type namedHeader struct {
	name string
	tensorHeader
}

// decodeHeader reads the JSON object of a safetensors file. It goes token by
// token, because json.Unmarshal into structs lets repeated names, null and names
// in another case pass.
func decodeHeader(header []byte) (metadata map[string]string, tensors []namedHeader, err error) {
	// With the syntax known to be right, only the kind of a token is in question.
	if err := json.Unmarshal(header, new(json.RawMessage)); err != nil {
		return nil, nil, fmt.Errorf("it is no JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(header))
	d.UseNumber()
	err = eachMember(d, func(name string) error {
		var err error
		if name == metadataName {
			metadata, err = decodeStrings(d)
		} else {
			var tensor tensorHeader
			tensor, err = decodeTensor(d)
			tensors = append(tensors, namedHeader{name, tensor})
		}
		if err != nil {
			return fmt.Errorf("%.40q: %w", name, err)
		}
		return nil
	})
	return metadata, tensors, err
}

func decodeStrings(d *json.Decoder) (map[string]string, error) {
	metadata := map[string]string{}
	err := eachMember(d, func(key string) (err error) {
		metadata[key], err = decodeString(d)
		return err
	})
	return metadata, err
}

// decodeTensor reads what the header says of a tensor and checks that type,
// shape and offsets are there and fit together.
func decodeTensor(d *json.Decoder) (tensorHeader, error) {
	var t tensorHeader
	err := eachMember(d, func(key string) (err error) {
		switch key {
		case "dtype":
			var text string
			text, err = decodeString(d)
			t.Type = Type(text)
		case "shape":
			t.Shape, err = decodeIntegers(d)
		case "data_offsets":
			t.Offsets, err = decodeIntegers(d)
		default:
			err = fmt.Errorf("unknown field %.40q", key)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	size, known := sizes[t.Type]
	if !known {
		return t, fmt.Errorf("its numbers have type %.40q, which is none of the format; convert them to %q", t.Type, F32)
	}
	if t.Shape == nil || len(t.Offsets) != 2 || t.Offsets[0] > t.Offsets[1] {
		return t, errors.New("want a shape and two data_offsets, begin and end")
	}
	needed, err := byteSize(t.Shape, size)
	if err != nil {
		return t, err
	}
	if got := t.Offsets[1] - t.Offsets[0]; got != needed {
		return t, fmt.Errorf("its shape takes %d bytes, its data_offsets span %d", needed, got)
	}
	return t, nil
}

// eachMember reads an object, calling visit after each name to read the value.
// A name that comes twice is an error.
func eachMember(d *json.Decoder, visit func(name string) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		name, err := decodeString(d)
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("the name %.40q comes twice", name)
		}
		seen[name] = true
		if err := visit(name); err != nil {
			return err
		}
	}
	return expect(d, '}')
}

func decodeString(d *json.Decoder) (string, error) {
	token, err := d.Token()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", errors.New("found another value where a string belongs")
	}
	return text, nil
}

// decodeIntegers reads an array of whole numbers from 0 up, never as nil.
func decodeIntegers(d *json.Decoder) ([]int, error) {
	if err := expect(d, '['); err != nil {
		return nil, err
	}
	integers := []int{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		number, _ := token.(json.Number)
		// One bit less than an int has, for it has a sign.
		integer, err := strconv.ParseUint(number.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, errors.New("found another value where a whole number from 0 up belongs")
		}
		integers = append(integers, int(integer))
	}
	return integers, expect(d, ']')
}

func expect(d *json.Decoder, delimiter json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != delimiter {
		return fmt.Errorf("found another value where %v belongs", delimiter)
	}
	return nil
}
