#version 450
#extension GL_GOOGLE_include_directive : require

// One move of all single weights of a matrix in the game of arXiv:2512.22106 with the gradient
// G of the last batch with respect to s theta, which becomes that with respect to theta: s G, and
// what theta pays for itself where it does. Biases are no players.

#include "invocation.glsl"
#include "step.glsl"

layout(constant_id = 4) const bool JOINT = false; // theta pays dC_i/dtheta_i

layout(std430, set = 0, binding = 1) readonly buffer Theta { vec4 theta[]; };
layout(std430, set = 0, binding = 2) readonly buffer Mixture { float mixture[]; }; // the last is of all weights
layout(std430, set = 0, binding = 3) buffer Gradient { vec4 gradient[]; };
layout(std430, set = 0, binding = 4) buffer Mask { vec4 mask[]; };
layout(std430, set = 0, binding = 5) buffer First { vec4 firstSlope[]; };
layout(std430, set = 0, binding = 6) buffer Second { vec4 secondSlope[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
    float alpha;
    float beta;
    float gamma;
    float eta;
    float rate; // lr_s or the damping
};

#include "paper.glsl"

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    float all = eta == 0 ? 0 : mixture[rows - 1];
    for (uint row = gl_WorkGroupID.y; row < rows - 1; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 w = theta[at], g = gradient[at], s = mask[at];
        vec4 first = UPDATE == 3 ? firstSlope[at] : vec4(0), second = UPDATE == 3 ? secondSlope[at] : vec4(0), after;
        for (uint i = 0; i < 4; i++) {
            float slope = slopeAtZero(s[i], g[i] * w[i], w[i] * (all - s[i] * w[i]));
            after[i] = moved(s[i], slope, 2 * beta * w[i] * w[i], first[i], second[i]);
        }
        g *= s;
        if (JOINT) {
            vec4 cost = (2 * beta - eta) * s * w;
            if (eta != 0) {
                cost += eta * all;
            }
            g += s * cost;
        }
        gradient[at] = g;
        mask[at] = after;
        if (UPDATE == 3) {
            firstSlope[at] = first;
            secondSlope[at] = second;
        }
    }
}
