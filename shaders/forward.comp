#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, forward: u = W x + b, and for a layer with players activation(s u).
// Every number is one sum over the inputs in their order.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"
#include "numbers.glsl"
#include "tile.glsl"
#define ACTIVATION_CONSTANT 5
#include "activation.glsl"
layout(constant_id = 6) const bool FIRST = false; // the first product of a step

const bool GATED = ACTIVATION != LOGITS; // has players

layout(std430, set = 0, binding = 3) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 4) buffer Affine { vec4 affine[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Result { vec4 result[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Cursor { uint cursor; }; // place of the next step in the plan

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

#include "product.glsl"

void main() {
    begin();
    if (FIRST && gl_GlobalInvocationID == uvec3(0)) {
        cursor = now.next;
    }
    if (groupRow() >= now.rows || outStride == 0) {
        return;
    }
    multiplyTile();
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        if (j < outStride) {
            vec4 bias = biasOf(j);
            vec4 s = GATED ? players[PARTICIPATION * outStride + j] : vec4(1);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (firstRow() + r < now.rows) {
                    uint at = (firstRow() + r) * outStride + j;
                    vec4 u = sum[r * COLUMNS + c] + bias;
                    if (GATED) {
                        affine[at] = u;
                    }
                    if (!LOOPED) {
                        result[at] = GATED ? activation(s * u) : u;
                    }
                }
            }
        }
    }
    if (LOOPED) {
        [[dont_unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) {
            uint row = firstRow() + i / COLUMNS, j = columnOf(i % COLUMNS);
            if (row < now.rows && j < outStride) {
                uint at = row * outStride + j;
                result[at] = activation(players[PARTICIPATION * outStride + j] * affine[at]);
            }
        }
    }
}
