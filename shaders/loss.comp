#version 450
#extension GL_GOOGLE_include_directive : require

// The loss of a batch, for networks with many outputs; for others output does it.

#include "invocation.glsl"
#include "step.glsl"

layout(std430, set = 0, binding = 1) readonly buffer Result { float result[]; };

layout(push_constant) uniform Push {
    uint outputs;
    uint outStride; // of a row in vec4
};

#define LOSS_CONSTANTS 1
#define LOSS_BINDINGS 2
#include "loss.glsl"

void main() {
    begin();
    uint row = gl_GlobalInvocationID.x;
    if (row < now.rows) {
        sampleLoss(row);
    }
}
