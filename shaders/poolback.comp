#version 450
#extension GL_GOOGLE_include_directive : require

// The derivative of a pool's inputs. Each input gathers those of the windows that it lies in,
// of a max pool only where it is the largest.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"

layout(set = 0, binding = 1) uniform textureBuffer below;      // single numbers
layout(set = 0, binding = 2) uniform textureBuffer derivative; // likewise, of the outputs
layout(std430, set = 0, binding = 3) buffer Result { float result[]; };
layout(constant_id = 2) const bool ADD = false; // to what other stages left

float numberAt(uint at) { return texelFetch(below, int(at)).x; }

#include "window.glsl"

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, size = inHeight * inWidth;
    if (column >= channels * size) {
        return;
    }
    uint channel = divide(column, size), position = column - channel * size;
    uint y = divide(position, inWidth), x = position - y * inWidth;
    // The windows from first up to last.
    uvec2 least = uvec2(y + paddingY, x + paddingX), kernel = uvec2(kernelHeight, kernelWidth), stride = uvec2(strideY, strideX);
    uvec2 first = (max(least + stride, kernel) - kernel) / stride;
    uvec2 last = min(least / stride + 1, uvec2(outHeight, outWidth));
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint from = row * inStride + channel * size, at = row * inStride + column;
        float d = 0;
        for (uint oy = first.x; oy < last.x; oy++) {
            for (uint ox = first.y; ox < last.y; ox++) {
                uint window = row * outStride + (channel * outHeight + oy) * outWidth + ox;
                if (!LARGEST || largest(windowOf(oy, ox), from) == at) {
                    d += texelFetch(derivative, int(window)).x;
                }
            }
        }
        if (!LARGEST) {
            d /= float(kernelHeight * kernelWidth);
        }
        result[at] = ADD ? result[at] + d : d;
    }
}
