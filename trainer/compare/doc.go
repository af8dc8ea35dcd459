// Package compare sets the market beside other ways to a small network, under
// equal terms: the same data, epochs, optimiser, removal and tail; the same number of
// settings searched for each on held-out samples; the same seeds on the test part.
//
// # Shapes
//
// A size is a number of players. At each size every method is asked for seven shapes:
// that which it finds for so many players; the equal one, in proportion to the layers'
// widths; those which it finds for as many parameters as the equal one has, and to take no
// longer by one model of latencies; and, for the three that methods find, that of the best
// method. The last three separate selection from shape: all methods have the same layers
// there. At each shape its layers alone are trained from scratch, where methods find it those
// that the market came to. The best method is the one with the highest mean on the test part,
// over the seeds that all methods have, and its shape is that of the first seed.
//
// # Terms
//
// Every method searches as many settings at each size and shape, with one seed, on a tenth
// of the training part. The search never evaluates the test part.
//
// Methods within a point of the best of their size and shape are trained with more seeds,
// and so is the market there. Differences to it are paired by seed, since runs of a seed
// share initial weights and the order of samples. The intervals of a size and shape hold
// together with 95 % (Bonferroni), see [PairedDifference]. They do not hold together for
// several tables. More seeds are chosen by the first ones, so the means of close methods
// are of more runs but not better known to be best. Seeds are the only randomness in the
// intervals; a test part drawn anew would add more.
//
// # Nulls
//
// Two markets are false on purpose: in one chance decides, in the other who is worth least
// stays. They have entries as any method, and no winner is chosen among them. Entries of
// markets hold the verdicts of each run's certificate, so the false markets beside the true
// one show its power.
//
// # Going on
//
// Every run is a cell of package sweep. What is to be run follows from the options and the runs
// before, so a stopped comparison goes on with the same bits.
package compare
