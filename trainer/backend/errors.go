package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The kinds of failure that a caller decides on; see [ExitCode].
var (
	// ErrUsage: the configuration asks for something that makes no sense.
	ErrUsage = errors.New("usage")
	// ErrInterrupted: the work was stopped from outside.
	ErrInterrupted = errors.New("interrupted")
	// ErrParity: two computations of the same thing disagree by more than rounding
	// explains.
	ErrParity = errors.New("parity broken")
	// ErrDeviceLost: the device stopped answering.
	ErrDeviceLost = errors.New("device lost")
	// ErrOutOfMemory: the device or the host has too little memory.
	ErrOutOfMemory = errors.New("out of memory")
)

// Usagef returns an error of the kind [ErrUsage].
func Usagef(format string, values ...any) error {
	return usageError{fmt.Sprintf(format, values...)}
}

type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func (e usageError) Is(target error) bool { return target == ErrUsage }

// PlainJSON returns an error of decoding what a run wrote. Where a value is of another
// kind than wanted it says of which, and in which field, without the names of Go's types.
func PlainJSON(err error) error {
	kind := new(json.UnmarshalTypeError)
	if !errors.As(err, &kind) {
		return err
	}
	isType := func(part string) bool { return part == "" || unicode.IsUpper(rune(part[0])) } // one that is embedded, and no key
	field := strings.Join(slices.DeleteFunc(strings.Split(kind.Field, "."), isType), ".")
	if field == "" {
		return fmt.Errorf("a JSON %s stands where a run writes something else", kind.Value)
	}
	return fmt.Errorf("the field %q is a JSON %s, and a run writes something else", field, kind.Value)
}
