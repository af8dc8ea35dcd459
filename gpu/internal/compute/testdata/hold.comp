#version 450
#extension GL_GOOGLE_include_directive : require
// Once it has run as often as it may pass it takes very long, with as many workgroups
// as there may be: atomic operations wait for each other. (Mesa's llvmpipe leaves
// loops after 65535 rounds, within each other or not.)
#include "../../../../shaders/mark.glsl"
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer Gate { uint passed, held; };
layout(push_constant) uniform Push { uint passes; };

void main() {
	begin();
	if (atomicAdd(passed, 1) < passes * gl_NumWorkGroups.x)
		return;
	for (uint i = 0; i < 65535; i++) { // 34 billion operations in all: half a minute where one takes a nanosecond
		atomicAdd(held, 1), atomicAdd(held, 1), atomicAdd(held, 1), atomicAdd(held, 1);
		atomicAdd(held, 1), atomicAdd(held, 1), atomicAdd(held, 1), atomicAdd(held, 1);
	}
}
