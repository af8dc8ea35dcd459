#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative of a pool's inputs. Each input gathers those of the windows that it lies in,
// of a max pool only where it is the largest.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"

layout(set = 0, binding = 1) uniform textureBuffer places;     // of the largest numbers, in their channels
layout(set = 0, binding = 2) uniform textureBuffer derivative; // single numbers, of the outputs
layout(std430, set = 0, binding = 3) buffer Result { float result[]; };
layout(constant_id = 2) const bool ADD = false; // to what other stages left
// In how many windows an input lies at most; llvmpipe takes its time for loops.
layout(constant_id = 3) const uint WINDOWS_Y = 1;
layout(constant_id = 4) const uint WINDOWS_X = 1;

#include "window.glsl"

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, size = inHeight * inWidth;
    if (column >= channels * size) {
        return;
    }
    uint channel = divide(column, size), position = column - channel * size;
    // The windows that the input lies in, from first up to last, y before x.
    uvec2 inside = uvec2(position / inWidth + paddingY, position % inWidth + paddingX);
    uvec2 kernel = uvec2(kernelHeight, kernelWidth), stride = uvec2(strideY, strideX);
    uvec2 first = (max(inside + stride, kernel) - kernel) / stride, last = min(inside / stride + 1, uvec2(outHeight, outWidth));
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        float d = 0;
        for (uint i = 0; i < WINDOWS_Y; i++) {
            for (uint j = 0; j < WINDOWS_X; j++) {
                uvec2 at = first + uvec2(i, j), real = min(at, uvec2(outHeight, outWidth) - 1);
                int window = int(row * outStride + (channel * outHeight + real.x) * outWidth + real.y);
                bool counts = all(lessThan(at, last)) && (!LARGEST || uint(texelFetch(places, window).x) == position);
                d += counts ? texelFetch(derivative, window).x : 0;
            }
        }
        if (!LARGEST) {
            d /= float(kernelHeight * kernelWidth);
        }
        uint at = row * inStride + column;
        result[at] = ADD ? result[at] + d : d;
    }
}
