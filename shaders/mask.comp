#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of a matrix of parameters times the participations of its entries.

#include "invocation.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Mask { vec4 mask[]; };
layout(std430, set = 0, binding = 1) buffer Gradient { vec4 gradient[]; };

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
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        gradient[at] *= mask[at];
    }
}
