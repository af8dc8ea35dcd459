// A matrix product in registers: one invocation computes a tile of ROWS rows and
// COLUMNS vec4. The columns of a workgroup interleave, LOCAL_SIZE vec4 apart, so
// that its invocations read neighbours. Tiles that reach over the edge read its
// last row or column once more, and do not store it.
//
// Operands are texel buffers: llvmpipe fetches a texel for all its lanes at once,
// where a storage buffer costs it a branch for each lane and a check for each
// number.

#extension GL_EXT_control_flow_attributes : require
layout(constant_id = 1) const uint ROWS = 8;
layout(constant_id = 2) const uint COLUMNS = 1;

uint firstRow() { return gl_WorkGroupID.x * ROWS; }
uint columnOf(uint c) { return (gl_WorkGroupID.y * COLUMNS + c) * gl_WorkGroupSize.x + gl_LocalInvocationID.x; }
