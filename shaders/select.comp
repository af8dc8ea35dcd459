#version 450
#extension GL_GOOGLE_include_directive : require

// Gathers rows and columns of a matrix into a smaller one: what removal leaves.

#include "invocation.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rows[]; };       // of the source, for each row of the target;
layout(std430, set = 0, binding = 1) readonly buffer Columns { uvec4 columns[]; }; // NONE stands for zeros
layout(std430, set = 0, binding = 2) readonly buffer Source { float source[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Target { vec4 target[]; };

layout(push_constant) uniform Push {
    uint height;      // rows of the target
    uint stride;      // of the target
    uint sourceWidth; // numbers in a row of the source
};

const uint NONE = 0xffffffff;

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    uvec4 from = columns[column];
    for (uint row = gl_WorkGroupID.y; row < height; row += gl_NumWorkGroups.y) {
        vec4 numbers = vec4(0);
        if (rows[row] != NONE) {
            uint start = rows[row] * sourceWidth;
            for (uint i = 0; i < 4; i++) {
                if (from[i] != NONE) {
                    numbers[i] = source[start + from[i]];
                }
            }
        }
        target[row * stride + column] = numbers;
    }
}
