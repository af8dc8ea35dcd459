#version 450
#extension GL_GOOGLE_include_directive : require

// Copies the batch's samples, in the order of the epoch, as the network's inputs.

#include "invocation.glsl"
#include "step.glsl"

layout(std430, set = 0, binding = 1) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 2) readonly buffer Samples { uint samples[]; }; // four bytes a word
layout(std430, set = 0, binding = 3) readonly buffer Levels { float levels[256]; }; // the input for each value of a byte
layout(std430, set = 0, binding = 4) writeonly buffer Batch { vec4 batch[]; };

layout(push_constant) uniform Push {
    uint features;
    uint stride; // of a row of the batch in vec4, of a sample in words
};

void main() {
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint word = samples[order[now.first + row] * stride + column];
        vec4 x;
        for (uint i = 0; i < 4; i++) {
            x[i] = 4 * column + i < features ? levels[(word >> (8 * i)) & 255] : 0;
        }
        batch[row * stride + column] = x;
    }
}
