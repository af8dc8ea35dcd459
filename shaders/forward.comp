#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, forward: u = W x + b, and for a layer with players max(s u, 0).

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"

layout(constant_id = 1) const bool GATED = true; // has players and a rectifier
layout(constant_id = 2) const uint ROWS = 8;     // samples that one invocation computes

layout(std430, set = 0, binding = 1) readonly buffer Below { vec4 below[]; };
layout(std430, set = 0, binding = 2) readonly buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 3) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Affine { vec4 affine[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Result { vec4 result[]; };

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
};

void main() {
    uint column = gl_GlobalInvocationID.x;
    uint first = gl_WorkGroupID.y * ROWS;
    if (column >= outStride || first >= now.rows) {
        return;
    }
    uint x[ROWS];
    vec4 sum[ROWS];
    for (uint i = 0; i < ROWS; i++) {
        x[i] = min(first + i, now.rows - 1) * inStride;
        sum[i] = vec4(0);
    }
    uint w = column;
    for (uint k = 0; k < inStride; k++, w += 4 * outStride) {
        vec4 w0 = parameters[w];
        vec4 w1 = parameters[w + outStride];
        vec4 w2 = parameters[w + 2 * outStride];
        vec4 w3 = parameters[w + 3 * outStride];
        for (uint i = 0; i < ROWS; i++) {
            vec4 a = below[x[i] + k];
            sum[i] += a.x * w0;
            sum[i] += a.y * w1;
            sum[i] += a.z * w2;
            sum[i] += a.w * w3;
        }
    }
    vec4 bias = parameters[w];
    for (uint i = 0; i < ROWS && first + i < now.rows; i++) {
        uint at = (first + i) * outStride + column;
        vec4 u = sum[i] + bias;
        if (GATED) {
            affine[at] = u;
            result[at] = max(players[PARTICIPATION * outStride + column] * u, vec4(0));
        } else {
            result[at] = u;
        }
    }
}
