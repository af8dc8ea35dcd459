#version 450
#extension GL_GOOGLE_include_directive : require

// The sum of s theta over all single weights of a matrix, in the place of the biases, from the
// sums of its rows: one workgroup adds them up.

#include "invocation.glsl"

layout(std430, set = 0, binding = 0) buffer Mixture { float mixture[]; };

layout(push_constant) uniform Push {
    uint rows;
};

shared float lanes[LOCAL_SIZE];

void main() {
    begin();
    uint lane = gl_LocalInvocationID.x;
    float sum = 0;
    for (uint row = lane; row < rows - 1; row += LOCAL_SIZE) {
        sum += mixture[row];
    }
    lanes[lane] = sum;
    barrier();
    if (lane > 0) {
        return;
    }
    for (uint i = 1; i < LOCAL_SIZE; i++) {
        sum += lanes[i];
    }
    mixture[rows - 1] = sum;
}
