#version 450
#extension GL_GOOGLE_include_directive : require

// Turns to the next step of the plan.

#include "mark.glsl"
#define STATE_ACCESS
#include "step.glsl"

layout(local_size_x = 1) in;

layout(std430, set = 0, binding = 1) readonly buffer Plan { Step plan[]; };

void main() {
    begin();
    now = plan[cursor];
    cursor = now.next;
}
