#version 450
#extension GL_GOOGLE_include_directive : require

// A dropout in a training step, in either direction: numbers stay, and are scaled, where a
// random word is not below the threshold. network.Dropout says which word is whose.

#include "invocation.glsl"
#include "step.glsl"
#include "philox.glsl"
layout(constant_id = 1) const bool ADD = false; // to what the target holds

layout(set = 0, binding = 1) uniform textureBuffer source;
layout(std430, set = 0, binding = 2) buffer Target { vec4 target[]; };

layout(push_constant) uniform Push {
    uint width;     // numbers of a sample
    uint stride;    // of a row, in vec4
    uint node;
    uint threshold; // of words
    float scale;
    uint seedLow;
    uint seedHigh;
};

const uint DROPPING = 11; // random.Dropping

uvec4 wordsOf(uint block) { return philox(uvec4(block, DROPPING, now.number, node), uvec2(seedLow, seedHigh)); }

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint first = row * width + 4 * column, at = row * stride + column;
        uvec4 words = wordsOf(first / 4), further = wordsOf(first / 4 + 1);
        vec4 stays;
        for (uint i = 0; i < 4; i++) {
            uint place = first % 4 + i;
            stays[i] = (place < 4 ? words[place % 4] : further[place % 4]) < threshold ? 0 : scale;
        }
        vec4 from = texelFetch(source, int(at));
        vec4 value = mix(stays * from, vec4(0), equal(stays, vec4(0))); // what is dropped may be infinite
        target[at] = ADD ? target[at] + value : value;
    }
}
