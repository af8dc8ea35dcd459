#version 450
#extension GL_GOOGLE_include_directive : require

// Numbers of every sample from one tensor to another: what sums, concatenations, gates of
// inputs and activations that follow no product are made of, in either direction.

#include "invocation.glsl"
#include "step.glsl"
#include "numbers.glsl"
layout(constant_id = 1) const bool ADD = false; // to what the target holds
#define ACTIVATION_CONSTANT 2
#include "activation.glsl"
layout(constant_id = 3) const uint DO = 0;     // 0 copy, 1 activation, 2 slope at Value, 3 participation
layout(constant_id = 4) const uint LISTED = 0; // 0 none, 1 the source, 2 the target

layout(std430, set = 0, binding = 1) readonly buffer Source { float source[]; };
layout(std430, set = 0, binding = 2) readonly buffer Value { float value[]; }; // in rows of the target
layout(std430, set = 0, binding = 3) readonly buffer Players { float players[]; }; // participations come first
layout(std430, set = 0, binding = 4) readonly buffer List { uint list[]; };
layout(std430, set = 0, binding = 5) buffer Target { float target[]; };

layout(push_constant) uniform Push {
    uint width; // numbers of a sample
    uint clear; // and how many behind them become zero
    uint sourceStride;
    uint sourceOffset;
    uint targetStride;
    uint targetOffset;
    uint inner; // numbers that a player multiplies
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= width + clear) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        if (column >= width) {
            target[row * targetStride + targetOffset + column] = 0;
            continue;
        }
        uint from = row * sourceStride + sourceOffset + (LISTED == 1 ? list[column] : column);
        uint to = row * targetStride + targetOffset + (LISTED == 2 ? list[column] : column);
        float number = source[from];
        if (DO == 1) {
            number = activation(vec4(number)).x;
        } else if (DO == 2) {
            number *= slope(vec4(value[to])).x;
        } else if (DO == 3) {
            number *= players[column / inner];
        }
        target[to] = ADD ? target[to] + number : number;
    }
}
