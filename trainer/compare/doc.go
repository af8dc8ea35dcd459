// Package compare sets the market beside other ways to a small network, under
// equal terms: the same data, epochs, optimiser, removal and tail; the same number of
// settings searched for each on held-out samples; the same seeds on the test part.
//
// # Terms
//
// Every method searches as many settings, with one seed and the middle number of
// players, on a tenth of the training part. The search never evaluates the test part.
// Differences are paired by seed, since runs of a seed share initial weights and the
// order of samples. With three seeds t is 4.3, so intervals are wide, and the report
// says where they include zero. Seeds are the only randomness in the intervals; a test
// part drawn anew would add more. There is no correction for many comparisons.
package compare
