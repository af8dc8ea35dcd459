#version 450
#extension GL_GOOGLE_include_directive : require

// What a node other than a dense layer leaves: a = activation(s u) behind a gate, where each
// s multiplies the numbers of one channel; of a batch norm also u = scale (x - mean) + shift.

#include "invocation.glsl"
#include "step.glsl"
#include "numbers.glsl"
#include "divide.glsl"
#define ACTIVATION_CONSTANT 1
#include "activation.glsl"
layout(constant_id = 2) const bool NORM = false; // the source is x, and not u

const bool GATED = ACTIVATION != LOGITS;

layout(set = 0, binding = 1) uniform textureBuffer source;
layout(std430, set = 0, binding = 2) readonly buffer Players { float players[]; }; // participations come first
layout(std430, set = 0, binding = 3) readonly buffer Moments { float moments[]; }; // means, then inverse deviations
layout(std430, set = 0, binding = 4) readonly buffer Parameters { float parameters[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Affine { vec4 affine[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Result { vec4 result[]; };

layout(push_constant) uniform Push {
    uint width;   // numbers of a sample
    uint stride;  // of a row, in vec4
    uint inner;   // numbers of a channel
    uint channels; // and padding
    uint biases;  // their row of the parameters
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    vec4 s = vec4(0), mean = vec4(0), scale = vec4(0), shift = vec4(0); // also of padding
    for (uint i = 0; i < 4; i++) {
        if (4 * column + i < width) {
            uint c = divide(4 * column + i, inner);
            if (GATED) {
                s[i] = players[c];
            }
            if (NORM) {
                mean[i] = moments[c];
                scale[i] = parameters[c] * moments[channels + c];
                shift[i] = parameters[biases * channels + c];
            }
        }
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 u = texelFetch(source, int(at));
        if (NORM) {
            u = scale * (u - mean) + shift;
        }
        if (NORM && GATED) {
            affine[at] = u;
        }
        result[at] = GATED ? activation(s * u) : u;
    }
}
