package network

import "fmt"

// Window is what slides over the height and the width of {channels, height, width}.
type Window struct {
	Kernel  [2]int `json:"kernel"`           // height and width, at least 1
	Stride  [2]int `json:"stride"`           // at least 1
	Padding [2]int `json:"padding,omitzero"` // on each side, below the kernel's
}

// Square returns a window as high as it is wide.
func Square(kernel, stride, padding int) Window {
	return Window{[2]int{kernel, kernel}, [2]int{stride, stride}, [2]int{padding, padding}}
}

// slide returns the shape that a window makes of one input of {channels, height, width}:
// floor((n + 2 padding - kernel) / stride) + 1 positions of each dimension.
func (w Window) slide(operator string, in []Shape) (Shape, error) {
	if len(in) != 1 || len(in[0]) != 3 {
		return nil, fmt.Errorf("%s takes one input of channels, height and width, it has %v", operator, in)
	}
	out := Shape{in[0][0], 0, 0}
	for d, n := range in[0][1:] {
		kernel, stride, padding := w.Kernel[d], w.Stride[d], w.Padding[d]
		// Within the size of any image no sum overflows.
		if kernel < 1 || stride < 1 || padding < 0 || padding >= kernel || kernel > maxSize || stride > maxSize {
			return nil, fmt.Errorf("kernel %d, stride %d, padding %d; kernel and stride must be 1 or more, padding from 0 and below the kernel", kernel, stride, padding)
		}
		if n+2*padding < kernel {
			return nil, fmt.Errorf("a kernel of %dx%d leaves nothing of an input of %s with padding %dx%d; it must fit in", w.Kernel[0], w.Kernel[1], in[0], w.Padding[0], w.Padding[1])
		}
		out[d+1] = (n+2*padding-kernel)/stride + 1
	}
	return out, nil
}

// Inside returns the positions from low up to high along dimension d, 0 of heights or 1 of
// widths, at which place p of the kernel lies on one of n inputs.
func (w Window) Inside(d, p, n, positions int) (low, high int) {
	stride, offset := w.Stride[d], p-w.Padding[d]
	if offset < 0 {
		low = (-offset + stride - 1) / stride
	}
	if offset >= n {
		return low, low
	}
	return low, max(low, min(positions, (n-1-offset)/stride+1))
}
