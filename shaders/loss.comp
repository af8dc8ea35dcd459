#version 450
#extension GL_GOOGLE_include_directive : require

// Softmax cross-entropy of each sample, whether its largest logit is its class,
// and the derivative of the batch's mean loss with respect to the logits.

#include "invocation.glsl"
#include "step.glsl"

layout(std430, set = 0, binding = 1) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 2) readonly buffer Labels { uint labels[]; }; // four bytes a word
layout(std430, set = 0, binding = 3) readonly buffer Logits { float logits[]; };
layout(std430, set = 0, binding = 4) buffer Derivative { float derivative[]; };

struct Outcome {
    float loss;
    uint correct;
};
layout(std430, set = 0, binding = 5) writeonly buffer Outcomes { Outcome outcomes[]; };

layout(push_constant) uniform Push {
    uint outputs;
    uint stride; // of a row in vec4
};

void main() {
    uint row = gl_GlobalInvocationID.x;
    if (row >= now.rows) {
        return;
    }
    uint position = now.first + row;
    uint sampled = order[position];
    uint label = (labels[sampled / 4] >> (8 * (sampled % 4))) & 255;
    uint z = 4 * stride * row;

    uint best = 0; // the first of equals
    for (uint k = 1; k < outputs; k++) {
        if (logits[z + k] > logits[z + best]) {
            best = k;
        }
    }
    float largest = logits[z + best];
    float sum = 0;
    for (uint k = 0; k < outputs; k++) {
        float p = exp(logits[z + k] - largest);
        derivative[z + k] = p;
        sum += p;
    }
    for (uint k = 0; k < 4 * stride; k++) {
        float d = k < outputs ? derivative[z + k] * (now.share / sum) : 0;
        derivative[z + k] = k == label ? d - now.share : d;
    }
    outcomes[position] = Outcome(largest - logits[z + label] + log(sum), uint(best == label));
}
