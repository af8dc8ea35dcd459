#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, backward: the derivative with respect to its inputs. Where these are the
// outputs a = activation(s u) of a layer below that no other stage reads, it goes on
// through that layer's gates to its u, and sums up per BLOCK samples what the players
// of the layer below need: c and c^2. Else it leaves the derivative, or adds it.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "numbers.glsl"
#include "tile.glsl"
layout(constant_id = 5) const uint BLOCK = 16; // a multiple of ROWS
#define ACTIVATION_CONSTANT 6 // of the layer below; LOGITS: go no further
#include "activation.glsl"
layout(constant_id = 7) const bool ADD = false; // to what another stage left

layout(set = 0, binding = 1) uniform textureBuffer derivative; // of this layer's u
layout(set = 0, binding = 2) uniform textureBuffer parameters; // of this layer
layout(set = 0, binding = 3) uniform textureBuffer affine;     // from here on, of the layer below
layout(std430, set = 0, binding = 4) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 5) buffer Result { vec4 result[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Sums { vec4 sums[]; }; // two matrices of a row a block

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
    uint blocks; // rows of each matrix of sums
};

vec4 readLeft(uint row, uint fours) {
    return texelFetch(derivative, int(min(row, now.rows - 1) * outStride + fours));
}

vec4 readRight(uint feature, uint fours) {
    return texelFetch(parameters, int(min(feature, 4 * inStride - 1) * outStride + fours));
}

const bool LEFT_BY_TERMS = true;
const bool RIGHT_BY_TERMS = true;
#include "shared.glsl"

// multiply adds up the sums of this invocation's tile by itself.
void multiply() {
    uint row[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        row[r] = min(firstRow() + r, now.rows - 1) * outStride;
    }
    uint column[COLUMNS]; // four rows of the parameters: the weights of four inputs
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        column[c] = 4 * outStride * min(columnOf(c), inStride - 1);
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
}

// Sum is what players need of a block of samples.
struct Sum {
    vec4 mean, square;
};

void add(inout Sum total, vec4 contribution) {
    total.mean += contribution;
    total.square += contribution * contribution;
}

void store(Sum total, uint column) {
    uint at = firstRow() / BLOCK * inStride + column;
    sums[at] = total.mean;
    sums[at + blocks * inStride] = total.square;
}

// Where tiles are lower than a block, the invocations that have one between them
// leave their parts here, and the first of them adds them up, one below the other.
const uint PARTNERS = BLOCK / ROWS;
shared Sum parts[PARTNERS > 1 ? LOCAL_SIZE * COLUMNS : 1];

uint partOf(uint tile, uint c) { return (c * DOWN + tile) * ACROSS + tileColumn(); }

// keep takes what was summed up over the rows of a column of this tile.
void keep(Sum total, uint c) {
    if (PARTNERS > 1) {
        parts[partOf(tileRow(), c)] = total;
    } else if (columnOf(c) < inStride && firstRow() < now.rows) {
        store(total, columnOf(c));
    }
}

// join adds up the parts of all blocks.
void join() {
    barrier();
    if (tileRow() % PARTNERS != 0 || firstRow() >= now.rows) {
        return;
    }
    [[dont_unroll]] for (uint c = 0; c < COLUMNS; c++) {
        if (columnOf(c) < inStride) {
            Sum total = parts[partOf(tileRow(), c)];
            [[dont_unroll]] for (uint p = 1; p < PARTNERS; p++) {
                Sum part = parts[partOf(tileRow() + p, c)];
                total.mean += part.mean;
                total.square += part.square;
            }
            store(total, columnOf(c));
        }
    }
}

void main() {
    begin();
    if (groupRow() >= now.rows) {
        return;
    }
    clearSums();
    if (SHARES) {
        multiplyShared(4 * outStride);
    } else {
        multiply();
    }
    if (ACTIVATION == LOGITS) {
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint j = columnOf(c);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (j < inStride && firstRow() + r < now.rows) {
                    uint at = (firstRow() + r) * inStride + j;
                    result[at] = ADD ? result[at] + sum[r * COLUMNS + c] : sum[r * COLUMNS + c];
                }
            }
        }
        return;
    }
    if (LOOPED) {
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint j = columnOf(c);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (j < inStride && firstRow() + r < now.rows) {
                    result[(firstRow() + r) * inStride + j] = sum[r * COLUMNS + c];
                }
            }
        }
        [[dont_unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint j = columnOf(c);
            Sum total = Sum(vec4(0), vec4(0));
            if (j < inStride) {
                vec4 s = players[PARTICIPATION * inStride + j];
                [[dont_unroll]] for (uint row = firstRow(); row < min(firstRow() + ROWS, now.rows); row++) {
                    uint at = row * inStride + j;
                    vec4 u = texelFetch(affine, int(at));
                    vec4 dz = result[at] * slope(s * u);
                    vec4 du = s * dz;
                    result[at] = du;
                    add(total, float(now.rows) * dz * u);
                }
            }
            keep(total, c);
        }
    } else {
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint j = columnOf(c);
            Sum total = Sum(vec4(0), vec4(0));
            if (j < inStride) {
                vec4 s = players[PARTICIPATION * inStride + j];
                [[unroll]] for (uint r = 0; r < ROWS; r++) {
                    if (firstRow() + r < now.rows) {
                        uint at = (firstRow() + r) * inStride + j;
                        vec4 u = texelFetch(affine, int(at));
                        bvec4 fires = greaterThan(s * u, vec4(0));
                        vec4 dz = mix(vec4(0), sum[r * COLUMNS + c], fires);
                        vec4 du = s * dz;
                        result[at] = du;
                        add(total, mix(vec4(0), float(now.rows) * dz * u, fires)); // u may be infinite
                    }
                }
            }
            keep(total, c);
        }
    }
    if (PARTNERS > 1) {
        join();
    }
}
