#version 450
#extension GL_GOOGLE_include_directive : require

// The effects of a gate's players at its only point, where each has one number: e = B du u
// with the derivative du of the mean with respect to u, for every sample.

#include "invocation.glsl"
#include "step.glsl"

layout(std430, set = 0, binding = 1) readonly buffer Derivative { vec4 derivative[]; };
layout(std430, set = 0, binding = 2) readonly buffer Affine { vec4 affine[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Effects { vec4 effects[]; }; // a row a sample

layout(push_constant) uniform Push {
    uint stride; // of a row
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 du = derivative[at];
        effects[at] = mix(float(now.rows) * du * affine[at], vec4(0), equal(du, vec4(0))); // u may be infinite where the rectifier is closed
    }
}
