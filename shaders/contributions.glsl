// Mean c and mean c^2 of a gate's players over the batch, from the sums over blocks of
// samples that backward leaves, block by block, and their moving averages.
//
// What includes this declares vec4 players[] and sumAt(place), which reads Sums, and the
// specialisation constants TRACK and BLOCK.

// totalOf returns the sum of a column over the blocks of the batch.
vec4 totalOf(uint first, uint stride) {
    vec4 total = vec4(0);
    uint used = (now.rows + BLOCK - 1) / BLOCK;
    for (uint block = 0; block < used; block++) {
        total += sumAt(first + block * stride);
    }
    return total;
}

void average(uint batch, uint mean, vec4 value) {
    players[batch] = value;
    if (TRACK) {
        vec4 old = players[mean]; // of something else where this batch counts in full
        players[mean] = now.memory < 1 ? old + now.memory * (value - old) : value;
    }
}

// contribute does so for the four players of this invocation. There are so many rows of
// blocks in each of the two matrices of sums.
void contribute(Job gate, uint number, uint blocks) {
    uint column = (number - gate.first) * LOCAL_SIZE + gl_LocalInvocationID.x;
    if (column >= gate.outStride) {
        return;
    }
    uint stride = gate.outStride, player = gate.target + column, from = gate.source + column;
    average(player + BATCH_MEAN * stride, player + MEAN * stride, now.share * totalOf(from, stride));
    average(player + BATCH_SQUARE * stride, player + SQUARE * stride, now.share * totalOf(from + blocks * stride, stride));
}
