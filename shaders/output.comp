#version 450
#extension GL_GOOGLE_include_directive : require

// The last layer, forward, and the loss of its outputs: u = W x + b, each one sum over
// the inputs in their order. A workgroup has all outputs of its rows.

#include "invocation.glsl"
#include "step.glsl"
#include "tile.glsl"

layout(std430, set = 0, binding = 3) coherent buffer Result { float result[]; };

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
    uint outputs;
};

#include "product.glsl"
#define LOSS_CONSTANTS 5
#define LOSS_BINDINGS 4
#include "loss.glsl"

void main() {
    begin();
    if (groupRow() >= now.rows) {
        return;
    }
    multiplyTile();
    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
        uint j = columnOf(c);
        if (j < outStride) {
            vec4 bias = biasOf(j);
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                if (firstRow() + r < now.rows) {
                    uint at = 4 * ((firstRow() + r) * outStride + j);
                    vec4 u = sum[r * COLUMNS + c] + bias;
                    [[unroll]] for (uint q = 0; q < 4; q++) {
                        result[at + q] = u[q];
                    }
                }
            }
        }
    }
    memoryBarrierBuffer(); // outputs of this invocation before the barrier
    barrier();
    memoryBarrierBuffer(); // and those of others after it
    for (uint i = gl_LocalInvocationID.x; i < DOWN * ROWS; i += LOCAL_SIZE) {
        if (groupRow() + i < now.rows) {
            sampleLoss(groupRow() + i);
        }
    }
}
