#version 450
#extension GL_GOOGLE_include_directive : require
// One step of a linear congruential generator in every word: the result of many
// says whether each saw the one before.
#include "../../../../shaders/mark.glsl"
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) buffer State { uint state[]; };

void main() {
	begin();
	uint i = gl_GlobalInvocationID.x;
	if (i < state.length())
		state[i] = 1664525u * state[i] + 1013904223u;
}
