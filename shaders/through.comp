#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative with respect to a = activation(s u), through activation and gate to u,
// where no product that follows does it on its way. Per BLOCK samples it sums up what
// players need: c and c^2, with c over all numbers of a player. Where a gate has several
// points, the contributions of each sample are added up over them before they are squared.

#include "invocation.glsl"
#include "step.glsl"
#include "numbers.glsl"
layout(constant_id = 1) const uint BLOCK = 16;
#define ACTIVATION_CONSTANT 2
#include "activation.glsl"
layout(constant_id = 3) const uint POINT = 0; // 0 the only one, 1 the first, 2 another, 3 the last

layout(std430, set = 0, binding = 1) readonly buffer Affine { float affine[]; };
layout(std430, set = 0, binding = 2) readonly buffer Players { float players[]; }; // participations come first
layout(std430, set = 0, binding = 3) buffer Result { float result[]; };
layout(std430, set = 0, binding = 4) buffer Contributions { float contributions[]; }; // a row a sample
layout(std430, set = 0, binding = 5) writeonly buffer Sums { float sums[]; };         // two matrices of a row a block

layout(push_constant) uniform Push {
    uint stride; // of a row of the batch
    uint count;  // players
    uint playerStride;
    uint inner;  // numbers that a player multiplies
    uint blocks; // rows of each matrix of sums
};

// through takes one derivative to u, and returns the contribution dz u.
float through(uint at, float s) {
    float u = affine[at], z = s * u, d = result[at];
    if (ACTIVATION == RELU && !(z > 0)) { // u may be infinite
        result[at] = 0;
        return 0;
    }
    float dz = d * slope(vec4(z)).x;
    result[at] = s * dz;
    return dz * u;
}

void main() {
    begin();
    uint player = gl_GlobalInvocationID.x;
    if (player >= playerStride) {
        return;
    }
    uint used = (now.rows + BLOCK - 1) / BLOCK;
    for (uint block = gl_WorkGroupID.y; block < used; block += gl_NumWorkGroups.y) {
        float mean = 0, square = 0;
        for (uint row = block * BLOCK; row < min(now.rows, (block + 1) * BLOCK); row++) {
            float c = 0;
            if (player < count) {
                for (uint i = 0; i < inner; i++) {
                    c += float(now.rows) * through(row * stride + player * inner + i, players[player]);
                }
            }
            if (POINT == 1) {
                contributions[row * playerStride + player] = c;
            } else if (POINT > 1) {
                c += contributions[row * playerStride + player];
                if (POINT == 2) {
                    contributions[row * playerStride + player] = c;
                }
            }
            mean += c;
            square += c * c;
        }
        if (POINT == 0 || POINT == 3) {
            sums[block * playerStride + player] = mean;
            sums[(blocks + block) * playerStride + player] = square;
        }
    }
}
