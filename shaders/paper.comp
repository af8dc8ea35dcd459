#version 450
#extension GL_GOOGLE_include_directive : require

// The second stage of |theta|^2 and of the competition <theta, v> - s |theta|^2,
// and, if asked for, one move of all players in the game of arXiv:2512.22106 with
// the gradient of the last batch. game.Paper has the equations.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "philox.glsl"

// Of gates that are drawn, as game.LogAlpha has them.
const float BETA = 2.0 / 3.0;
const float GAMMA = -0.1;
const float RANGE = 1.2;              // zeta - gamma
const float OPEN = 1.5985968486;      // -beta log(-gamma/zeta)
const uint GATING = 10;               // random.Gating

layout(std430, set = 0, binding = 1) readonly buffer Sums { vec4 sums[]; }; // as norms leaves them
layout(std430, set = 0, binding = 2) buffer Players { float players[]; };

layout(push_constant) uniform Push {
    uint stride;
    uint blocks;
    float alpha;
    float beta;
    float gamma;
    float eta;
    float rate; // lr_s, the damping, or the rate of log alpha
    uint gate;  // which of the network's, for gates that are drawn
    uint seedLow;
    uint seedHigh;
};

#include "paper.glsl"

// gateSlope returns ds/dlog alpha of a gate that was drawn to be s.
float gateSlope(float s) {
    float q = (s - GAMMA) / RANGE;
    return s <= 0 || s >= 1 ? 0 : RANGE / BETA * q * (1 - q);
}

// openSlope returns the derivative of the probability that a gate is open.
float openSlope(float logAlpha) {
    float e = exp(-abs(logAlpha + OPEN));
    return e / ((1 + e) * (1 + e));
}

// drawn returns the gate that is drawn after a step of log alpha by the slope dU/ds at s.
float drawn(uint player, float s, float slope) {
    uint width = 4 * stride;
    float logAlpha = players[FIRST_SLOPE * width + player];
    float price = gamma + players[SECOND_SLOPE * width + player];
    logAlpha += rate * (slope * gateSlope(s) - price * openSlope(logAlpha));
    players[FIRST_SLOPE * width + player] = logAlpha;
    if (notNumbers(vec4(logAlpha)).x) {
        return logAlpha;
    }
    uint word = philox(uvec4(player / 4, GATING, now.number, gate), uvec2(seedLow, seedHigh))[player % 4];
    float u = float(2 * (word >> 9) + 1) / 16777216;
    // Beyond 4 on either side the gate is cut off.
    float x = clamp((log(u) - log(1 - u) + logAlpha) / BETA, -4, 4);
    return clamp(RANGE / (1 + exp(-x)) + GAMMA, 0, 1);
}

// move returns the participation after one move of a player from s.
float move(uint player, float s, float meanContribution, float norm, float competition) {
    float slope = slopeAtZero(s, meanContribution, competition), curvature = 2 * beta * norm;
    if (UPDATE == 4) {
        return drawn(player, s, slope - curvature * s);
    }
    uint first = FIRST_SLOPE * 4 * stride + player, second = SECOND_SLOPE * 4 * stride + player;
    float firstSlope = UPDATE == 3 ? players[first] : 0, secondSlope = UPDATE == 3 ? players[second] : 0;
    float after = moved(s, slope, curvature, firstSlope, secondSlope);
    if (UPDATE == 3) {
        players[first] = firstSlope;
        players[second] = secondSlope;
    }
    return after;
}

void main() {
    begin();
    uint player = gl_GlobalInvocationID.x;
    uint width = 4 * stride;
    if (player >= width) {
        return;
    }
    float norm = 0, withAll = 0;
    for (uint block = 0; block < blocks; block++) {
        norm += sums[block * stride + player / 4][player % 4];
        withAll += sums[(blocks + block) * stride + player / 4][player % 4];
    }
    float s = players[PARTICIPATION * width + player];
    float competition = withAll - s * norm;
    players[NORM * width + player] = norm;
    players[COMPETITION * width + player] = competition;
    if (UPDATE != 0) {
        players[PARTICIPATION * width + player] = move(player, s, players[MEAN * width + player], norm, competition);
    }
}
