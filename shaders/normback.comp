#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative of a batch norm's inputs, from that of its outputs, d: in a training step
// through the statistics of the batch, with the standardised inputs h,
// scale (d - mean d - h mean(d h)), else scale d.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"
layout(constant_id = 1) const bool BATCH = true; // statistics are those of the batch
layout(constant_id = 2) const bool ADD = false;  // to what other stages left

layout(set = 0, binding = 1) uniform textureBuffer value;      // x
layout(set = 0, binding = 2) uniform textureBuffer derivative; // d
layout(std430, set = 0, binding = 3) readonly buffer Moments { float moments[]; }; // a row each: mean, inverse deviation, means of d h and d
layout(std430, set = 0, binding = 4) readonly buffer Parameters { float parameters[]; };
layout(std430, set = 0, binding = 5) buffer Result { vec4 result[]; };

layout(push_constant) uniform Push {
    uint width;    // numbers of a sample
    uint stride;   // of a row, in vec4
    uint inner;    // numbers of a channel
    uint channels; // and padding
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    vec4 mean = vec4(0), inverse = vec4(0), scale = vec4(0), ofProduct = vec4(0), ofDerivative = vec4(0); // also of padding
    for (uint i = 0; i < 4; i++) {
        if (4 * column + i < width) {
            uint c = divide(4 * column + i, inner);
            scale[i] = parameters[c] * moments[channels + c];
            if (BATCH) {
                mean[i] = moments[c];
                inverse[i] = moments[channels + c];
                ofProduct[i] = moments[2 * channels + c];
                ofDerivative[i] = moments[3 * channels + c];
            }
        }
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 d = texelFetch(derivative, int(at));
        if (BATCH) {
            vec4 h = (texelFetch(value, int(at)) - mean) * inverse;
            d = d - ofDerivative - h * ofProduct;
        }
        result[at] = ADD ? result[at] + scale * d : scale * d;
    }
}
