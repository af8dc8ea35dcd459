#version 450
#extension GL_GOOGLE_include_directive : require

// Numbers of every sample from one tensor to another: what sums, concatenations, activations
// that nothing joins and the effects of players are made of, in either direction. An
// invocation takes a number of each sample, or four where all rows and offsets are in fours.

#include "invocation.glsl"
#include "step.glsl"
#include "numbers.glsl"
layout(constant_id = 1) const bool ADD = false; // to what the target holds
#define ACTIVATION_CONSTANT 2
#include "activation.glsl"
layout(constant_id = 3) const uint DO = 0;     // 0 copy, 1 activation, 2 slope at Value, 3 participation
layout(constant_id = 4) const uint LISTED = 0; // 0 none, 1 the source, 2 the target
layout(constant_id = 5) const bool FOURS = false;

layout(set = 0, binding = 1) uniform textureBuffer source;
layout(set = 0, binding = 2) uniform textureBuffer value; // in rows of the target
layout(std430, set = 0, binding = 3) readonly buffer Players { float players[]; }; // participations come first
layout(std430, set = 0, binding = 4) readonly buffer List { uint list[]; };
layout(std430, set = 0, binding = 5) buffer Target { vec4 target[]; };

layout(push_constant) uniform Push {
    uint width; // numbers of a sample
    uint clear; // and how many behind them become zero
    uint sourceStride;
    uint sourceOffset;
    uint targetStride;
    uint targetOffset;
    uint inner; // numbers that a player multiplies
};

// make returns what becomes of numbers that go to some place, in fours.
vec4 make(vec4 numbers, uint to) {
    if (DO == 2) {
        return numbers * slope(texelFetch(value, int(to)));
    }
    return DO == 1 ? activation(numbers) : numbers;
}

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x * (FOURS ? 4 : 1);
    if (column >= width + clear) {
        return;
    }
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint from = row * sourceStride + sourceOffset + (LISTED == 1 && column < width ? list[column] : column);
        uint to = row * targetStride + targetOffset + (LISTED == 2 ? list[column] : column);
        if (FOURS) {
            vec4 four = make(texelFetch(source, int(from / 4)), to / 4);
            target[to / 4] = ADD ? target[to / 4] + four : four;
            continue;
        }
        if (column >= width) {
            target[to / 4][to % 4] = 0;
            continue;
        }
        float number = texelFetch(source, int(from / 4))[from % 4];
        number = DO == 3 ? number * players[column / inner] : make(vec4(number), to / 4)[to % 4];
        target[to / 4][to % 4] = ADD ? target[to / 4][to % 4] + number : number;
    }
}
