#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative with respect to a = activation(s u), through activation and gate to u, at a
// point whose players multiply many numbers each, and their contributions c. A workgroup
// takes the numbers of one player and one sample.

#include "invocation.glsl"
#include "step.glsl"
#include "numbers.glsl"
#define ACTIVATION_CONSTANT 1
#include "activation.glsl"
layout(constant_id = 2) const bool ADD = false;    // to what other points contributed
layout(constant_id = 3) const bool COUNTS = false; // contributions are asked for

layout(set = 0, binding = 1) uniform textureBuffer affine;     // single numbers
layout(set = 0, binding = 2) uniform textureBuffer derivative; // likewise, of the numbers that become the result
layout(std430, set = 0, binding = 3) readonly buffer Players { float players[]; }; // participations come first
layout(std430, set = 0, binding = 4) writeonly buffer Result { float result[]; };
layout(std430, set = 0, binding = 5) buffer Contributions { float contributions[]; }; // a row a sample

layout(push_constant) uniform Push {
    uint stride; // of a row of the batch
    uint playerStride;
    uint inner;  // numbers that a player multiplies
};

shared float parts[COUNTS ? LOCAL_SIZE : 1];

void main() {
    begin();
    uint player = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
    float s = players[player];
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        float c = 0;
        for (uint i = lane; i < inner; i += LOCAL_SIZE) {
            uint at = row * stride + player * inner + i;
            float u = texelFetch(affine, int(at)).x, z = s * u, dz = texelFetch(derivative, int(at)).x;
            dz = ACTIVATION == RELU ? (z > 0 ? dz : 0) : dz * slope(vec4(z)).x;
            result[at] = s * dz;
            c += dz == 0 ? 0 : float(now.rows) * dz * u; // u may be infinite where the rectifier is closed
        }
        if (COUNTS) {
            parts[lane] = c;
            barrier();
            if (lane == 0) {
                for (uint i = 1; i < LOCAL_SIZE; i++) {
                    c += parts[i];
                }
                uint to = row * playerStride + player;
                contributions[to] = ADD ? contributions[to] + c : c;
            }
            barrier();
        }
    }
}
