#version 450
#extension GL_GOOGLE_include_directive : require

// The update of a matrix of parameters with a gradient that had to wait.

#include "invocation.glsl"
#include "step.glsl"
#define OPTIMISER_CONSTANTS 1
#include "optimiser.glsl"

layout(std430, set = 0, binding = 1) readonly buffer Factor { float factor; };
layout(std430, set = 0, binding = 2) readonly buffer Gradient { vec4 gradient[]; };
layout(std430, set = 0, binding = 3) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 4) buffer First { vec4 firstMoment[]; };
layout(std430, set = 0, binding = 5) buffer Second { vec4 secondMoment[]; };

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
    uint weights; // rows that decay
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        uint at = row * stride + column;
        vec4 w = parameters[at], m = firstMoment[at], v = HAS_SECOND ? secondMoment[at] : vec4(0);
        optimise(w, m, v, factor * gradient[at], row < weights);
        parameters[at] = w;
        firstMoment[at] = m;
        if (HAS_SECOND) {
            secondMoment[at] = v;
        }
    }
}
