#version 450
#extension GL_GOOGLE_include_directive : require

// The mixture v = sum over the players j of s_j theta_j: one number for each row
// of the parameters, the biases among them. Parameters of single weights are s theta already.

#include "invocation.glsl"
#include "players.glsl"

layout(constant_id = 1) const bool GATED = true;

layout(std430, set = 0, binding = 0) readonly buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 1) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Mixture { float mixture[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
};

void main() {
    begin();
    uint row = gl_GlobalInvocationID.x;
    if (row >= rows) {
        return;
    }
    vec4 sum = vec4(0);
    for (uint j = 0; j < stride; j++) {
        vec4 theta = parameters[row * stride + j];
        sum += GATED ? players[PARTICIPATION * stride + j] * theta : theta;
    }
    mixture[row] = (sum.x + sum.y) + (sum.z + sum.w);
}
