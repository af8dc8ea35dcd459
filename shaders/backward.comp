#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, backward: the derivative with respect to its inputs, which are the
// outputs a = activation(s u) of the layer below, and through that layer's gates
// to its u. Per block of samples, the ROWS of a tile, it sums up what the players
// and the biases of the layer below need: du, c and c^2.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "numbers.glsl"
#include "tile.glsl"
#define ACTIVATION_CONSTANT 3 // of the layer below
#include "activation.glsl"

layout(set = 0, binding = 1) uniform textureBuffer derivative; // of this layer's u
layout(set = 0, binding = 2) uniform textureBuffer parameters; // of this layer
layout(set = 0, binding = 3) uniform textureBuffer affine;     // from here on, of the layer below
layout(std430, set = 0, binding = 4) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 5) buffer Result { vec4 result[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Sums { vec4 sums[]; }; // three matrices of a row a block

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
    uint blocks; // rows of each matrix of sums
};

void main() {
    if (firstRow() >= now.rows) {
        return;
    }
    uint row[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        row[r] = min(firstRow() + r, now.rows - 1) * outStride;
    }
    uint column[COLUMNS]; // four rows of the parameters: the weights of four inputs
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = 4 * outStride * min(columnOf(c), inStride - 1);
    }
    vec4 sum[ROWS * COLUMNS];
    [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) {
        sum[i] = vec4(0);
    }
    for (uint k = 0; k < outStride; k++) {
        vec4 w[4 * COLUMNS];
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            [[unroll]] for (uint q = 0; q < 4; q++) {
                w[4 * c + q] = texelFetch(parameters, int(column[c] + q * outStride + k));
            }
        }
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            vec4 d = texelFetch(derivative, int(row[r] + k));
            [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    float total = sum[r * COLUMNS + c][q];
                    total += d.x * w[4 * c + q].x;
                    total += d.y * w[4 * c + q].y;
                    total += d.z * w[4 * c + q].z;
                    total += d.w * w[4 * c + q].w;
                    sum[r * COLUMNS + c][q] = total;
                }
            }
        }
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        if (j < inStride) {
            vec4 s = players[PARTICIPATION * inStride + j];
            vec4 biasSum = vec4(0), meanSum = vec4(0), squareSum = vec4(0);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (firstRow() + r < now.rows) {
                    uint at = (firstRow() + r) * inStride + j;
                    if (LOOPED) {
                        result[at] = sum[r * COLUMNS + c];
                        continue;
                    }
                    vec4 u = texelFetch(affine, int(at));
                    bvec4 fires = greaterThan(s * u, vec4(0));
                    vec4 dz = mix(vec4(0), sum[r * COLUMNS + c], fires);
                    vec4 contribution = mix(vec4(0), float(now.rows) * dz * u, fires); // u may be infinite
                    vec4 du = s * dz;
                    result[at] = du;
                    biasSum += du;
                    meanSum += contribution;
                    squareSum += contribution * contribution;
                }
            }
            if (LOOPED) {
                [[dont_unroll]] for (uint r = 0; r < min(ROWS, now.rows - firstRow()); r++) {
                    uint at = (firstRow() + r) * inStride + j;
                    vec4 u = texelFetch(affine, int(at));
                    vec4 dz = result[at] * slope(s * u);
                    vec4 contribution = float(now.rows) * dz * u;
                    vec4 du = s * dz;
                    result[at] = du;
                    biasSum += du;
                    meanSum += contribution;
                    squareSum += contribution * contribution;
                }
            }
            uint at = gl_WorkGroupID.x * inStride + j;
            sums[at] = biasSum;
            sums[at + blocks * inStride] = meanSum;
            sums[at + 2 * blocks * inStride] = squareSum;
        }
    }
}
