#version 450
#extension GL_GOOGLE_include_directive : require

// Moments of numbers x, a row a sample, over the batches of a pass: E[x x^T] of blocks of
// columns, one behind the other, and behind them E[x]. Each is one sum over the samples of a
// batch in their order, and a mean that moves from batch to batch.

#include "invocation.glsl"
#include "step.glsl"
#include "tile.glsl"

layout(constant_id = 5) const bool SQUARES = true; // take E[x x^T]
layout(constant_id = 6) const bool MEANS = true;   // take E[x]

layout(std430, set = 0, binding = 1) buffer Moments { vec4 moments[]; };

layout(push_constant) uniform Push {
    uint stride; // of a row of x
    uint block;  // columns of a block, in vec4; the last may have fewer. With E[x] it is the only one
};

#include "samples.glsl"

// move moves four means.
void move(uint at, vec4 sums) {
    vec4 value = now.share * sums, old = moments[at]; // of something else where this batch counts in full
    moments[at] = now.memory < 1 ? old + now.memory * (value - old) : value;
}

void main() {
    begin();
    uint first = gl_WorkGroupID.z * block;
    uint width = min(block, stride - first), target = first * 4 * block;
    inStride = outStride = stride;
    inputs = derivatives = first;
    lastInput = lastDerivative = width - 1;
    if (SQUARES) {
        multiplyTile();
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint j = columnOf(c);
            [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
                if (j < width && firstRow() / 4 + r < width) {
                    [[unroll]] for (uint q = 0; q < 4; q++) {
                        move(target + (firstRow() + 4 * r + q) * width + j, sum[(4 * r + q) * COLUMNS + c]);
                    }
                }
            }
        }
        target += 4 * width * width;
    }
    if (MEANS && TILE.x == 0 && tileRow() == 0) {
        [[dont_unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint j = columnOf(c);
            if (j < width) {
                move(target + j, columnSum(j));
            }
        }
    }
}
