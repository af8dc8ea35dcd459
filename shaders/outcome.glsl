// The loss of a sample.

struct Outcome {
    float loss;
    uint correct; // 1 if its largest logit was its class; in regression 0
};
