#version 450
// As next, one word, so many times that it takes long.
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer State { uint state[]; };
layout(push_constant) uniform Push { uint rounds; };

void main() {
	uint x = state[0];
	for (uint i = 0; i < rounds; i++)
		x = 1664525u * x + (x >> 16) + 1013904223u;
	state[0] = x;
}
