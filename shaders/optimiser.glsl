// The weight update. Specialisation constants 1 to 5 of a kernel are its own.

layout(constant_id = 1) const bool ADAM = true;
layout(constant_id = 2) const float FIRST_SHARE = 0.1;    // 1 - beta1; for SGD its momentum
layout(constant_id = 3) const float SECOND_SHARE = 0.001; // 1 - beta2
layout(constant_id = 4) const float EPSILON = 1e-8;

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
