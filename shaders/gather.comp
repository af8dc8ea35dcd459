#version 450
#extension GL_GOOGLE_include_directive : require

// The first kernel of a step: turns to the next step of the plan, and copies its
// samples, in the order of the epoch, as the network's inputs. The first product moves
// the cursor on, since all invocations read it here.

#include "invocation.glsl"
#define STATE_ACCESS writeonly
#include "step.glsl"

layout(constant_id = 1) const bool FLOATS = false; // features are floats, not bytes

layout(std430, set = 0, binding = 1) readonly buffer Cursor { uint cursor; }; // place of this step in the plan
layout(std430, set = 0, binding = 2) readonly buffer Plan { Step plan[]; };
layout(std430, set = 0, binding = 3) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 4) readonly buffer Samples { uint samples[]; }; // four bytes or one float a word
layout(std430, set = 0, binding = 5) writeonly buffer Batch { vec4 batch[]; };

layout(push_constant) uniform Push {
    uint features;
    uint stride; // of a row of the batch, and of a sample of as many features
    float mean; // an input is (feature - mean) * scale
    float scale;
};

void main() {
    begin();
    if (gl_GlobalInvocationID == uvec3(0)) {
        now = plan[cursor];
    }
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    uint first = plan[cursor].first, rows = plan[cursor].rows;
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint place = order[first + row] * stride + column;
        vec4 feature;
        if (FLOATS) {
            for (uint i = 0; i < 4; i++) {
                feature[i] = uintBitsToFloat(samples[4 * place + i]);
            }
        } else {
            uint word = samples[place];
            feature = vec4(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >> 24);
        }
        bvec4 real = lessThan(4 * column + uvec4(0, 1, 2, 3), uvec4(features));
        batch[row * stride + column] = mix(vec4(0), (feature - mean) * scale, real);
    }
}
