#version 450
#extension GL_GOOGLE_include_directive : require
#include "invocation.glsl"

layout(constant_id = 1) const bool NEGATE = false; // subtract instead

layout(std430, set = 0, binding = 0) readonly buffer Left { float left[]; };
layout(std430, set = 0, binding = 1) readonly buffer Right { float right[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Sum { float sum[]; };
layout(push_constant) uniform Push { uint count; int shift; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < count) {
    float other = right[int(i) + shift];
    sum[i] = left[i] + (NEGATE ? -other : other);
  }
}
