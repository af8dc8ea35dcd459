#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of a layer's weights over the batch, each one sum over the samples
// in their order, and perhaps the update of the weights with it. ROWS is a multiple
// of four: of inputs four at a time are read.

#include "invocation.glsl"
#include "step.glsl"
#include "tile.glsl"
#define OPTIMISER_CONSTANTS 5
#include "optimiser.glsl"

layout(constant_id = 10) const bool KEEP = false;  // leave the gradient behind
layout(constant_id = 11) const bool UPDATE = true; // move the weights

layout(set = 0, binding = 1) uniform textureBuffer below;
layout(set = 0, binding = 2) uniform textureBuffer derivative;
// What is updated is bound twice, to be read as texels and to be written. Nobody
// but the invocation that writes a number reads it, and that before.
layout(set = 0, binding = 3) uniform textureBuffer oldParameters;
layout(set = 0, binding = 4) uniform textureBuffer oldFirst;
layout(set = 0, binding = 5) uniform textureBuffer oldSecond;
layout(std430, set = 0, binding = 6) writeonly buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 7) writeonly buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 8) writeonly buffer Second { vec4 secondMoment[]; };
layout(std430, set = 0, binding = 9) writeonly buffer Gradient { vec4 gradient[]; };

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

vec4 readLeft(uint term, uint fours) {
    return texelFetch(below, int(term * inStride + min(fours, inStride - 1)));
}

vec4 readRight(uint term, uint column) {
    return texelFetch(derivative, int(term * outStride + min(column, outStride - 1)));
}

#include "shared.glsl"

// Samples that a turn of the loop takes: llvmpipe saves all sums at every turn.
const uint TURN = 4;

// multiply adds up the sums of this invocation's tile by itself.
void multiply() {
    uint row[ROWS / 4];
    [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
        row[r] = min(firstRow() / 4 + r, inStride - 1);
    }
    uint column[COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = min(columnOf(c), outStride - 1);
    }
    for (uint first = 0; first < now.rows; first += TURN) {
        [[unroll]] for (uint t = 0; t < TURN; t++) {
            uint k = min(first + t, now.rows - 1);
            float counts = first + t < now.rows ? 1 : 0;
            vec4 d[COLUMNS];
            [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                d[c] = counts * texelFetch(derivative, int(k * outStride + column[c]));
            }
            [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
                vec4 x = texelFetch(below, int(k * inStride + row[r]));
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                        sum[(4 * r + q) * COLUMNS + c] += x[q] * d[c];
                    }
                }
            }
        }
    }
}

void main() {
    begin();
    clearSums();
    if (SHARES) {
        multiplyShared(now.rows);
    } else {
        multiply();
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
            if (j < outStride && firstRow() / 4 + r < inStride) {
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    uint at = (firstRow() + 4 * r + q) * outStride + j;
                    vec4 g = sum[(4 * r + q) * COLUMNS + c];
                    if (UPDATE) {
                        vec4 w = texelFetch(oldParameters, int(at)), m = texelFetch(oldFirst, int(at));
                        vec4 v = HAS_SECOND ? texelFetch(oldSecond, int(at)) : vec4(0);
                        optimise(w, m, v, g, true);
                        parameters[at] = w;
                        firstMoment[at] = m;
                        if (HAS_SECOND) {
                            secondMoment[at] = v;
                        }
                    }
                    if (KEEP) {
                        gradient[at] = g;
                    }
                }
            }
        }
    }
}
