#version 450
#extension GL_GOOGLE_include_directive : require

// The loss of regression: of each sample the mean squared error of its outputs,
// and the derivative of the batch's mean loss with respect to them.

#include "invocation.glsl"
#include "step.glsl"
#include "outcome.glsl"

layout(std430, set = 0, binding = 1) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 2) readonly buffer Targets { float targets[]; }; // as many a sample as outputs
layout(std430, set = 0, binding = 3) readonly buffer Predictions { float predictions[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Derivative { float derivative[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Outcomes { Outcome outcomes[]; };

layout(push_constant) uniform Push {
    uint outputs;
    uint stride; // of a row in vec4
};

void main() {
    begin();
    uint row = gl_GlobalInvocationID.x;
    if (row >= now.rows) {
        return;
    }
    uint position = now.first + row;
    uint target = order[position] * outputs;
    uint z = 4 * stride * row;
    float sum = 0;
    for (uint k = 0; k < 4 * stride; k++) {
        float error = 0;
        if (k < outputs) {
            error = predictions[z + k] - targets[target + k];
        }
        sum += error * error;
        derivative[z + k] = 2 * now.share / float(outputs) * error;
    }
    outcomes[position] = Outcome(sum / float(outputs), 0);
}
