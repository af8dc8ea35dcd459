#version 450
#extension GL_GOOGLE_include_directive : require

// Softmax cross-entropy of each sample, whether its largest logit is its class,
// and the derivative of the batch's mean loss with respect to the logits.

#include "invocation.glsl"
#include "step.glsl"
#include "outcome.glsl"

// What a class counts of the label: of the sample's own class and of any other.
layout(constant_id = 1) const float OWN = 1;
layout(constant_id = 2) const float OTHER = 0;
layout(constant_id = 3) const bool WEIGHTED = false; // classes have weights

layout(std430, set = 0, binding = 1) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = 2) readonly buffer Labels { uint labels[]; }; // four bytes a word
layout(std430, set = 0, binding = 3) readonly buffer Weights { float weights[]; }; // one a class
layout(std430, set = 0, binding = 4) readonly buffer Logits { float logits[]; };
layout(std430, set = 0, binding = 5) buffer Derivative { float derivative[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Outcomes { Outcome outcomes[]; };

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
    uint sampled = order[position];
    uint label = (labels[sampled / 4] >> (8 * (sampled % 4))) & 255;
    uint z = 4 * stride * row;
    float weight = WEIGHTED ? weights[label] : 1;

    uint best = 0; // the first of equals
    for (uint k = 1; k < outputs; k++) {
        if (logits[z + k] > logits[z + best]) {
            best = k;
        }
    }
    float largest = logits[z + best];
    float sum = 0, loss = 0;
    for (uint k = 0; k < outputs; k++) {
        float below = largest - logits[z + k];
        float p = exp(-below);
        derivative[z + k] = p;
        sum += p;
        float q = k == label ? OWN : OTHER;
        if (q > 0) { // since what is below may be infinite
            loss += q * below;
        }
    }
    float share = weight * now.share;
    for (uint k = 0; k < 4 * stride; k++) {
        float q = k == label ? OWN : OTHER;
        derivative[z + k] = k < outputs ? derivative[z + k] * (share / sum) - share * q : 0;
    }
    outcomes[position] = Outcome(weight * (loss + log(sum)), uint(best == label));
}
