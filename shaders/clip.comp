#version 450
#extension GL_GOOGLE_include_directive : require

// The second stage: one workgroup adds up the sums of all layers, and finds what
// gradients are to be multiplied with, 1 where they are not too long. A length that
// is no number is left for the update to pass on.

#include "invocation.glsl"
#include "clip.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Squares { vec2 squares[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Factor { float factor; };

layout(push_constant) uniform Push {
    uint count; // of the sums
};

// Of what is larger the other sum is as good: it is above 1e-9.
const float LARGE = 1e30;

shared vec2 lanes[LOCAL_SIZE];

void main() {
    begin();
    uint lane = gl_LocalInvocationID.x;
    vec2 sum = vec2(0);
    for (uint i = lane; i < count; i += LOCAL_SIZE) {
        sum += squares[i];
    }
    lanes[lane] = sum;
    barrier();
    if (lane > 0) {
        return;
    }
    for (uint i = 1; i < LOCAL_SIZE; i++) {
        sum += lanes[i];
    }
    float clipped = 1;
    if (sum.x > LARGE) {
        clipped = SMALL / sqrt(sum.y);
    } else if (sum.x > 1) {
        clipped = 1 / sqrt(sum.x);
    }
    factor = clipped;
}
