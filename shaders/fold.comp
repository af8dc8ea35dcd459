#version 450
#extension GL_GOOGLE_include_directive : require

// Multiplies the participations into the parameters.

#include "invocation.glsl"
#include "players.glsl"

layout(std430, set = 0, binding = 0) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 1) readonly buffer Players { vec4 players[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    vec4 s = players[PARTICIPATION * stride + column];
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        parameters[row * stride + column] *= s;
    }
}
