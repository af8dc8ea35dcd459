#version 450
#extension GL_GOOGLE_include_directive : require

// A convolution, or with BACK the derivative of its inputs from that of its outputs. Both
// are the product of a matrix of weights with one that is never stored: its columns are the
// positions of all samples in the target, its terms the places of the kernel and the
// channels of the source, channels last. Zeros stand for what lies outside of the source.
// No sum is written by several invocations, since each target gathers its terms.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"

uvec2 tile; // of this workgroup: of the channels of the target, and of its positions
#define TILE tile
#include "tile.glsl"
layout(constant_id = 5) const bool BACK = false;
layout(constant_id = 6) const bool GROUPED = false; // there are several groups of channels
layout(constant_id = 7) const bool ADD = false;     // to what the target holds
layout(constant_id = 8) const bool ALIGNED = false; // channels of the target have a multiple of four numbers
layout(constant_id = 9) const bool FIRST = false;   // the first product of a step

layout(set = 0, binding = 1) uniform textureBuffer source; // of single numbers
layout(set = 0, binding = 2) uniform textureBuffer parameters;
layout(std430, set = 0, binding = 3) buffer Result { vec4 result[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Cursor { uint cursor; }; // place of the next step in the plan

layout(push_constant) uniform Push {
    uint sourceStride; // numbers of a sample
    uint sourceHeight;
    uint sourceWidth;
    uint channels;     // of a group of the source
    uint targetStride;
    uint targetHeight;
    uint targetWidth;
    uint outputs;      // channels of a group of the target
    uint kernelHeight;
    uint kernelWidth;
    uint strideY;
    uint strideX;
    uint paddingY;
    uint paddingX;
    uint stride;       // of a row of parameters, in vec4
    uint biases;       // their row
    uint high;         // tiles of the channels of a group
};

uint group;

// Corner is where the kernel lies for a position of the target.
struct Corner {
    int base; // of the group's first number in the sample
    int y;
    int x;
};

Corner cornerOf(uint column) {
    uint positions = targetHeight * targetWidth;
    column = min(column, now.rows * positions - 1);
    uint sample_ = divide(column, positions), position = column - sample_ * positions;
    int y = int(divide(position, targetWidth)), x = int(position) - y * int(targetWidth);
    int base = int(sample_ * sourceStride + group * channels * sourceHeight * sourceWidth);
    if (BACK) {
        return Corner(base, y + int(paddingY), x + int(paddingX));
    }
    return Corner(base, y * int(strideY) - int(paddingY), x * int(strideX) - int(paddingX));
}

// inside returns which number of the source's first channel meets place p, q of the kernel,
// or -1 where none does.
int inside(Corner corner, uint p, uint q) {
    int y = corner.y + (BACK ? -int(p) : int(p)), x = corner.x + (BACK ? -int(q) : int(q));
    bool meets = min(y, x) >= 0;
    if (BACK) {
        int fromY = y, fromX = x;
        y = int(divide(uint(max(y, 0)), strideY));
        x = int(divide(uint(max(x, 0)), strideX));
        meets = meets && y * int(strideY) == fromY && x * int(strideX) == fromX;
    }
    meets = meets && y < int(sourceHeight) && x < int(sourceWidth);
    return meets ? corner.base + y * int(sourceWidth) + x : -1;
}

// number returns a number of a channel, with the place that inside returned.
float number(int place, uint channel) {
    float value = texelFetch(source, max(place, 0) + int(channel * sourceHeight * sourceWidth)).x;
    return place < 0 ? 0 : value;
}

// weights returns four neighbours in a row of the parameters.
vec4 weights(uint row, uint column) {
    uint last = 4 * stride - 1;
    if (!GROUPED) {
        return texelFetch(parameters, int(row * stride + min(column, last) / 4));
    }
    vec4 four;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint at = 4 * row * stride + min(column + i, last);
        four[i] = texelFetch(parameters, int(at / 4))[at % 4];
    }
    return four;
}

// A weight that leads from an input channel to an output channel is in the row of the former.
vec4 outputsOf(uint place, uint channel, uint output_) {
    return weights(place * channels + channel, group * outputs + output_);
}

vec4 channelsOf(uint place, uint channel, uint output_) {
    return weights(place * outputs + min(output_, outputs - 1), group * channels + channel);
}

// Terms of a place of the kernel. Backward four are read at a time.
uint depth() { return BACK ? (channels + 3) / 4 * 4 : channels; }

vec4 readLeft(uint line, uint fours) {
    uint term = BACK ? 4 * fours : line, place = divide(term, depth()), channel = term - place * depth();
    return BACK ? channelsOf(place, channel, line) : outputsOf(place, channel, 4 * fours);
}

vec4 readRight(uint term, uint fours) {
    uint place = divide(term, depth()), channel = term - place * depth();
    uint p = divide(place, kernelWidth), q = place - p * kernelWidth;
    vec4 four = vec4(0);
    if (channel < channels) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            four[i] = number(inside(cornerOf(4 * fours + i), p, q), channel);
        }
    }
    return four;
}

#define LEFT_BY_TERMS BACK
const bool RIGHT_BY_TERMS = false;
#include "shared.glsl"

// multiply adds up the sums of this invocation's tile by itself.
void multiply() {
    Corner corners[4 * COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            corners[4 * c + i] = cornerOf(4 * columnOf(c) + i);
        }
    }
    for (uint p = 0; p < kernelHeight; p++) {
        for (uint q = 0; q < kernelWidth; q++) {
            uint place = p * kernelWidth + q;
            int at[4 * COLUMNS];
            [[unroll]] for (uint c = 0; c < 4 * COLUMNS; c++) {
                at[c] = inside(corners[c], p, q);
            }
            if (!BACK) {
                for (uint channel = 0; channel < channels; channel++) {
                    vec4 x[COLUMNS];
                    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                        [[unroll]] for (uint i = 0; i < 4; i++) {
                            x[c][i] = number(at[4 * c + i], channel);
                        }
                    }
                    [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
                        vec4 w = outputsOf(place, channel, firstRow() + 4 * r);
                        [[unroll]] for (uint i = 0; i < 4; i++) {
                            [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                                sum[(4 * r + i) * COLUMNS + c] += w[i] * x[c];
                            }
                        }
                    }
                }
                continue;
            }
            for (uint channel = 0; channel < channels; channel += 4) {
                vec4 d[4 * COLUMNS];
                [[unroll]] for (uint t = 0; t < 4; t++) {
                    uint from = min(channel + t, channels - 1);
                    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                        [[unroll]] for (uint i = 0; i < 4; i++) {
                            d[4 * c + t][i] = number(channel + t < channels ? at[4 * c + i] : -1, from);
                        }
                    }
                }
                [[unroll]] for (uint r = 0; r < ROWS; r++) {
                    vec4 w = channelsOf(place, channel, firstRow() + r);
                    [[unroll]] for (uint t = 0; t < 4; t++) {
                        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                            sum[r * COLUMNS + c] += w[t] * d[4 * c + t];
                        }
                    }
                }
            }
        }
    }
}

// placeOf returns where the number of a column goes, for the first row of this tile.
uint placeOf(uint column) {
    uint positions = targetHeight * targetWidth, sample_ = divide(column, positions);
    return sample_ * targetStride + (group * outputs + firstRow()) * positions + column - sample_ * positions;
}

void main() {
    begin();
    if (FIRST && gl_GlobalInvocationID == uvec3(0)) {
        cursor = now.next;
    }
    group = gl_WorkGroupID.z / high;
    tile = uvec2(gl_WorkGroupID.z % high, gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x);
    uint positions = targetHeight * targetWidth, columns = now.rows * positions;
    if (4 * tile.y * ACROSS * COLUMNS >= columns || outputs == 0) {
        return;
    }
    clearSums();
    if (SHARES) {
        multiplyShared(kernelHeight * kernelWidth * depth());
    } else {
        multiply();
    }
    float bias[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint at = 4 * biases * stride + group * outputs + min(firstRow() + r, outputs - 1);
        bias[r] = BACK ? 0 : texelFetch(parameters, int(at / 4))[at % 4];
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        if (ALIGNED) {
            uint to = placeOf(4 * columnOf(c)) / 4;
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (4 * columnOf(c) < columns && firstRow() + r < outputs) {
                    vec4 value = sum[r * COLUMNS + c] + bias[r];
                    result[to] = ADD ? result[to] + value : value;
                }
                to += positions / 4;
            }
            continue;
        }
        [[unroll]] for (uint i = 0; i < 4; i++) {
            uint to = placeOf(4 * columnOf(c) + i);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (4 * columnOf(c) + i < columns && firstRow() + r < outputs) {
                    float value = sum[r * COLUMNS + c][i] + bias[r];
                    result[to / 4][to % 4] = ADD ? result[to / 4][to % 4] + value : value;
                }
                to += positions;
            }
        }
    }
}
