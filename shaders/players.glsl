// The rows of a layer's matrix of players: one number a player and row.

const uint PARTICIPATION = 0;  // s
const uint MEAN = 1;           // moving average of mean c, where c is the
const uint SQUARE = 2;         // and of mean c^2    derivative of a sample's loss
const uint BATCH_MEAN = 3;     // mean c of the last batch      with respect to s
const uint BATCH_SQUARE = 4;   // mean c^2 of the last batch
const uint NORM = 5;           // |theta|^2
const uint COMPETITION = 6;    // sum over the others j of s_j <theta_i, theta_j>
const uint FIRST_SLOPE = 7;    // moments of dU/ds in the paper's game
const uint SECOND_SLOPE = 8;
