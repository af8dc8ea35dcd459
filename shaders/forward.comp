#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, forward: u = W x + b, and for a layer with players activation(s u).
// Every number is one sum over the inputs in their order.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "numbers.glsl"
#include "tile.glsl"
#define ACTIVATION_CONSTANT 5
#include "activation.glsl"

const bool GATED = ACTIVATION != LOGITS; // has players

layout(set = 0, binding = 1) uniform textureBuffer below;
layout(set = 0, binding = 2) uniform textureBuffer parameters;
layout(std430, set = 0, binding = 3) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 4) buffer Affine { vec4 affine[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Result { vec4 result[]; };

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

vec4 readLeft(uint row, uint fours) {
    return texelFetch(below, int(min(row, now.rows - 1) * inStride + fours));
}

vec4 readRight(uint feature, uint column) {
    return texelFetch(parameters, int(feature * outStride + min(column, outStride - 1)));
}

#define LEFT_BY_TERMS
#include "shared.glsl"

// multiply adds up the sums of this invocation's tile by itself.
void multiply() {
    uint row[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        row[r] = min(firstRow() + r, now.rows - 1) * inStride;
    }
    uint column[COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = min(columnOf(c), outStride - 1);
    }
    for (uint k = 0; k < inStride; k++) {
        vec4 w[4 * COLUMNS]; // of four inputs
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            [[unroll]] for (uint q = 0; q < 4; q++) {
                w[4 * c + q] = texelFetch(parameters, int((4 * k + q) * outStride + column[c]));
            }
        }
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            vec4 x = texelFetch(below, int(row[r] + k));
            [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    sum[r * COLUMNS + c] += x[q] * w[4 * c + q];
                }
            }
        }
    }
}

void main() {
    begin();
    if (groupRow() >= now.rows) {
        return;
    }
    clearSums();
    if (SHARES) {
        multiplyShared(4 * inStride);
    } else {
        multiply();
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        if (j < outStride) {
            vec4 bias = texelFetch(parameters, int(4 * inStride * outStride + j));
            vec4 s = GATED ? players[PARTICIPATION * outStride + j] : vec4(1);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (firstRow() + r < now.rows) {
                    uint at = (firstRow() + r) * outStride + j;
                    vec4 u = sum[r * COLUMNS + c] + bias;
                    if (GATED) {
                        affine[at] = u;
                    }
                    if (!LOOPED) {
                        result[at] = GATED ? activation(s * u) : u;
                    }
                }
            }
        }
    }
    if (LOOPED) {
        [[dont_unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) {
            uint row = firstRow() + i / COLUMNS, j = columnOf(i % COLUMNS);
            if (row < now.rows && j < outStride) {
                uint at = row * outStride + j;
                result[at] = activation(players[PARTICIPATION * outStride + j] * affine[at]);
            }
        }
    }
}
