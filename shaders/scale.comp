#version 450
#extension GL_GOOGLE_include_directive : require
#include "invocation.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Input { float inputs[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Output { float outputs[]; };
layout(push_constant) uniform Push { uint count; float factor; };

void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < count) {
    outputs[i] = factor * inputs[i];
  }
}
