// Package dataset holds labelled samples in memory and finds, checks, reads
// and draws them.
//
// # Normalisation
//
// Bytes have one mean and one deviation a channel over the training part, computed in
// integers; labels and pixels stay bytes on the device. Those of all bytes together are
// kept beside them: for a grey image they are the same. Floats are standardised by
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
// # Channels
//
// An image has channels, a height and a width, and its features are channel by channel,
// row by row: what a convolution reads, and CIFAR is stored as. A perceptron reads them
// as one row. Arrays of NPZ and IDX with four axes have their channels in the second or
// the last one, whichever has at most 4 entries. Where both or neither has, the order is
// not known, and samples are rows of features. Channels side by side are separated at
// reading, but for networks from before there were channels, which learned them as they
// lay.
//
// # Images in folders
//
// PART/CLASS/FILE or CLASS/FILE, as other programs have it. Paths are indexed before any
// image is decoded, so that an error about a folder comes at once; an archive of tar is
// therefore read twice. Files are read one after the other and decoded on all processors;
// samples are in the order of their paths. An image's size is read from its header and
// held to the budget and to 2^26 pixels before it is decoded. Paths of archives are only
// compared, and links are followed to files within a folder alone. Images are grey if
// the three channels of every pixel are equal, whatever their file says.
//
// Sizes are changed by the cubic filter of Catmull and Rom: it is widened where images
// shrink, so that every pixel counts, as area-averaging does, and is sharper where they
// grow. Its weights are floating point: a platform that fuses multiply and add may give
// a pixel another level. Images that keep their size have the same bytes everywhere.
//
// # Augmentation
//
// Crops and mirror images follow from the seed, the step and the row of a batch by one
// block of Philox ([Augmentation.Move]), with a product instead of a loop: of 2^32 words
// some moves get one more than others, a bias of at most (2 padding + 1) / 2^32.
//
// # Division
//
// Test and validation parts are drawn by class with the seed ([random.Division]): files are
// often in the order of their classes. Where a test part is drawn, or is a file of its own, or
// a folder of images, the training samples are shuffled. Others keep the order of their files.
// Regression has no classes, so its test part is drawn from all samples. Data without
// a test part is evaluated whole, unless it is the run's own, whose drawn part is drawn
// again.
//
// # Reading
//
// Labels of a table are classes by name: in the order of numbers where all are
// numbers (1 and 1.0 are one class), else of bytes. So are labels of arrays, but classes that
// are called 0, 1, 2 and so on have no names. Labels with fractions, or of which most have one
// or two samples, are refused: they are numbers to predict. Columns without a name, or that
// count the rows, are noted: a network would learn the order of a sorted file. One budget bounds
// what is read of a data set, counted unpacked and across its files. Buffers grow
// with the data that has arrived, never with the size that a header claims.
//
// # Columns
//
// A column of a table is of numbers until its first word; then the numbers before it become levels, too.
// What it becomes is decided once all rows of the training file are read ([Column]); a second file and
// data for a network are read by that. A row is held as a number a column, in blocks, and features are
// made of it when all is known: rows are brought into the order of the parts in place, and blocks are
// given back on the way, so that numbers and features are never both there in full. A missing number is
// the mean, so that it is 0 to the network and needs no number of its own in a file. Levels are
// standardised like numbers, but by no deviation below 0.1: a level of one row in a thousand would
// else be a feature of 30. Digits with a point are read without strconv, with the same bits.
//
// Records are divided into fields one after the other. Columns are read side by side, each from its
// first record to its last by one processor, so that what a column becomes does not depend on the
// number of processors.
//
// # Checksums
//
// Downloads are checked by the published checksum, which also covers resumed parts.
// Fashion-MNIST has only MD5 sums of its gzipped files, so these are kept as they
// are. CIFAR has a checksum of its archives only; unpacking writes SHA-256 sums of
// the files beside them, and opening compares them. The authors give MD5 sums; the
// SHA-256 sums here are those that independent programs have for the same archives.
//
// # Drawn digits
//
// Digits are drawn in fixed-point integers: the same bytes on every platform,
// whatever the compiler fuses.
//
// Coloured digits differ from their ground most in one channel, chosen at random, and
// the ground has random colours and smooth changes of brightness. The level of a pixel
// therefore says little, and its difference to its neighbours much: the default
// perceptron gets 89 % of the test samples right and all of the training samples, a
// convolutional network of 24,000 parameters 98 %. With a ground of any colour and digits
// that may also be darker, the perceptron learns nothing in eight epochs (10 %), and so
// compares with nothing.
package dataset
