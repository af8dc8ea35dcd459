#version 450
#extension GL_GOOGLE_include_directive : require

// Adds up the sums over blocks of samples, block by block: the gradient of a
// layer's biases, and perhaps their update with it; mean c and mean c^2 of its players,
// and their moving averages.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#define OPTIMISER_CONSTANTS 1
#include "optimiser.glsl"

layout(constant_id = 6) const bool KEEP = false;          // leave the gradient behind
layout(constant_id = 7) const bool UPDATE = true;         // move the biases
layout(constant_id = 8) const bool CONTRIBUTIONS = true;  // of players, whom the last layer has not
layout(constant_id = 9) const bool TRACK = true;          // keep their moving averages
layout(constant_id = 10) const uint ROWS = 8;              // samples of a block

layout(std430, set = 0, binding = 1) readonly buffer Sums { vec4 sums[]; }; // as backward leaves them
layout(std430, set = 0, binding = 2) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 3) buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 4) buffer Second { vec4 secondMoment[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Gradient { vec4 gradient[]; };
layout(std430, set = 0, binding = 6) buffer Players { vec4 players[]; };

layout(push_constant) uniform Push {
    uint stride;
    uint biasRow;
    uint blocks;
};

vec4 total(uint matrix, uint column) {
    vec4 sum = vec4(0);
    uint used = (now.rows + ROWS - 1) / ROWS;
    for (uint block = 0; block < used; block++) {
        sum += sums[(matrix * blocks + block) * stride + column];
    }
    return sum;
}

void average(uint batch, uint mean, vec4 value, uint column) {
    players[batch * stride + column] = value;
    if (TRACK) {
        vec4 old = players[mean * stride + column]; // of something else where this batch counts in full
        players[mean * stride + column] = now.memory < 1 ? old + now.memory * (value - old) : value;
    }
}

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    uint at = biasRow * stride + column;
    vec4 g = UPDATE || KEEP ? total(0, column) : vec4(0);
    if (UPDATE) {
        vec4 b = parameters[at], m = firstMoment[at], v = HAS_SECOND ? secondMoment[at] : vec4(0);
        optimise(b, m, v, g, false);
        parameters[at] = b;
        firstMoment[at] = m;
        if (HAS_SECOND) {
            secondMoment[at] = v;
        }
    }
    if (KEEP) {
        gradient[at] = g;
    }
    if (CONTRIBUTIONS) {
        average(BATCH_MEAN, MEAN, now.share * total(1, column), column);
        average(BATCH_SQUARE, SQUARE, now.share * total(2, column), column);
    }
}
