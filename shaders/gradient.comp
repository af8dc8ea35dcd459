#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of a layer's weights over the batch, each one sum over the samples
// in their order, and perhaps the update of the weights with it. A tile has four
// rows of weights for each of its ROWS, those of four inputs.

#include "invocation.glsl"
#include "step.glsl"
#include "tile.glsl"
#define OPTIMISER_CONSTANTS 3
#include "optimiser.glsl"

layout(constant_id = 8) const bool KEEP = false;  // leave the gradient behind
layout(constant_id = 9) const bool UPDATE = true; // move the weights

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

// Samples that a turn of the loop takes: llvmpipe saves all sums at every turn.
const uint TURN = 4;

void main() {
    uint row[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        row[r] = min(firstRow() + r, inStride - 1);
    }
    uint column[COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = min(columnOf(c), outStride - 1);
    }
    vec4 sum[4 * ROWS * COLUMNS];
    [[unroll]] for (uint i = 0; i < 4 * ROWS * COLUMNS; i++) {
        sum[i] = vec4(0);
    }
    for (uint first = 0; first < now.rows; first += TURN) {
        [[unroll]] for (uint t = 0; t < TURN; t++) {
            uint k = min(first + t, now.rows - 1);
            float counts = first + t < now.rows ? 1 : 0;
            vec4 d[COLUMNS];
            [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                d[c] = counts * texelFetch(derivative, int(k * outStride + column[c]));
            }
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                vec4 x = texelFetch(below, int(k * inStride + row[r]));
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                        sum[(4 * r + q) * COLUMNS + c] += x[q] * d[c];
                    }
                }
            }
        }
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            if (j < outStride && firstRow() + r < inStride) {
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    uint at = (4 * (firstRow() + r) + q) * outStride + j;
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
