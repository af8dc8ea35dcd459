#version 450
#extension GL_GOOGLE_include_directive : require

// The first kernel of a step: turns to the next step of the plan, and copies its
// samples, in the order of the epoch, as the network's inputs. The first product moves
// the cursor on, since all invocations read it here.

#include "invocation.glsl"
#include "divide.glsl"
#include "philox.glsl"

layout(constant_id = 1) const bool FLOATS = false;  // features are floats, not bytes
layout(constant_id = 2) const uint STEP_WORDS = 12; // of the plan
layout(constant_id = 3) const bool LISTED = false;  // the network reads some features alone
layout(constant_id = 4) const bool MOVES = false;   // images are moved at random

// A step, as step.glsl has it, is copied word by word, each by an invocation of its own.
// Places of words:
const uint FIRST = 0; // the place of the batch's first sample in the order
const uint ROWS = 1;  // samples of the batch
const uint NUMBER = 11; // of the optimiser's step

const uint AUGMENTATION = 12; // random.Augmentation

layout(std430, set = 0, binding = 0) writeonly buffer State { uint state[]; };
layout(std430, set = 0, binding = 1) readonly buffer Cursor { uint cursor; }; // place of this step in the plan
layout(std430, set = 0, binding = 2) readonly buffer Plan { uint plan[]; };
layout(std430, set = 0, binding = 3) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 4) readonly buffer Samples { uint samples[]; }; // four bytes or one float a word
layout(std430, set = 0, binding = 5) writeonly buffer Batch { vec4 batch[]; };
layout(std430, set = 0, binding = 6) readonly buffer Features { uvec4 features[]; }; // places in a sample

layout(set = 0, binding = 7) uniform textureBuffer normalisation; // of each channel: an input is (feature - x) * y

layout(push_constant) uniform Push {
    uint inputs;       // numbers that the network reads
    uint stride;       // of a row of the batch
    uint sampleStride; // of a sample
    uint plane;        // features of a channel
    uint width;        // of an image, which has a column for each
    uint padding;      // moves are from -padding to padding
    uint flip;         // 1: half of the images are mirrored
    uint seedLow;
    uint seedHigh;
};

// featureOf returns the place in a sample of a number that the network reads.
uint featureOf(uint column, uint i) { return LISTED ? features[column][i] : min(4 * column + i, inputs - 1); }

// numberOf returns a feature of a sample.
float numberOf(uint sample_, uint feature) {
    uint at = sample_ * 4 * sampleStride + feature;
    return FLOATS ? uintBitsToFloat(samples[at]) : float((samples[at / 4] >> (8 * (at % 4))) & 255);
}

// Move is what happens to an image, as dataset.Move has it.
struct Move {
    ivec2 by; // to the right, down
    bool flip;
};

Move moveOf(uint row, uint number) {
    uvec4 words = philox(uvec4(0, AUGMENTATION, number, row), uvec2(seedLow, seedHigh));
    uvec2 high, low;
    umulExtended(words.xy, uvec2(2 * padding + 1), high, low);
    return Move(ivec2(high) - int(padding), flip == 1 && words.z >> 31 == 1);
}

// moved returns the feature that comes in the place of another, or -1 for what lies outside.
int moved(Move m, uint feature) {
    uint channel = divide(feature, plane), position = feature - channel * plane, y = divide(position, width);
    int column = int(position - y * width), row = int(y) + m.by.y;
    column = (m.flip ? int(width) - 1 - column : column) + m.by.x;
    bool inside = column >= 0 && column < int(width) && row >= 0 && row < int(plane / width);
    return inside ? int(channel * plane) + row * int(width) + column : -1;
}

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
    vec4 mean = vec4(0), scale = vec4(0); // also of padding
    for (uint i = 0; i < 4; i++) {
        if (4 * column + i < inputs) {
            vec2 pair = texelFetch(normalisation, int(divide(featureOf(column, i), plane))).xy;
            mean[i] = pair.x;
            scale[i] = pair.y;
        }
    }
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint sample_ = order[first + row];
        vec4 feature;
        if (MOVES) {
            Move m = moveOf(row, plan[step + NUMBER]);
            for (uint i = 0; i < 4; i++) {
                int from = moved(m, featureOf(column, i));
                feature[i] = from < 0 ? mean[i] : numberOf(sample_, uint(max(from, 0)));
            }
        } else if (LISTED || FLOATS) {
            for (uint i = 0; i < 4; i++) {
                feature[i] = numberOf(sample_, featureOf(column, i));
            }
        } else {
            uint word = samples[sample_ * sampleStride + column];
            feature = vec4(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >> 24);
        }
        bvec4 real = lessThan(4 * column + uvec4(0, 1, 2, 3), uvec4(inputs));
        batch[row * stride + column] = mix(vec4(0), (feature - mean) * scale, real);
    }
}
