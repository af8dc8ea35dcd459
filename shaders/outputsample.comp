#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative of the batch's mean output sample with respect to the outputs: of each
// sample one output, drawn by its place, less the mean of them where they are logits.
// backend.OutputSample has the equations.

#include "invocation.glsl"
#include "step.glsl"

layout(std430, set = 0, binding = 1) writeonly buffer Derivative { float derivative[]; };

layout(push_constant) uniform Push {
    uint outputs;
    uint stride; // of a row in vec4
    float own;
    float others;
};

void main() {
    begin();
    uint row = gl_GlobalInvocationID.x;
    if (row >= now.rows) {
        return;
    }
    uint x = now.place + row;
    x = (x ^ (x >> 16)) * 0x21f0aaadu;
    x = (x ^ (x >> 15)) * 0xd35a2d97u;
    uint drawn = (x ^ (x >> 15)) % outputs;
    uint z = 4 * stride * row;
    for (uint k = 0; k < 4 * stride; k++) {
        derivative[z + k] = k < outputs ? now.share * (k == drawn ? own : others) : 0;
    }
}
