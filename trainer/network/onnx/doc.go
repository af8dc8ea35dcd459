// Package onnx reads networks from files of ONNX and writes them.
//
// # What is read
//
// Operator sets 7 to 22. The graph has one input, [samples, features] or [samples,
// channels, height, width], and one output, [samples, outputs]. It is made of Gemm, MatMul,
// Conv, BatchNormalization, Relu, Clip to [0, 6], LeakyRelu of slope 0.01, Tanh, Gelu, MaxPool, AveragePool,
// GlobalAveragePool, ReduceMean over images, Add, Sum, Concat of channels, Flatten and
// Dropout. Exporters write these in several forms, which all become the same nodes:
//
//   - Constants may be initializers, also such that are listed as inputs, nodes, and what
//     other operators make of constants. They are folded while the file is read.
//   - Reshape, Squeeze and Unsqueeze may have shapes that the file computes. The number of
//     samples stays free: a whole number of the file may be a multiple of it. A file with a
//     fixed number of samples gets a free one.
//   - A constant added to a dense layer or a convolution without biases is its bias. Pad is
//     part of the convolution or average pool after it. Padding of unlike sides, ceil_mode
//     and auto_pad are read where padding on both sides has the same results.
//   - GELU may be written out with Erf.
//   - Arithmetic with constants at the input, such as a standardisation, is kept apart
//     from the network ([Model.Before]). So are Softmax, LogSoftmax and arithmetic at the
//     output ([Model.After]). [Model.Write] writes them back.
//
// Weights may be sparse initializers, see [Model.Sparse]: with places of numbers or of
// dimensions, that rise.
//
// Everything else is refused. The error names the first node that cannot be read, and says
// what it would have to be.
//
// Numbers of other types are rounded to float32, in which networks compute here. The
// epsilon and the momentum of a batch norm are float32 in a file and float64 here: they
// become the shortest decimal that rounds to the file's number, such as 1e-5.
//
// # What is written
//
// IR version 8, operator set 17. Parameters, the input and the output have the kinds of number
// that they have in the file that was read, else float32. Nodes compute in the kind of the
// input; a Cast stands behind a parameter of another kind. The writing of one network has
// one form, whatever file it was read from: a dense layer is a Gemm with weights of
// [out, in], a flatten a Flatten. So a file that is read, written and read again gives the same graph and the same
// bits of parameters. Nodes, tensors and initializers keep their names.
//
// # Memory
//
// A file makes the reader allocate at most 256 bytes for each of its bytes and of those of
// its external data, and 64 MiB besides, which graphs with few parameters take. External
// data must lie in the folder of the file.
package onnx
