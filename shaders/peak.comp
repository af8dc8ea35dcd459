#version 450
#extension GL_GOOGLE_include_directive : require

// Multiply-adds in registers and nothing else: what the device computes at most.
// Three vectors are enough to hide how long one takes, and fit the registers of a
// CPU. All sums stay what they were, but no compiler knows that; and no two begin
// alike, since a compiler that sees that two are always the same adds up one of them.

#include "invocation.glsl"

layout(std430, set = 0, binding = 0) writeonly buffer Result { vec4 result[]; };

layout(push_constant) uniform Push {
    uint turns;
    float factor; // 1
    float summand; // 0
};

#define ONCE a = fma(a, x, y); b = fma(b, x, y); c = fma(c, x, y);
#define FOUR_TIMES ONCE ONCE ONCE ONCE

void main() {
    begin();
    vec4 a = gl_GlobalInvocationID.x + vec4(0, 1, 2, 3), b = a + 4, c = a + 8;
    vec4 x = vec4(factor), y = vec4(summand);
    for (uint turn = 0; turn < turns; turn++) {
        FOUR_TIMES
        FOUR_TIMES
        FOUR_TIMES
        FOUR_TIMES
    }
    result[gl_GlobalInvocationID.x] = a + b + c;
}
