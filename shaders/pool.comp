#version 450
#extension GL_GOOGLE_include_directive : require

// The largest number, or the mean, of a window that slides over each channel. What lies
// outside is never the largest, and counts as zeros in the mean.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"

layout(set = 0, binding = 1) uniform textureBuffer below; // single numbers
layout(std430, set = 0, binding = 2) writeonly buffer Result { float result[]; };

float numberAt(uint at) { return texelFetch(below, int(at)).x; }

#include "window.glsl"

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, positions = outHeight * outWidth;
    if (column >= channels * positions) {
        return;
    }
    uint channel = divide(column, positions), position = column - channel * positions;
    uint y = divide(position, outWidth), x = position - y * outWidth;
    Window w = windowOf(y, x);
    for (uint row = gl_WorkGroupID.y; row < now.rows; row += gl_NumWorkGroups.y) {
        uint from = row * inStride + channel * inHeight * inWidth;
        float value = 0;
        if (LARGEST) {
            value = numberAt(largest(w, from));
        } else {
            for (uint y = w.first.x; y < w.last.x; y++) {
                for (uint x = w.first.y; x < w.last.y; x++) {
                    value += numberAt(from + y * inWidth + x);
                }
            }
            value /= float(kernelHeight * kernelWidth);
        }
        result[row * outStride + column] = value;
    }
}
