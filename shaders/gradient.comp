#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of a layer's weights over the batch, each one sum over the samples
// in their order, and the update of the weights with it. A tile has four rows of
// weights for each of its ROWS, those of four inputs.

#include "invocation.glsl"
#include "step.glsl"
#include "tile.glsl"
#define OPTIMISER_CONSTANTS 3
#include "optimiser.glsl"

layout(constant_id = 7) const bool KEEP = false; // leave the gradient behind

layout(set = 0, binding = 1) uniform textureBuffer below;
layout(set = 0, binding = 2) uniform textureBuffer derivative;
layout(std430, set = 0, binding = 3) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 4) buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 5) buffer Second { vec4 secondMoment[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Gradient { vec4 gradient[]; };

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

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
    for (uint k = 0; k < now.rows; k++) {
        vec4 d[COLUMNS];
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            d[c] = texelFetch(derivative, int(k * outStride + column[c]));
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
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            if (j < outStride && firstRow() + r < inStride) {
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    uint at = (4 * (firstRow() + r) + q) * outStride + j;
                    vec4 g = sum[(4 * r + q) * COLUMNS + c];
                    vec4 w = parameters[at], m = firstMoment[at], v = ADAM ? secondMoment[at] : vec4(0);
                    optimise(w, m, v, g);
                    parameters[at] = w;
                    firstMoment[at] = m;
                    if (ADAM) {
                        secondMoment[at] = v;
                    }
                    if (KEEP) {
                        gradient[at] = g;
                    }
                }
            }
        }
    }
}
