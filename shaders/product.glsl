// The product of a layer, forward: W x without the biases. inStride and outStride are the
// widths of the layer's inputs and outputs.

layout(set = 0, binding = 1) uniform textureBuffer below;
layout(set = 0, binding = 2) uniform textureBuffer parameters;

vec4 readLeft(uint row, uint fours) {
    return texelFetch(below, int(min(row, now.rows - 1) * inStride + fours));
}

vec4 readRight(uint feature, uint column) {
    return texelFetch(parameters, int(feature * outStride + min(column, outStride - 1)));
}

const bool LEFT_BY_TERMS = true;
const bool RIGHT_BY_TERMS = false;
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

// multiplyTile adds up the sums of this invocation's tile.
void multiplyTile() {
    clearSums();
    if (SHARES) {
        multiplyShared(4 * inStride);
    } else {
        multiply();
    }
}

// biasOf returns the biases of four outputs.
vec4 biasOf(uint column) { return texelFetch(parameters, int(4 * inStride * outStride + column)); }
