// The loss of each sample, and the derivative of the batch's mean loss with respect to
// the outputs. Of classes: softmax cross-entropy, and whether the largest logit is the
// sample's class. Of targets: the mean squared error of a sample's outputs.
//
// What includes this declares float result[], a row of 4 * outStride a sample of which
// outputs count. The four specialisation constants begin at LOSS_CONSTANTS, the five
// buffers at LOSS_BINDINGS.

#include "outcome.glsl"

layout(constant_id = LOSS_CONSTANTS) const bool TARGETS = false; // targets, not classes
// What a class counts of the label: of the sample's own class and of any other.
layout(constant_id = LOSS_CONSTANTS + 1) const float OWN = 1;
layout(constant_id = LOSS_CONSTANTS + 2) const float OTHER = 0;
layout(constant_id = LOSS_CONSTANTS + 3) const bool WEIGHTED = false; // classes have weights

layout(std430, set = 0, binding = LOSS_BINDINGS) readonly buffer Order { uint order[]; };
layout(std430, set = 0, binding = LOSS_BINDINGS + 1) readonly buffer Answers { uint answers[]; }; // labels, four bytes a word, or a float an output
layout(std430, set = 0, binding = LOSS_BINDINGS + 2) readonly buffer Weights { float weights[]; }; // one a class
layout(std430, set = 0, binding = LOSS_BINDINGS + 3) buffer Derivative { float derivative[]; };
layout(std430, set = 0, binding = LOSS_BINDINGS + 4) writeonly buffer Outcomes { Outcome outcomes[]; };

void lossOfTargets(uint row) {
    uint position = now.first + row;
    uint target = order[position] * outputs;
    uint z = 4 * outStride * row;
    float sum = 0;
    for (uint k = 0; k < 4 * outStride; k++) {
        float error = 0;
        if (k < outputs) {
            error = result[z + k] - uintBitsToFloat(answers[target + k]);
        }
        sum += error * error;
        derivative[z + k] = 2 * now.share / float(outputs) * error;
    }
    outcomes[position] = Outcome(sum / float(outputs), 0);
}

void lossOfClass(uint row) {
    uint position = now.first + row;
    uint sampled = order[position];
    uint label = (answers[sampled / 4] >> (8 * (sampled % 4))) & 255;
    uint z = 4 * outStride * row;
    float weight = WEIGHTED ? weights[label] : 1;

    uint best = 0; // the first of equals
    for (uint k = 1; k < outputs; k++) {
        if (result[z + k] > result[z + best]) {
            best = k;
        }
    }
    float largest = result[z + best];
    float sum = 0, loss = 0;
    for (uint k = 0; k < outputs; k++) {
        float below = largest - result[z + k];
        float p = exp(-below);
        derivative[z + k] = p;
        sum += p;
        float q = k == label ? OWN : OTHER;
        if (q > 0) { // since what is below may be infinite
            loss += q * below;
        }
    }
    float share = weight * now.share;
    for (uint k = 0; k < 4 * outStride; k++) {
        float q = k == label ? OWN : OTHER;
        derivative[z + k] = k < outputs ? derivative[z + k] * (share / sum) - share * q : 0;
    }
    outcomes[position] = Outcome(weight * (loss + log(sum)), uint(best == label));
}

void sampleLoss(uint row) {
    if (TARGETS) {
        lossOfTargets(row);
    } else {
        lossOfClass(row);
    }
}
