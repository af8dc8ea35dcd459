#version 450
#extension GL_GOOGLE_include_directive : require

// What a batch norm computes with, of each channel: mean and inverse deviation of the batch,
// by which the running statistics move, or the running ones; and backward the means of d and
// of d h, from the sums over blocks of SHARE samples.

#include "invocation.glsl"
#include "step.glsl"
layout(constant_id = 1) const uint WHAT = 0; // 0 of the batch, 1 running, 2 derivatives

layout(std430, set = 0, binding = 1) readonly buffer Partials { float partials[]; }; // a matrix of parameters a block
layout(std430, set = 0, binding = 2) buffer Statistics { float statistics[]; };      // running means, and variances
layout(std430, set = 0, binding = 3) writeonly buffer Moments { float moments[]; };  // a row each: mean, inverse deviation, means of d h and d

layout(push_constant) uniform Push {
    uint count;    // channels
    uint channels; // and padding
    uint biases;   // row of the parameters, and of the variances
    uint inner;    // numbers of a channel
    uint share;    // samples of a block
    float epsilon;
    float momentum;
};

void main() {
    begin();
    uint channel = gl_GlobalInvocationID.x;
    if (channel >= count) {
        return;
    }
    uint mean = channel, variance = biases * channels + channel;
    if (WHAT == 1) {
        moments[channel] = statistics[mean];
        moments[channels + channel] = inversesqrt(statistics[variance] + epsilon);
        return;
    }
    vec2 sums = vec2(0);
    for (uint block = 0; block * share < now.rows; block++) {
        uint at = block * (biases + 1) * channels;
        sums += vec2(partials[at + mean], partials[at + variance]);
    }
    uint n = now.rows * inner;
    vec2 means = sums / float(n);
    if (WHAT == 2) {
        moments[2 * channels + channel] = means.x;
        moments[3 * channels + channel] = means.y;
        return;
    }
    moments[channel] = means.x;
    moments[channels + channel] = inversesqrt(means.y + epsilon);
    statistics[mean] += momentum * (means.x - statistics[mean]);
    statistics[variance] += momentum * (sums.y / float(max(n, 2) - 1) - statistics[variance]);
}
