#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

// Players move one at a time, in their order, to their best responses at the price of each. A workgroup
// plays a block of players that interact, four an invocation. It keeps
// missing_j = sum_i H_ij (1 - s_i), which every move changes by a row of H.
// game.Interactions.Play has the equations.

#include "invocation.glsl"

const uint BLOCK = 4 * LOCAL_SIZE; // players

layout(set = 0, binding = 0) uniform textureBuffer interactions; // H, block by block
layout(std430, set = 0, binding = 1) buffer Participations { float participations[]; };
layout(std430, set = 0, binding = 2) readonly buffer Prices { float prices[]; };

layout(push_constant) uniform Push {
    uint players;
    uint sweeps;
    float ridge; // as a part of H_ii
};

// An invocation alone reads and writes the numbers of its players, but for s before the
// first move.
shared float missing[BLOCK];
shared float s[BLOCK];
shared float moved[2]; // by how much the player that moves does, in turns

// bestResponse returns where a player's utility is highest.
float bestResponse(float worth, float own, float price) {
    float gain = worth - price;
    if (own == 0 || gain <= 0) {
        return 0;
    }
    return gain >= own ? 1 : min(gain / own, 1); // a quotient is within 2.5 ulp
}

void main() {
    begin();
    uint block = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first = block * BLOCK, column = gl_LocalInvocationID.x, mine = 4 * column;
    if (first >= players) {
        return;
    }
    uint n = min(BLOCK, players - first), width = (n + 3) / 4, rows = first * BLOCK / 4;
    [[unroll]] for (uint q = 0; q < 4; q++) {
        s[mine + q] = mine + q < n ? participations[first + mine + q] : 0;
    }
    barrier();
    uint from = rows + min(column, width - 1); // of the first row
    vec4 sums = vec4(0);
    for (uint i = 0; i < n; i++) {
        sums += (1 - s[i]) * texelFetch(interactions, int(from + i * width));
    }
    [[unroll]] for (uint q = 0; q < 4; q++) {
        missing[mine + q] = sums[q];
    }
    barrier();
    uint turn = 0;
    for (uint sweep = 0; sweep < sweeps; sweep++) {
        for (uint i = 0; i < n; i++) {
            if (i / 4 == column) {
                float h = texelFetch(interactions, int(from + i * width))[i % 4];
                float own = (1 + ridge) * h;
                float response = bestResponse(missing[i] + h * (s[i] - 1) + own, own, prices[first + i]);
                moved[turn] = response - s[i];
                s[i] = response;
            }
            barrier(); // one is enough: while some still read this number the other is written
            float by = moved[turn];
            turn = 1 - turn;
            if (by != 0) {
                vec4 change = by * texelFetch(interactions, int(from + i * width));
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    missing[mine + q] -= change[q];
                }
            }
        }
    }
    [[unroll]] for (uint q = 0; q < 4; q++) {
        if (mine + q < n) {
            participations[first + mine + q] = s[mine + q];
        }
    }
}
