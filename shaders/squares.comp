#version 450
#extension GL_GOOGLE_include_directive : require

// Of the gradients of some matrices, sums of squares: the first stage of the length of
// all gradients together. A matrix has one sum for SUMMED vec4, but MOST at most. Each is
// over vec4 that lie as far apart as the matrix has sums, one after the other.

#include "invocation.glsl"
#include "jobs.glsl"
#include "clip.glsl"

layout(constant_id = 1) const uint SUMMED = 32;
layout(constant_id = 2) const uint MOST = 4096;

layout(std430, set = 0, binding = 0) readonly buffer Gradient { vec4 gradient[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Squares { vec2 squares[]; };

layout(push_constant) uniform Push {
    uint first;    // job of a matrix
    uint matrices;
    uint firstSum; // place of the first sum
    float scale;   // 1 / the length to clip to
};

void main() {
    begin();
    uint place = gl_GlobalInvocationID.x;
    for (uint j = first; j < first + matrices; j++) {
        Job matrix = jobs[j];
        uint count = (4 * matrix.inStride + 1) * matrix.outStride;
        uint sums = min((count + SUMMED - 1) / SUMMED, MOST);
        if (place < sums) {
            vec2 sum = vec2(0);
            for (uint i = place; i < count; i += sums) {
                vec4 g = scale * gradient[matrix.target + i], small = SMALL * g;
                sum += vec2(dot(g, g), dot(small, small));
            }
            squares[firstSum + gl_GlobalInvocationID.x] = sum;
            return;
        }
        place -= sums;
    }
}
