#version 450
#extension GL_GOOGLE_include_directive : require

// Of each player, the sums over a block of rows of theta^2 and of theta times the
// mixture v: the first stage of |theta|^2 and <theta, v>.

#include "invocation.glsl"

layout(constant_id = 1) const uint ROWS = 32; // of a block

layout(std430, set = 0, binding = 0) readonly buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 1) readonly buffer Mixture { float mixture[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Sums { vec4 sums[]; }; // two matrices of a row a block

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
    uint first;  // block of the sums
    uint blocks; // rows of each matrix of sums
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    for (uint block = gl_WorkGroupID.y; block * ROWS < rows; block += gl_NumWorkGroups.y) {
        vec4 norm = vec4(0), withAll = vec4(0);
        for (uint row = block * ROWS; row < min(rows, (block + 1) * ROWS); row++) {
            vec4 theta = parameters[row * stride + column];
            norm += theta * theta;
            withAll += theta * mixture[row];
        }
        sums[(first + block) * stride + column] = norm;
        sums[(blocks + first + block) * stride + column] = withAll;
    }
}
