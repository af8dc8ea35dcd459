#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, forward, whose weights that are not zero are compressed sparse rows, a row an
// output: u = W x + b, and for a layer with players activation(s u). An invocation has four
// outputs of a sample. Each is one sum in the order of its row.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "numbers.glsl"
#define ACTIVATION_CONSTANT 1
#include "activation.glsl"
layout(constant_id = 2) const bool FIRST = false;   // the first product of a step
layout(constant_id = 3) const bool SAMPLES = false; // invocations side by side have the same outputs of several samples

layout(std430, set = 0, binding = 1) readonly buffer Below { float below[]; };
layout(std430, set = 0, binding = 2) readonly buffer Parameters { vec4 parameters[]; }; // of which the biases are read
layout(std430, set = 0, binding = 3) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 4) readonly buffer Values { float values[]; };
layout(std430, set = 0, binding = 5) readonly buffer Columns { uint columns[]; };
layout(std430, set = 0, binding = 6) readonly buffer Offsets { uint offsets[]; }; // where rows begin, and the last ends
layout(std430, set = 0, binding = 7) writeonly buffer Result { vec4 result[]; };
layout(std430, set = 0, binding = 8) writeonly buffer Cursor { uint cursor; }; // place of the next step in the plan

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

// compute writes four outputs of a sample.
void compute(uint sampleRow, uint j) {
    vec4 u;
    for (uint q = 0; q < 4; q++) {
        float sum = 0;
        uint end = offsets[4 * j + q + 1];
        for (uint k = offsets[4 * j + q]; k < end; k++) {
            sum += values[k] * below[sampleRow * 4 * inStride + columns[k]];
        }
        u[q] = sum;
    }
    u += parameters[4 * inStride * outStride + j];
    result[sampleRow * outStride + j] = ACTIVATION == LOGITS ? u : activation(players[PARTICIPATION * outStride + j] * u);
}

void main() {
    begin();
    if (FIRST && gl_GlobalInvocationID == uvec3(0)) {
        cursor = now.next;
    }
    uint i = gl_GlobalInvocationID.x;
    if (i >= (SAMPLES ? now.rows : outStride)) {
        return;
    }
    uint others = SAMPLES ? outStride : now.rows;
    for (uint k = gl_WorkGroupID.y; k < others; k += gl_NumWorkGroups.y) {
        if (SAMPLES) {
            compute(i, k);
        } else {
            compute(k, i);
        }
    }
}
