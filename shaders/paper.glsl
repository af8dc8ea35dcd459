// One move of a player of the game of arXiv:2512.22106 that does not draw its participation.
// game.Paper has the equations. Its constants begin at UPDATE, and what includes it has the
// push constants alpha, beta, gamma, eta and rate.

#include "numbers.glsl"

layout(constant_id = 1) const uint UPDATE = 0;  // 0 none, 1 gradient ascent, 2 best response, 3 ascent by Adam, 4 gates that are drawn
layout(constant_id = 2) const uint BENEFIT = 0; // 0 printed, 1 descent, 2 absolute
layout(constant_id = 3) const bool EFFECTIVE = false; // the gradient is that with respect to s theta

// Of ascent by Adam, as game.Paper has them.
const float FIRST_SHARE = 0.1;    // 1 - beta1
const float SECOND_SHARE = 0.001; // 1 - beta2
const float EPSILON = 1e-8;
const float LIMIT = 4611686018427387904.0; // of slopes, 2^62

// ascend returns the participation after a step from s, back between 0 and 1.
float ascend(float s, float by) {
    float ascended = s + rate * by;
    return notNumbers(vec4(ascended)).x ? ascended : clamp(ascended, 0, 1); // which leaves NaN out
}

// adam returns the direction of ascent by Adam, and moves the moments of a slope.
float adam(float slope, inout float first, inout float second) {
    slope = notNumbers(vec4(slope)).x ? slope : clamp(slope, -LIMIT, LIMIT);
    first += FIRST_SHARE * (slope - first);
    second += SECOND_SHARE * (slope * slope - second);
    return first * now.firstSlope / (sqrt(second * now.secondSlope) + EPSILON);
}

// slopeAtZero returns dU/ds at s = 0, less what a player pays by s alone.
float slopeAtZero(float s, float meanContribution, float competition) {
    float gradient = EFFECTIVE ? meanContribution : s * meanContribution; // <dL/d(s theta), theta> or <dL/dtheta, theta>
    float benefit = alpha * (BENEFIT == 1 ? -gradient : BENEFIT == 2 ? abs(gradient) : gradient);
    float toll = UPDATE == 4 ? 0 : gamma; // which drawn gates pay for being open
    toll = eta == 0 ? toll : toll + eta * competition; // which may be infinite
    return benefit - toll;
}

// moved returns the participation after one move of a player from s, and moves the moments of
// its slope.
float moved(float s, float slope, float curvature, inout float first, inout float second) {
    if (UPDATE == 1) {
        return ascend(s, slope - curvature * s);
    }
    if (UPDATE == 3) {
        return ascend(s, adam(slope - curvature * s, first, second));
    }
    float response = slope / curvature; // above 1 where a quotient, within 2.5 ulp, comes out so
    if (slope <= 0) {
        response = 0;
    } else if (slope >= curvature || response > 1) {
        response = 1;
    }
    return s + rate * (response - s);
}
