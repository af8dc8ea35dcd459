#version 450
#extension GL_GOOGLE_include_directive : require

// What theta pays in the game of arXiv:2512.22106, dC_i/dtheta_i, is added to the gradient
// of a layer. game.AddCostGradient has the equation.

#include "invocation.glsl"
#include "players.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 1) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 2) readonly buffer Mixture { float mixture[]; };
layout(std430, set = 0, binding = 3) buffer Gradient { vec4 gradient[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
    float beta;
    float eta;
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    vec4 s = players[PARTICIPATION * stride + column];
    vec4 own = (2 * beta - eta) * s;
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 cost = own * parameters[at];
        if (eta != 0) { // the mixture may be infinite
            cost += eta * mixture[row];
        }
        gradient[at] += s * cost;
    }
}
