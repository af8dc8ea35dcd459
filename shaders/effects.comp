#version 450
#extension GL_GOOGLE_include_directive : require

// The effects of a gate's players at one of its points, e = B du u with the derivative du of
// the mean with respect to u, for every sample and summed over the numbers of a player.

#include "invocation.glsl"
#include "step.glsl"

layout(constant_id = 1) const bool ADD = false; // to what other points left

layout(std430, set = 0, binding = 1) readonly buffer Derivative { float derivative[]; };
layout(std430, set = 0, binding = 2) readonly buffer Affine { float affine[]; };
layout(std430, set = 0, binding = 3) buffer Effects { float effects[]; }; // a row a sample

layout(push_constant) uniform Push {
    uint stride; // of a row of the batch
    uint count;  // players
    uint playerStride;
    uint inner;  // numbers that a player multiplies
};

void main() {
    begin();
    uint player = gl_GlobalInvocationID.x;
    if (player >= playerStride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint to = row * playerStride + player;
        float e = ADD ? effects[to] : 0;
        if (player < count) {
            for (uint i = 0; i < inner; i++) {
                uint at = row * stride + player * inner + i;
                float du = derivative[at];
                e += du == 0 ? 0 : float(now.rows) * du * affine[at]; // u may be infinite where the rectifier is closed
            }
        }
        effects[to] = e;
    }
}
