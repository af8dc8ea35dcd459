// The rows of a layer's matrix of players: one number a player and row.

const uint PARTICIPATION = 0;  // s
const uint MEAN = 1;           // mean c of the last batch,    where c is the derivative
const uint SQUARE = 2;         // and mean c^2                 of a sample's loss with
const uint NORM = 3;           // |theta|^2                    respect to s
const uint COMPETITION = 4;    // sum over the others j of s_j <theta_i, theta_j>
const uint FIRST_SLOPE = 5;    // moments of dU/ds in the paper's game, or log alpha
const uint SECOND_SLOPE = 6;   // and price of a gate that is drawn
