// The weight update. Its four specialisation constants begin at
// OPTIMISER_CONSTANTS.

layout(constant_id = OPTIMISER_CONSTANTS) const bool ADAM = true;
layout(constant_id = OPTIMISER_CONSTANTS + 1) const float FIRST_SHARE = 0.1; // 1 - beta1; for SGD its momentum
layout(constant_id = OPTIMISER_CONSTANTS + 2) const float SECOND_SHARE = 0.001; // 1 - beta2
layout(constant_id = OPTIMISER_CONSTANTS + 3) const float EPSILON = 1e-8;

// optimise moves the parameters w by one step of the optimiser, and the moments m
// and v with them: Adam (arXiv:1412.6980, algorithm 1) or SGD with momentum.
void optimise(inout vec4 w, inout vec4 m, inout vec4 v, vec4 g) {
    if (ADAM) {
        m += FIRST_SHARE * (g - m);
        v += SECOND_SHARE * (g * g - v);
        w -= now.rate * m / (sqrt(v * now.secondScale) + EPSILON);
    } else {
        m = FIRST_SHARE * m + g;
        w -= now.rate * m;
    }
}
