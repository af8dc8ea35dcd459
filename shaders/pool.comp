#version 450
#extension GL_GOOGLE_include_directive : require

// The largest number, or the mean, of a window that slides over each channel. Of equal numbers
// the first is the largest, or the first that is no number. What lies outside is never the
// largest, and counts as zeros in the mean.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"

layout(set = 0, binding = 1) uniform textureBuffer below; // single numbers
layout(std430, set = 0, binding = 2) writeonly buffer Result { float result[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Places { float places[]; }; // of the largest, in their channels; floats hold them

#include "window.glsl"

bool isNumber(float x) { return (floatBitsToUint(x) & 0x7fffffff) <= 0x7f800000; }

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, positions = outHeight * outWidth;
    if (column >= channels * positions) {
        return;
    }
    uint channel = divide(column, positions), position = column - channel * positions;
    ivec2 output_ = ivec2(position / outWidth, position % outWidth);
    // The window in the image, y before x. Something of it always is.
    ivec2 corner = output_ * ivec2(strideY, strideX) - ivec2(paddingY, paddingX);
    uvec2 first = uvec2(max(corner, ivec2(0))), last = uvec2(min(corner + ivec2(kernelHeight, kernelWidth), ivec2(inHeight, inWidth)));
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint from = row * inStride + channel * inHeight * inWidth, best = first.x * inWidth + first.y;
        float value = LARGEST ? texelFetch(below, int(from + best)).x : 0;
        for (uint y = first.x; y < last.x; y++) {
            for (uint x = first.y; x < last.y; x++) {
                float number = texelFetch(below, int(from + y * inWidth + x)).x;
                if (!LARGEST) {
                    value += number;
                } else if (number > value || !isNumber(number) && isNumber(value)) {
                    value = number;
                    best = y * inWidth + x;
                }
            }
        }
        uint to = row * outStride + column;
        result[to] = LARGEST ? value : value / float(kernelHeight * kernelWidth);
        if (LARGEST) {
            places[to] = float(best);
        }
    }
}
