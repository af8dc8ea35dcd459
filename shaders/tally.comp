#version 450
#extension GL_GOOGLE_include_directive : require

// Sums of c and c^2 of players by blocks of samples, from the contributions of each sample,
// to which all points of the gate have added.

#include "invocation.glsl"
#include "step.glsl"
layout(constant_id = 1) const uint BLOCK = 16;

layout(std430, set = 0, binding = 1) readonly buffer Contributions { vec4 contributions[]; }; // a row a sample
layout(std430, set = 0, binding = 2) writeonly buffer Sums { vec4 sums[]; }; // two matrices of a row a block

layout(push_constant) uniform Push {
    uint stride; // of a row of players
    uint blocks; // rows of each matrix of sums
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, used = (now.rows + BLOCK - 1) / BLOCK;
    if (column >= stride) {
        return;
    }
    for (uint block = gl_WorkGroupID.y; block < used; block += gl_NumWorkGroups.y) {
        vec4 mean = vec4(0), square = vec4(0);
        for (uint row = block * BLOCK; row < min(now.rows, (block + 1) * BLOCK); row++) {
            vec4 c = contributions[row * stride + column];
            mean += c;
            square += c * c;
        }
        sums[block * stride + column] = mean;
        sums[(blocks + block) * stride + column] = square;
    }
}
