// The weight update, by the rules of trainer.OptimiserKind. Its five
// specialisation constants begin at OPTIMISER_CONSTANTS.

const uint SGD = 0;
const uint RMSPROP = 1;
const uint ADAM = 2;
const uint ADAMW = 3;

layout(constant_id = OPTIMISER_CONSTANTS) const uint RULE = ADAM;
layout(constant_id = OPTIMISER_CONSTANTS + 1) const float FIRST_SHARE = 0.1; // of Adam 1 - beta1; of the others the momentum
layout(constant_id = OPTIMISER_CONSTANTS + 2) const float SECOND_SHARE = 0.001; // 1 - the memory of the second moment
layout(constant_id = OPTIMISER_CONSTANTS + 3) const float EPSILON = 1e-8;
layout(constant_id = OPTIMISER_CONSTANTS + 4) const float DECAY = 0; // of weights, added to their gradient

const bool HAS_SECOND = RULE >= RMSPROP;

// optimise moves parameters w by one step of the optimiser, and the moments m and
// v with them. Weights decay, biases do not.
void optimise(inout vec4 w, inout vec4 m, inout vec4 v, vec4 g, bool weights) {
    if (weights && DECAY != 0) {
        g += DECAY * w;
    }
    if (weights && RULE == ADAMW) {
        w *= now.shrink;
    }
    if (HAS_SECOND) {
        v += SECOND_SHARE * (g * g - v);
    }
    if (RULE >= ADAM) {
        m += FIRST_SHARE * (g - m);
        w -= now.rate * m / (sqrt(v * now.secondScale) + EPSILON);
        return;
    }
    m = FIRST_SHARE * m + (RULE == RMSPROP ? g / (sqrt(v) + EPSILON) : g);
    w -= now.rate * m;
}
