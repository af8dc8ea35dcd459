#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

// Players move one at a time, in their order, to their best responses at a price. A workgroup
// plays a block of players that interact. It keeps missing_j = sum_i H_ij (1 - s_i), which
// every move changes by a row of H. game.Interactions.Play has the equations.

#include "invocation.glsl"

layout(constant_id = 1) const uint BLOCK = 512; // players of a block

layout(set = 0, binding = 0) uniform textureBuffer interactions; // H, block by block
layout(std430, set = 0, binding = 1) buffer Participations { float participations[]; };

layout(push_constant) uniform Push {
    uint players;
    uint sweeps;
    float ridge; // as a part of H_ii
    float price;
};

// vec4 of an invocation. Loops over them are unrolled: llvmpipe counts the turns of all loops.
const uint COLUMNS = (BLOCK / 4 + LOCAL_SIZE - 1) / LOCAL_SIZE;

// Only the invocation that has a player's column reads and writes its numbers, but for s
// before the first move.
shared float missing[BLOCK];
shared float s[BLOCK];
shared float moved[2]; // by how much the player that moves does, in turns

// bestResponse returns where a player's utility is highest.
float bestResponse(float worth, float own) {
    float gain = worth - price;
    if (own == 0 || gain <= 0) {
        return 0;
    }
    return gain >= own ? 1 : min(gain / own, 1); // a quotient is within 2.5 ulp
}

void main() {
    begin();
    uint block = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first = block * BLOCK, lane = gl_LocalInvocationID.x;
    if (first >= players) {
        return;
    }
    uint n = min(BLOCK, players - first), width = (n + 3) / 4, rows = first * BLOCK / 4;
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = 4 * (c * LOCAL_SIZE + lane);
        [[unroll]] for (uint q = 0; q < 4; q++) {
            if (j + q < n) {
                s[j + q] = participations[first + j + q];
            }
        }
    }
    barrier();
    vec4 sums[COLUMNS];
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        sums[c] = vec4(0);
    }
    for (uint i = 0; i < n; i++) {
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            sums[c] += (1 - s[i]) * texelFetch(interactions, int(rows + i * width + min(c * LOCAL_SIZE + lane, width - 1)));
        }
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint column = c * LOCAL_SIZE + lane;
        if (column < width) {
            [[unroll]] for (uint q = 0; q < 4; q++) {
                missing[4 * column + q] = sums[c][q];
            }
        }
    }
    barrier();
    uint turn = 0;
    for (uint sweep = 0; sweep < sweeps; sweep++) {
        for (uint i = 0; i < n; i++) {
            if (i / 4 % LOCAL_SIZE == lane) {
                float h = texelFetch(interactions, int(rows + i * width + i / 4))[i % 4];
                float own = (1 + ridge) * h;
                float response = bestResponse(missing[i] + h * (s[i] - 1) + own, own);
                moved[turn] = response - s[i];
                s[i] = response;
            }
            barrier(); // who is late reads the other number, so one is enough
            float by = moved[turn];
            turn = 1 - turn;
            if (by != 0) {
                [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                    uint column = c * LOCAL_SIZE + lane;
                    if (column < width) {
                        vec4 change = by * texelFetch(interactions, int(rows + i * width + column));
                        [[unroll]] for (uint q = 0; q < 4; q++) {
                            missing[4 * column + q] -= change[q];
                        }
                    }
                }
            }
        }
    }
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = 4 * (c * LOCAL_SIZE + lane);
        [[unroll]] for (uint q = 0; q < 4; q++) {
            if (j + q < n) {
                participations[first + j + q] = s[j + q];
            }
        }
    }
}
