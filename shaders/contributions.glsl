// Mean c and mean c^2 of a gate's players over the batch, from the sums over blocks of
// samples that backward leaves, block by block, or means of several batches.
//
#extension GL_EXT_control_flow_attributes : require

// What includes this declares vec4 players[] and sumAt(place), which reads Sums, and the
// specialisation constant BLOCK.

// totalOf returns the sum of a column over the blocks of the batch.
vec4 totalOf(uint first, uint stride) {
    vec4 total = vec4(0);
    uint used = (now.rows + BLOCK - 1) / BLOCK;
    for (uint block = 0; block < used; block++) {
        total += sumAt(first + block * stride);
    }
    return total;
}

// contribute does so for the four players of this invocation. There are so many rows of
// blocks in each of the two matrices of sums.
void contribute(Job gate, uint number, uint blocks) {
    uint column = (number - gate.first) * LOCAL_SIZE + gl_LocalInvocationID.x;
    if (column >= gate.outStride) {
        return;
    }
    uint stride = gate.outStride;
    [[dont_unroll]] for (uint square = 0; square < 2; square++) { // llvmpipe takes its time also for what is not reached
        vec4 value = now.share * totalOf(gate.source + square * blocks * stride + column, stride);
        uint mean = gate.target + (MEAN + square) * stride + column;
        if (now.memory < 1) { // else what was there is of something else
            vec4 old = players[mean];
            value = old + now.memory * (value - old);
        }
        players[mean] = value;
    }
}
