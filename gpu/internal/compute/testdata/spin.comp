#version 450
#extension GL_GOOGLE_include_directive : require
// Takes long: rounds steps in every workgroup. (Mesa's llvmpipe leaves loops
// after 65535.)
#include "../../../../shaders/mark.glsl"
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer State { uint state[]; };
layout(push_constant) uniform Push { uint rounds; };

void main() {
	begin();
	uint x = gl_WorkGroupID.x;
	for (uint i = 0; i < rounds; i++)
		x = 1664525u * x + (x >> 16) + 1013904223u;
	atomicAdd(state[0], x);
}
