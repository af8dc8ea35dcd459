#version 450
#extension GL_GOOGLE_include_directive : require
// y = factor * x + SHIFT, or its negative.
#include "../../../../shaders/mark.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL_SIZE = 64;
layout(constant_id = 1) const float SHIFT = 0;
layout(constant_id = 2) const bool NEGATE = false;
layout(std430, set = 0, binding = 0) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Output { float y[]; };
layout(push_constant) uniform Push { uint count; float factor; int stride; };

void main() {
	begin();
	uint i = gl_GlobalInvocationID.x;
	if (i < count) {
		float sum = factor * x[i * stride] + SHIFT;
		y[i] = NEGATE ? -sum : sum;
	}
}
