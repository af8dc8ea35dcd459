package network

import "fmt"

// Words names an operator with its settings, as in "conv2d 3x3 stride 2". Widths are left
// out: the shape of its output has them.
func Words(op Op) string {
	words := string(op.Kind())
	switch o := op.(type) {
	case *Activate:
		words = string(o.Function)
	case *Conv2D:
		words += o.words(1)
		if o.Depthwise {
			words += " depthwise"
		} else if o.Groups > 1 {
			words += fmt.Sprintf(" groups %d", o.Groups)
		}
	case *Dropout:
		words += fmt.Sprintf(" %g", o.Probability)
	case *MaxPool:
		words += o.words(o.Kernel[0])
	case *AveragePool:
		if o.Global {
			return words + " global"
		}
		words += o.words(o.Kernel[0])
	}
	return words
}

// words names what is not usual of a window.
func (w Window) words(usualStride int) string {
	pair := func(name string, of [2]int) string {
		if of[0] == of[1] {
			return fmt.Sprintf(" %s %d", name, of[0])
		}
		return fmt.Sprintf(" %s %dx%d", name, of[0], of[1])
	}
	words := fmt.Sprintf(" %dx%d", w.Kernel[0], w.Kernel[1])
	if w.Stride != [2]int{usualStride, usualStride} {
		words += pair("stride", w.Stride)
	}
	if w.Padding != [2]int{} {
		words += pair("padding", w.Padding)
	}
	return words
}
