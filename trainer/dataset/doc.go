// Package dataset holds labelled samples in memory and finds, checks, reads
// and draws them.
//
// # Normalisation
//
// Bytes have one mean and one deviation over the training part, computed in
// integers; labels and pixels stay bytes on the device. Floats are standardised by
// feature, in float64, when a data set is opened and after the validation part is
// held out. Engines therefore see Mean 0 and Deviation 1. Means and deviations are
// in a model file's metadata: as tensors they would be float32, and load_state_dict
// of PyTorch would refuse the file. Evaluation applies those of the file.
//
// Targets of regression are standardised in the same way, so that losses,
// contributions, worths and prices have the same scale whatever the units. A constant
// target is refused. Networks are evaluated by R2 = 1 - sum (z-t)^2 / sum (t - mean t)^2
// over all targets in standardised units, so that no unit outweighs another, and by
// the root mean squared error of each target in its own unit. The host computes the
// latter from predictions, so backends know one loss and no units.
//
// # Division
//
// A test part is drawn by class with the seed ([random.Division]), and the rest is
// shuffled: tables are often in the order of their classes, and the validation part
// is the end of the training samples. With a file of test samples, the training
// samples are shuffled alike. NPZ with a test part keeps its order, as IDX does.
// Regression has no classes, so its test part is drawn from all samples. Data without
// a test part is evaluated whole, unless it is the run's own, whose drawn part is drawn
// again.
//
// # Reading
//
// Labels of a table are classes by name: in the order of numbers where all are
// numbers (1 and 1.0 are one class), else of bytes. A column without a name is
// refused: it is mostly a row number, and a network would learn it. One budget bounds
// what is read of a data set, counted unpacked and across its files. Buffers grow
// with the data that has arrived, never with the size that a header claims.
//
// # Checksums
//
// Downloads are checked by the published checksum, which also covers resumed parts.
// Fashion-MNIST has only MD5 sums of its gzipped files, so these are kept as they
// are. CIFAR-10 has a checksum of its archive only; unpacking writes SHA-256 sums of
// the six files beside them, and opening compares them.
//
// # Drawn digits
//
// Digits are drawn in fixed-point integers: the same bytes on every platform,
// whatever the compiler fuses.
package dataset
