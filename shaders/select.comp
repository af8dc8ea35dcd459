#version 450
#extension GL_GOOGLE_include_directive : require

// Gathers rows and columns of a matrix into a smaller one: what removal leaves.

#include "invocation.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rows[]; };       // of the source, for each row of the target;
layout(std430, set = 0, binding = 1) readonly buffer Columns { uint columns[]; }; // the last number there is stands for zeros
layout(std430, set = 0, binding = 2) readonly buffer Source { float source[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Target { float target[]; };

layout(push_constant) uniform Push {
    uint height;       // rows of the target
    uint width;        // numbers in a row of the target
    uint sourceStride; // numbers in a row of the source
};

const uint NONE = 0xffffffff;

void main() {
    uint column = gl_GlobalInvocationID.x;
    if (column >= width) {
        return;
    }
    uint from = columns[column];
    for (uint row = gl_WorkGroupID.y; row < height; row += gl_NumWorkGroups.y) {
        bool kept = from != NONE && rows[row] != NONE;
        target[row * width + column] = kept ? source[rows[row] * sourceStride + from] : 0;
    }
}
