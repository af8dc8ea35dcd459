package settings

import (
	"bytes"
	"fmt"
)

// maxNesting bounds the characters by which TOML nests values, dots among them,
// in the text of a configuration, which nests none. The parser takes time and
// memory by the square of the depth: ten kilobytes of a.a.a would take a gigabyte.
const maxNesting = 256

// CheckText says whether the text of a configuration nests values. It is to
// come before the text is parsed as TOML. Lines of comments do not count.
func CheckText(text []byte) error {
	nesting := 0
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#")) {
			continue // or the text of a string
		}
		for _, b := range line {
			if b == '.' || b == '[' || b == '{' {
				nesting++
			}
		}
	}
	if nesting > maxNesting {
		return fmt.Errorf("it has %d dots and brackets outside comments, and at most %d are read: a configuration is lines such as epochs = 3", nesting, maxNesting)
	}
	return nil
}
