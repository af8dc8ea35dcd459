// How a sample was judged.

struct Outcome {
    float loss;
    uint correct; // 1 if its largest logit was its class; in regression 0
};
