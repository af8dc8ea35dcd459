// A matrix product: one invocation adds up a tile of ROWS rows and COLUMNS vec4.
// A workgroup has LOCAL_SIZE / ACROSS tiles below each other and ACROSS beside each
// other. The columns of a workgroup interleave, ACROSS vec4 apart, so that its
// invocations read neighbours. Tiles that reach over the edge read its last row or
// column once more, and do not store it.
//
// Every sum is taken term by term in their order, whatever the tiles.
//
// Operands are texel buffers: llvmpipe fetches a texel for all its lanes at once,
// where a storage buffer costs it a branch for each lane and a check for each
// number.

#extension GL_EXT_control_flow_attributes : require
layout(constant_id = 1) const uint ROWS = 8;
layout(constant_id = 2) const uint COLUMNS = 1;
layout(constant_id = 3) const uint ACROSS = 1;
layout(constant_id = 4) const uint STEP = 0; // terms that a workgroup shares at a time; 0: every invocation reads for itself

const bool SHARES = STEP > 0;
const uint DOWN = LOCAL_SIZE / ACROSS;

uint tileRow() { return gl_LocalInvocationID.x / ACROSS; }
uint tileColumn() { return gl_LocalInvocationID.x % ACROSS; }

// The tile of this workgroup: its place from above and from the left.
#ifndef TILE
#define TILE gl_WorkGroupID.xy
#endif

uint groupRow() { return TILE.x * DOWN * ROWS; }
uint firstRow() { return groupRow() + tileRow() * ROWS; }
uint columnOf(uint c) { return (TILE.y * COLUMNS + c) * ACROSS + tileColumn(); }

vec4 sum[ROWS * COLUMNS];

void clearSums() {
    [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) {
        sum[i] = vec4(0);
    }
}
