package network

import (
	"fmt"
	"strconv"
	"strings"
)

// The limits of a model. A layer of one neuron cannot be pruned without cutting
// the network in two, and past the upper limits the widths are a slip of the
// finger: one layer of 65536 on another has 2^32 weights.
const (
	minWidth  = 2
	maxWidth  = 65536
	maxHidden = 64 // hidden layers
)

// family is what a model begins with: a multilayer perceptron.
const family = "mlp:"

// Parse returns the widths of the hidden layers, from the inputs up, of a model
// such as "mlp:512-256": 1 to 64 layers of 2 to 65536 neurons. How many
// parameters that makes depends on the data set and is not looked at.
func Parse(model string) (hidden []int, err error) {
	list, found := strings.CutPrefix(model, family)
	if !found {
		return nil, fmt.Errorf("model %.40q: want %q and the widths of the hidden layers, such as \"mlp:512-256\"", model, family)
	}
	if layers := strings.Count(list, "-") + 1; layers > maxHidden {
		return nil, fmt.Errorf("model %.40q: it has %d hidden layers, more than %d", model, layers, maxHidden)
	}
	for l, text := range strings.Split(list, "-") {
		// ParseUint takes neither signs nor spaces, and reports what overflows.
		width, err := strconv.ParseUint(text, 10, 32)
		if err != nil || width < minWidth || width > maxWidth {
			return nil, fmt.Errorf("model %.40q: hidden layer %d has width %.20q, want a whole number from %d to %d",
				model, l, text, minWidth, maxWidth)
		}
		hidden = append(hidden, int(width))
	}
	return hidden, nil
}

// Format is the inverse of [Parse]: it writes the widths of hidden layers as a
// model. It also writes widths that pruning left and that Parse takes for a
// mistake, such as "mlp:1-0".
func Format(hidden []int) string {
	widths := make([]string, len(hidden))
	for l, width := range hidden {
		widths[l] = strconv.Itoa(width)
	}
	return family + strings.Join(widths, "-")
}
