#version 450
#extension GL_GOOGLE_include_directive : require

// The second stage of |theta|^2 and of the competition <theta, v> - s |theta|^2,
// and, if asked for, one move of all players in the game of arXiv:2512.22106 with
// the gradient of the last batch. game.Paper has the equations.

#include "invocation.glsl"
#include "players.glsl"
#include "numbers.glsl"

layout(constant_id = 1) const uint UPDATE = 0;  // 0 none, 1 gradient ascent, 2 best response
layout(constant_id = 2) const uint BENEFIT = 0; // 0 printed, 1 descent, 2 absolute

layout(std430, set = 0, binding = 0) readonly buffer Sums { vec4 sums[]; }; // as norms leaves them
layout(std430, set = 0, binding = 1) buffer Players { float players[]; };

layout(push_constant) uniform Push {
    uint stride;
    uint blocks;
    float alpha;
    float beta;
    float gamma;
    float eta;
    float rate; // lr_s, or the damping
};

// move returns the participation after one move from s.
float move(float s, float meanContribution, float norm, float competition) {
    float gradient = s * meanContribution; // <dL/dtheta, theta>
    float benefit = alpha * (BENEFIT == 1 ? -gradient : BENEFIT == 2 ? abs(gradient) : gradient);
    float curvature = 2 * beta * norm;
    float toll = eta == 0 ? gamma : gamma + eta * competition; // which may be infinite
    float slope = benefit - toll; // at s = 0
    if (UPDATE == 1) {
        float ascended = s + rate * (slope - curvature * s);
        return notNumbers(vec4(ascended)).x ? ascended : clamp(ascended, 0, 1); // which leaves NaN out
    }
    float response = slope <= 0 ? 0 : slope >= curvature ? 1 : slope / curvature;
    return s + rate * (response - s);
}

void main() {
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
        float moved = move(s, players[BATCH_MEAN * width + player], norm, competition);
        players[PARTICIPATION * width + player] = moved;
    }
}
