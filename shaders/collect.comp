#version 450
#extension GL_GOOGLE_include_directive : require

// The contributions of the players of all gates, where no parameters are trained;
// otherwise gradient does it.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "jobs.glsl"

layout(constant_id = 1) const uint BLOCK = 16; // samples of a block

layout(std430, set = 0, binding = 2) readonly buffer Sums { vec4 sums[]; }; // as backward leaves them
layout(std430, set = 0, binding = 3) buffer Players { vec4 players[]; };

layout(push_constant) uniform Push {
    uint first;  // job
    uint gates;
    uint blocks; // rows of each matrix in Sums
};

vec4 sumAt(uint place) { return sums[place]; }

#include "contributions.glsl"

void main() {
    begin();
    contribute(jobs[jobOf(group(), first, gates)], group(), blocks);
}
