#version 450
#extension GL_GOOGLE_include_directive : require

// Of a layer's gradient, sums of squares: the first stage of the length of all
// gradients together. Each is over numbers that lie as far apart as there are sums,
// one after the other.

#include "invocation.glsl"
#include "clip.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Gradient { vec4 gradient[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Squares { vec2 squares[]; };

layout(push_constant) uniform Push {
    uint count; // of the gradient, in vec4
    uint sums;  // of this gradient
    uint first; // place of the first of them
    float scale; // 1 / the length to clip to
};

void main() {
    begin();
    uint place = gl_GlobalInvocationID.x;
    if (place >= sums) {
        return;
    }
    vec2 sum = vec2(0);
    for (uint i = place; i < count; i += sums) {
        vec4 g = scale * gradient[i], small = SMALL * g;
        sum += vec2(dot(g, g), dot(small, small));
    }
    squares[first + place] = sum;
}
