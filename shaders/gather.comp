#version 450
#extension GL_GOOGLE_include_directive : require

// The first kernel of a step: turns to the next step of the plan, and copies its
// samples, in the order of the epoch, as the network's inputs. The first product moves
// the cursor on, since all invocations read it here.

#include "invocation.glsl"

layout(constant_id = 1) const bool FLOATS = false;  // features are floats, not bytes
layout(constant_id = 2) const uint STEP_WORDS = 12; // of the plan
layout(constant_id = 3) const bool LISTED = false;  // the network reads some features alone

// A step, as step.glsl has it, is copied word by word, each by an invocation of its own.
// Places of words:
const uint FIRST = 0; // the place of the batch's first sample in the order
const uint ROWS = 1;  // samples of the batch

layout(std430, set = 0, binding = 0) writeonly buffer State { uint state[]; };
layout(std430, set = 0, binding = 1) readonly buffer Cursor { uint cursor; }; // place of this step in the plan
layout(std430, set = 0, binding = 2) readonly buffer Plan { uint plan[]; };
layout(std430, set = 0, binding = 3) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 4) readonly buffer Samples { uint samples[]; }; // four bytes or one float a word
layout(std430, set = 0, binding = 5) writeonly buffer Batch { vec4 batch[]; };
layout(std430, set = 0, binding = 6) readonly buffer Features { uvec4 features[]; }; // places in a sample

layout(push_constant) uniform Push {
    uint inputs;       // numbers that the network reads
    uint stride;       // of a row of the batch
    uint sampleStride; // of a sample
    float mean; // an input is (feature - mean) * scale
    float scale;
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, step = STEP_WORDS * cursor;
    if (column < STEP_WORDS && gl_WorkGroupID.y == 0) {
        state[column] = plan[step + column];
    }
    if (column >= stride) {
        return;
    }
    uint first = plan[step + FIRST], rows = plan[step + ROWS];
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint place = order[first + row] * sampleStride + column;
        vec4 feature;
        if (LISTED) {
            for (uint i = 0; i < 4; i++) {
                uint at = order[first + row] * 4 * sampleStride + features[column][i];
                feature[i] = FLOATS ? uintBitsToFloat(samples[at]) : float((samples[at / 4] >> (8 * (at % 4))) & 255);
            }
        } else if (FLOATS) {
            for (uint i = 0; i < 4; i++) {
                feature[i] = uintBitsToFloat(samples[4 * place + i]);
            }
        } else {
            uint word = samples[place];
            feature = vec4(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >> 24);
        }
        bvec4 real = lessThan(4 * column + uvec4(0, 1, 2, 3), uvec4(inputs));
        batch[row * stride + column] = mix(vec4(0), (feature - mean) * scale, real);
    }
}
