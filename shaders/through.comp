#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative with respect to a = activation(s u), through activation and gate to u,
// where no product that follows does it on its way and a player has one number. Per BLOCK
// samples it sums up what players need: c and c^2. Where a gate has several points, it leaves
// or adds the contributions of each sample instead, since they are added up before they are
// squared.

#include "invocation.glsl"
#include "step.glsl"
#include "numbers.glsl"
layout(constant_id = 1) const uint BLOCK = 16;
#define ACTIVATION_CONSTANT 2
#include "activation.glsl"
layout(constant_id = 3) const uint POINT = 0; // 0 the only one, 1 the first, 2 another

layout(std430, set = 0, binding = 1) readonly buffer Affine { float affine[]; };
layout(std430, set = 0, binding = 2) readonly buffer Players { float players[]; }; // participations come first
layout(std430, set = 0, binding = 3) buffer Result { float result[]; };
layout(std430, set = 0, binding = 4) buffer Contributions { float contributions[]; }; // a row a sample
layout(std430, set = 0, binding = 5) writeonly buffer Sums { float sums[]; };         // two matrices of a row a block

layout(push_constant) uniform Push {
    uint stride; // of a row of the batch, and of players
    uint count;  // players
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
    if (player >= stride) {
        return;
    }
    uint used = (now.rows + BLOCK - 1) / BLOCK;
    for (uint block = gl_WorkGroupID.y; block < used; block += gl_NumWorkGroups.y) {
        float mean = 0, square = 0;
        for (uint row = block * BLOCK; row < min(now.rows, (block + 1) * BLOCK); row++) {
            uint at = row * stride + player;
            float c = player < count ? float(now.rows) * through(at, players[player]) : 0;
            if (POINT > 0) {
                contributions[at] = POINT == 1 ? c : contributions[at] + c;
            }
            mean += c;
            square += c * c;
        }
        if (POINT == 0) {
            sums[block * stride + player] = mean;
            sums[(blocks + block) * stride + player] = square;
        }
    }
}
