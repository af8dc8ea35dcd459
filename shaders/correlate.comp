#version 450
#extension GL_GOOGLE_include_directive : require

// The gradient of the weights and the biases of a convolution over blocks of SHARE samples:
// products of derivatives with the inputs that each weight met, summed over the positions of
// each sample in turn. A bias meets a one everywhere. Settle adds up the blocks.

#include "invocation.glsl"
#include "step.glsl"
#include "divide.glsl"

uvec2 tile; // of this workgroup: of the outputs, and of the rows of the parameters
#define TILE tile
#include "tile.glsl"
layout(constant_id = 5) const bool GROUPED = false; // there are several groups of channels
layout(constant_id = 6) const bool ALIGNED = false; // each channel has a multiple of four derivatives

layout(set = 0, binding = 1) uniform textureBuffer below; // inputs, single numbers
layout(set = 0, binding = 2) uniform textureBuffer derivative;
layout(std430, set = 0, binding = 3) writeonly buffer Partials { vec4 partials[]; }; // a matrix of parameters a block

layout(push_constant) uniform Push {
    uint inStride;  // numbers of a sample
    uint inHeight;
    uint inWidth;
    uint channels;  // of a group of the inputs
    uint outStride;
    uint outHeight;
    uint outWidth;
    uint outputs;   // channels of a group
    uint kernelWidth;
    uint terms;     // rows of the parameters that are weights, without padding
    uint strideY;
    uint strideX;
    uint paddingY;
    uint paddingX;
    uint stride;    // of a row of parameters, in vec4
    uint rows;      // of the parameters; the biases are the last
    uint biased;    // 0: they are no parameters, and stay 0
    uint high;      // tiles of the outputs of a group
    uint share;     // samples of a block
};

uint group, first; // sample of this block
uint positions, fours; // of a sample, and in fours

// Meeting is which inputs a weight meets, at the first position.
struct Meeting {
    int base; // of its channel in a sample
    int y;
    int x;
    bool isWeight;
    float always; // of a bias
};

Meeting meetingOf(uint row) {
    uint term = min(row, max(terms, 1) - 1), place = divide(term, max(channels, 1)), channel = group * channels + term - place * channels;
    uint p = divide(place, kernelWidth), q = place - p * kernelWidth;
    return Meeting(int(channel * inHeight * inWidth), int(p) - int(paddingY), int(q) - int(paddingX), row < terms, biased * float(row + 1 == rows));
}

// met returns the inputs that a weight meets at four positions of a sample.
vec4 met(Meeting m, uint sample_, uint position) {
    vec4 four;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint row = divide(position + i, outWidth), column = position + i - row * outWidth;
        int y = int(row * strideY) + m.y, x = int(column * strideX) + m.x;
        bool real = position + i < positions, inside = m.isWeight && real && min(y, x) >= 0 && y < int(inHeight) && x < int(inWidth);
        float value = texelFetch(below, int(sample_ * inStride) + (inside ? m.base + y * int(inWidth) + x : 0)).x;
        four[i] = inside ? value : real ? m.always : 0;
    }
    return four;
}

// derivatives returns those of an output at four positions of a sample.
vec4 derivatives(uint line, uint sample_, uint position) {
    uint at = sample_ * outStride + (group * outputs + min(line, outputs - 1)) * positions + position;
    if (ALIGNED) {
        return texelFetch(derivative, int(at / 4));
    }
    vec4 four;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        bool real = position + i < positions;
        uint place = real ? at + i : 0;
        four[i] = real ? texelFetch(derivative, int(place / 4))[place % 4] : 0;
    }
    return four;
}

vec4 readLeft(uint line, uint term) {
    uint sample_ = divide(term, fours);
    return derivatives(line, first + sample_, 4 * (term - sample_ * fours));
}

vec4 readRight(uint row, uint term) {
    uint sample_ = divide(term, fours);
    return met(meetingOf(row), first + sample_, 4 * (term - sample_ * fours));
}

const bool LEFT_BY_TERMS = true;
const bool RIGHT_BY_TERMS = true;
#include "shared.glsl"

// multiply adds up the sums of this invocation's tile over some samples by itself.
void multiply(uint samples) {
    Meeting meetings[4 * COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            meetings[4 * c + i] = meetingOf(4 * columnOf(c) + i);
        }
    }
    for (uint sample_ = first; sample_ < first + samples; sample_++) {
        for (uint position = 0; position < positions; position += 4) {
            vec4 x[4 * COLUMNS];
            [[unroll]] for (uint c = 0; c < 4 * COLUMNS; c++) {
                x[c] = met(meetings[c], sample_, position);
            }
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                vec4 d = derivatives(firstRow() + r, sample_, position);
                [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                    [[unroll]] for (uint i = 0; i < 4; i++) {
                        float total = sum[r * COLUMNS + c][i];
                        total += d.x * x[4 * c + i].x;
                        total += d.y * x[4 * c + i].y;
                        total += d.z * x[4 * c + i].z;
                        total += d.w * x[4 * c + i].w;
                        sum[r * COLUMNS + c][i] = total;
                    }
                }
            }
        }
    }
}

void main() {
    begin();
    first = gl_WorkGroupID.z * share;
    if (first >= now.rows) {
        return;
    }
    group = gl_WorkGroupID.y / high;
    tile = uvec2(gl_WorkGroupID.y % high, gl_WorkGroupID.x);
    positions = outHeight * outWidth;
    fours = (positions + 3) / 4;
    uint samples = min(share, now.rows - first);
    clearSums();
    if (SHARES) {
        multiplyShared(4 * samples * fours);
    } else {
        multiply(samples);
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            uint row = 4 * columnOf(c) + i, to = 4 * stride * (gl_WorkGroupID.z * rows + row) + group * outputs + firstRow();
            [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
                vec4 four;
                [[unroll]] for (uint k = 0; k < 4; k++) {
                    four[k] = firstRow() + 4 * r + k < outputs ? sum[(4 * r + k) * COLUMNS + c][i] : 0;
                }
                if (!GROUPED && row < rows && firstRow() + 4 * r < outputs) {
                    partials[to / 4 + r] = four;
                }
                [[unroll]] for (uint k = 0; k < 4; k++) {
                    uint at = to + 4 * r + k;
                    if (GROUPED && row < rows && firstRow() + 4 * r + k < outputs) {
                        partials[at / 4][at % 4] = four[k];
                    }
                }
            }
        }
    }
}
