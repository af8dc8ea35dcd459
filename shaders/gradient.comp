#version 450
#extension GL_GOOGLE_include_directive : require

// The gradients of parameters over the batch, each one sum over the samples in their
// order, and perhaps their update; and beside them the contributions of players. A table
// says which workgroups compute what, so that one dispatch serves many matrices. ROWS is
// a multiple of four: of inputs four at a time are read.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "jobs.glsl"

uvec2 tile; // of the matrix, that this workgroup computes
#define TILE tile
#include "tile.glsl"
#define OPTIMISER_CONSTANTS 5
#include "optimiser.glsl"

layout(constant_id = 10) const bool KEEP = false;  // leave the gradients behind
layout(constant_id = 11) const bool UPDATE = true; // move the parameters
layout(constant_id = 12) const bool TRACK = true;  // keep the players' moving averages
layout(constant_id = 13) const uint BLOCK = 16;    // samples of a block
layout(constant_id = 14) const bool GATES = true;  // there are gates

layout(set = 0, binding = 2) uniform textureBuffer below;
layout(set = 0, binding = 3) uniform textureBuffer derivative;
layout(set = 0, binding = 4) uniform textureBuffer sums; // as backward leaves them
// What is updated is bound twice, to be read as texels and to be written. Only the
// invocation that writes a number reads it, and that before.
layout(set = 0, binding = 5) uniform textureBuffer oldParameters;
layout(set = 0, binding = 6) uniform textureBuffer oldFirst;
layout(set = 0, binding = 7) uniform textureBuffer oldSecond;
layout(std430, set = 0, binding = 8) writeonly buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 9) writeonly buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 10) writeonly buffer Second { vec4 secondMoment[]; };
layout(std430, set = 0, binding = 11) writeonly buffer Gradient { vec4 gradient[]; };
layout(std430, set = 0, binding = 12) buffer Players { vec4 players[]; };

layout(push_constant) uniform Push {
    uint first;     // job of a matrix
    uint matrices;
    uint firstGate; // job of a gate
    uint gates;
    uint tiles;     // workgroups of all matrices; those of the gates follow
    uint blocks;    // rows of each matrix in Sums
};

uint inStride, outStride, inputs, derivatives; // of the matrix, from its job

vec4 readLeft(uint term, uint fours) {
    return texelFetch(below, int(inputs + term * inStride + min(fours, max(inStride, 1) - 1)));
}

vec4 readRight(uint term, uint column) {
    return texelFetch(derivative, int(derivatives + term * outStride + min(column, outStride - 1)));
}

#include "shared.glsl"

vec4 sumAt(uint place) { return texelFetch(sums, int(place)); }

#include "contributions.glsl"

// Samples that a turn of the loop takes: llvmpipe saves all sums at every turn.
const uint TURN = 4;

// multiply adds up the sums of this invocation's tile by itself.
void multiply() {
    uint row[ROWS / 4];
    [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
        row[r] = inputs + min(firstRow() / 4 + r, max(inStride, 1) - 1);
    }
    uint column[COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = derivatives + min(columnOf(c), outStride - 1);
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

// settle does with the gradient of four parameters what it is for.
void settle(uint at, vec4 g, bool weights) {
    if (UPDATE) {
        vec4 w = texelFetch(oldParameters, int(at)), m = texelFetch(oldFirst, int(at));
        vec4 v = HAS_SECOND ? texelFetch(oldSecond, int(at)) : vec4(0);
        optimise(w, m, v, g, weights);
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

// settleBiases adds up the derivatives of the biases in this invocation's columns.
void settleBiases(uint biases) {
    [[dont_unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        if (j < outStride) {
            vec4 g = vec4(0);
            for (uint k = 0; k < now.rows; k++) {
                g += readRight(k, j);
            }
            settle(biases + j, g, false);
        }
    }
}

void main() {
    begin();
    uint number = group();
    if (number >= tiles) {
        if (GATES) {
            contribute(jobs[jobOf(number - tiles, firstGate, gates)], number - tiles, blocks);
        }
        return;
    }
    Job job = jobs[jobOf(number, first, matrices)];
    inStride = job.inStride;
    outStride = job.outStride;
    inputs = job.source;
    derivatives = job.derivative;
    uint high = max(1, (4 * inStride + DOWN * ROWS - 1) / (DOWN * ROWS)); // tiles below each other
    tile = uvec2((number - job.first) % high, (number - job.first) / high);
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
                    settle(job.target + (firstRow() + 4 * r + q) * outStride + j, sum[(4 * r + q) * COLUMNS + c], true);
                }
            }
        }
    }
    if (tile.x == 0 && tileRow() == 0) {
        settleBiases(job.target + 4 * inStride * outStride);
    }
}
