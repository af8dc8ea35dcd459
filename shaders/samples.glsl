// The product of two matrices of a row a sample over the samples of the batch, A^T B: sums of
// a_bi b_bj over b, each in the order of the samples. Of inputs, the columns of A, four at a
// time are read, so ROWS is a multiple of four. B holds derivatives where the sums are
// gradients.

layout(set = 0, binding = 2) uniform textureBuffer below;
layout(set = 0, binding = 3) uniform textureBuffer derivative;

uint inStride, outStride;       // of a row, in vec4
uint inputs, derivatives;       // places of the first rows
uint lastInput, lastDerivative; // places in a row of the last vec4 that counts

vec4 readLeft(uint term, uint fours) {
    return texelFetch(below, int(inputs + term * inStride + min(fours, lastInput)));
}

vec4 readRight(uint term, uint column) {
    return texelFetch(derivative, int(derivatives + term * outStride + min(column, lastDerivative)));
}

const bool LEFT_BY_TERMS = false;
const bool RIGHT_BY_TERMS = false;
#include "shared.glsl"

// Samples that a turn of the loop takes: llvmpipe saves all sums at every turn.
const uint TURN = 4;

// multiply adds up the sums of this invocation's tile by itself.
void multiply() {
    uint row[ROWS / 4];
    [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
        row[r] = inputs + min(firstRow() / 4 + r, lastInput);
    }
    uint column[COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = derivatives + min(columnOf(c), lastDerivative);
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

// multiplyTile adds up the sums of this invocation's tile.
void multiplyTile() {
    clearSums();
    if (SHARES) {
        multiplyShared(now.rows);
    } else {
        multiply();
    }
}

// columnSum returns the sums of four columns of B.
vec4 columnSum(uint column) {
    vec4 total = vec4(0);
    for (uint k = 0; k < now.rows; k++) {
        total += readRight(k, column);
    }
    return total;
}
