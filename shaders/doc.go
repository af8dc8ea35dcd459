// Package shaders holds the compute kernels of the Vulkan backend: GLSL, the
// SPIR-V that was compiled from it, and in Go the layout that callers rely on.
//
// Sources are the files *.comp and what they include, *.glsl. After a change
// run go generate ./shaders, which needs glslc and spirv-val, and commit what
// it writes; to build and to run the program neither is needed.
//
// # Layout
//
// In GLSL, buffer i of a kernel is a block of its own at set 0, binding i, and
// its mark when it begins (mark.glsl) is at [MarkBinding]. Its
// specialisation constants have the ids 0, 1, ... without a gap. The block of
// push constants has the fields of the Go struct in their order, their names
// with a small first letter. Layouts are declared once in Go (kernels.go), and a test
// that reads the SPIR-V compares blocks, bindings, names and types of constants. A
// kernel whose bytes do not have the recorded checksum is refused before a driver
// sees it.
//
// The parameters of a layer are one matrix [in+1, out], inputs by outputs, with the
// biases as its last row; moments and gradients have its shape. The inputs of a convolution
// are ordered by place of the kernel, then by channel. Images are a row a sample, {channels,
// height, width} row-major. Kernels that find numbers of images by address read them as
// texels of one float each. The players of a layer
// are a matrix with a column a player, and rows for s, for the last batch's means, for
// |theta|^2 and competition, and for the moments of slopes. All widths are padded to four with
// zeros, which every kernel keeps zero.
//
// # Arithmetic
//
// Every output of forward, backward and convolve is one sum in the order of the weights. It
// does not depend on the batch, nor on how many samples an invocation takes. Sums
// over samples are taken in blocks of fixed size. There are no float atomics and no
// subgroup operations, so the same seed, device and kernels give the same bits.
//
// Activation, optimiser and loss are specialisation constants. GLSL has no erf, and a
// driver's tanh may overflow: activation.glsl has polynomials and states their bounds.
//
// # Marks
//
// The first invocation of a kernel writes a number to memory of the host when the
// kernel begins. After a lost submission the host reads the last number and names the
// kernel in flight; see package gpu/internal/compute.
//
// # Storage buffers
//
// Vulkan promises four to a kernel. The backend asks a device for eight ([StorageBuffers]), which a
// kernel has at most, with its mark. Sparse has ten and runs on devices that are processors only.
package shaders
