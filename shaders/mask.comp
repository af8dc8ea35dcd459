#version 450
#extension GL_GOOGLE_include_directive : require

// Numbers in the shape of a matrix of parameters times the participations of its entries. They
// may be where the products are written.

#include "invocation.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Mask { vec4 mask[]; };
layout(std430, set = 0, binding = 1) readonly buffer From { vec4 from[]; };
layout(std430, set = 0, binding = 2) writeonly buffer To { vec4 to[]; };

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
        to[at] = mask[at] * from[at];
    }
}
