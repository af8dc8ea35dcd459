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
layout(constant_id = 12) const uint BLOCK = 16;    // samples of a block
layout(constant_id = 13) const bool GATES = true;  // there are gates

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

#include "samples.glsl"

vec4 sumAt(uint place) { return texelFetch(sums, int(place)); }

#include "contributions.glsl"

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
            settle(biases + j, columnSum(j), false);
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
    lastInput = max(inStride, 1) - 1;
    lastDerivative = outStride - 1;
    uint high = max(1, (4 * inStride + DOWN * ROWS - 1) / (DOWN * ROWS)); // tiles below each other
    tile = uvec2((number - job.first) % high, (number - job.first) / high);
    multiplyTile();
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
