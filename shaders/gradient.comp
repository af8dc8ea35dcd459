#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of a layer's weights over the batch, and their update with it.

#include "invocation.glsl"
#include "step.glsl"
#include "optimiser.glsl"

layout(constant_id = 5) const bool KEEP = false; // leave the gradient behind

layout(std430, set = 0, binding = 1) readonly buffer Below { vec4 below[]; };
layout(std430, set = 0, binding = 2) readonly buffer Derivative { vec4 derivative[]; };
layout(std430, set = 0, binding = 3) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 4) buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 5) buffer Second { vec4 secondMoment[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Gradient { vec4 gradient[]; };

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

void main() {
    uint column = gl_GlobalInvocationID.x;
    if (column >= outStride) {
        return;
    }
    for (uint four = gl_WorkGroupID.y; four < inStride; four += gl_NumWorkGroups.y) { // inputs
        vec4 sum[4];
        for (uint i = 0; i < 4; i++) {
            sum[i] = vec4(0);
        }
        for (uint row = 0; row < now.rows; row++) {
            vec4 a = below[row * inStride + four];
            vec4 d = derivative[row * outStride + column];
            for (uint i = 0; i < 4; i++) {
                sum[i] += a[i] * d;
            }
        }
        for (uint i = 0; i < 4; i++) {
            uint at = (4 * four + i) * outStride + column;
            vec4 w = parameters[at], m = firstMoment[at], v = ADAM ? secondMoment[at] : vec4(0);
            optimise(w, m, v, sum[i]);
            parameters[at] = w;
            firstMoment[at] = m;
            if (ADAM) {
                secondMoment[at] = v;
            }
            if (KEEP) {
                gradient[at] = sum[i];
            }
        }
    }
}
