#version 450
#extension GL_GOOGLE_include_directive : require

// Sums of a channel over the positions of a block of SHARE samples, for a batch norm: of its
// inputs x, of their squared distances from the mean, or of the derivatives d of its outputs
// and of d h, where h is the standardised input. A workgroup takes a channel and a block.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"
layout(constant_id = 1) const uint WHAT = 0; // 0 inputs, 1 squares, 2 derivatives

layout(set = 0, binding = 1) uniform textureBuffer value;      // x, single numbers
layout(set = 0, binding = 2) uniform textureBuffer derivative; // d, likewise
layout(std430, set = 0, binding = 3) readonly buffer Moments { float moments[]; }; // means, then inverse deviations
layout(std430, set = 0, binding = 4) buffer Partials { float partials[]; }; // a matrix of parameters a block

layout(push_constant) uniform Push {
    uint stride;   // of a row of the batch
    uint inner;    // numbers of a channel
    uint channels; // and padding
    uint biases;   // row of the parameters
    uint share;    // samples of a block
};

shared vec2 parts[LOCAL_SIZE];

void main() {
    begin();
    uint channel = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x, size = (biases + 1) * channels;
    float mean = WHAT == 2 ? moments[channel] : 0, inverse = WHAT == 2 ? moments[channels + channel] : 0;
    if (WHAT == 1) {
        for (uint block = 0; block * share < now.rows; block++) {
            mean += partials[block * size + channel];
        }
        mean /= float(now.rows * inner);
    }
    for (uint block = gl_WorkGroupID.y; block * share < now.rows; block += gl_NumWorkGroups.y) {
        vec2 sum = vec2(0);
        uint first = block * share, count = min(share, now.rows - first) * inner;
        for (uint i = lane; i < count; i += LOCAL_SIZE) {
            uint sample_ = divide(i, inner), at = (first + sample_) * stride + channel * inner + i - sample_ * inner;
            float x = texelFetch(value, int(at)).x;
            if (WHAT == 0) {
                sum.x += x;
            } else if (WHAT == 1) {
                sum.y += (x - mean) * (x - mean);
            } else {
                float d = texelFetch(derivative, int(at)).x;
                sum += vec2(d * ((x - mean) * inverse), d);
            }
        }
        parts[lane] = sum;
        barrier();
        if (lane == 0) {
            for (uint i = 1; i < LOCAL_SIZE; i++) {
                sum += parts[i];
            }
            uint to = block * size + channel;
            if (WHAT != 1) {
                partials[to] = sum.x;
            }
            if (WHAT != 0) {
                partials[to + biases * channels] = sum.y;
            }
        }
        barrier();
    }
}
