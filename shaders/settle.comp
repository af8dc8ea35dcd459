#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of a matrix of parameters from its sums over blocks of SHARE samples, and
// perhaps the update. Of convolutions and batch norms; gradient does both of dense layers.

#include "invocation.glsl"
#include "step.glsl"
#define OPTIMISER_CONSTANTS 1
#include "optimiser.glsl"
layout(constant_id = 6) const bool KEEP = false;  // leave the gradients behind
layout(constant_id = 7) const bool UPDATE = true; // move the parameters

layout(std430, set = 0, binding = 1) readonly buffer Partials { vec4 partials[]; }; // a matrix a block
layout(std430, set = 0, binding = 2) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 3) buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 4) buffer Second { vec4 secondMoment[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Gradient { vec4 gradient[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
    uint weights; // rows that decay
    uint share;   // samples of a block
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, blocks = (now.rows + share - 1) / share;
    if (column >= stride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 g = vec4(0);
        for (uint block = 0; block < blocks; block++) {
            g += partials[block * rows * stride + at];
        }
        if (UPDATE) {
            vec4 w = parameters[at], m = firstMoment[at], v = HAS_SECOND ? secondMoment[at] : vec4(0);
            optimise(w, m, v, g, row < weights);
            parameters[at] = w;
            firstMoment[at] = m;
            if (HAS_SECOND) {
                secondMoment[at] = v;
            }
        }
        if (KEEP) {
            gradient[at] = g;
        }
    }
}
