// A gradient's length is taken in lengths to which it is to be clipped, so its
// squares overflow only where it is 1e19 times as long as that. The squares of
// SMALL times its numbers are added up beside them, for then.

const float SMALL = 5.42101086e-20; // 2^-64
