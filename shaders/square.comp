#version 450
#extension GL_GOOGLE_include_directive : require

// The squares of numbers of a batch, a row a sample, in their place; of derivatives of the
// mean over the samples those of the derivatives of single samples.

#include "invocation.glsl"
#include "step.glsl"

layout(constant_id = 1) const bool DERIVATIVES = false;

layout(std430, set = 0, binding = 1) buffer Numbers { vec4 numbers[]; };

layout(push_constant) uniform Push {
    uint stride; // of a row, in vec4
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    float scale = DERIVATIVES ? float(now.rows) : 1;
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        vec4 x = scale * numbers[row * stride + column];
        numbers[row * stride + column] = x * x;
    }
}
