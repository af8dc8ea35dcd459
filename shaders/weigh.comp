#version 450
#extension GL_GOOGLE_include_directive : require

// The mean square of the derivatives of single samples with respect to a matrix of parameters,
// over the batches of a pass: from the sum over a batch of their squares, or from the
// derivatives of the mean, a matrix a sample. Or the mean of the derivatives themselves.

#include "invocation.glsl"
#include "step.glsl"

layout(constant_id = 1) const uint SUM = 0; // 0 of squares, 1 of squares of a matrix a sample, 2 a mean of derivatives

layout(std430, set = 0, binding = 1) readonly buffer Derivatives { vec4 derivatives[]; };
layout(std430, set = 0, binding = 2) buffer Squares { vec4 squares[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 sum = vec4(0);
        if (SUM == 1) {
            for (uint k = 0; k < now.rows; k++) {
                vec4 g = float(now.rows) * derivatives[k * rows * stride + at];
                sum += g * g;
            }
        } else {
            sum = derivatives[at];
        }
        vec4 value = SUM == 2 ? sum : now.share * sum, old = squares[at]; // of something else where this batch counts in full
        squares[at] = now.memory < 1 ? old + now.memory * (value - old) : value;
    }
}
