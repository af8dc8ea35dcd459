package network

import (
	"fmt"
	"slices"
	"strings"
)

// Shape is the shape of one sample, without the batch: {784}, {3, 32, 32}.
type Shape []int

// Size returns how many numbers a sample has.
func (s Shape) Size() int {
	size := 1
	for _, n := range s {
		size *= n
	}
	return size
}

// Equal reports whether two shapes are the same.
func (s Shape) Equal(other Shape) bool { return slices.Equal(s, other) }

// String writes a shape as 3x32x32.
func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, n := range s {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, "x")
}
