#version 450
#extension GL_GOOGLE_include_directive : require

// One layer, backward: the derivative with respect to its inputs, which are the
// outputs a = max(s u, 0) of the layer below, and through that layer's gates to
// its u. Per block of samples it sums up what the players and the biases of the
// layer below need.

#include "invocation.glsl"
#include "step.glsl"
#include "players.glsl"

layout(constant_id = 1) const uint ROWS = 8; // samples that one invocation computes: a block

layout(std430, set = 0, binding = 1) readonly buffer Derivative { vec4 derivative[]; }; // of this layer's u
layout(std430, set = 0, binding = 2) readonly buffer Parameters { vec4 parameters[]; }; // of this layer
layout(std430, set = 0, binding = 3) readonly buffer Players { vec4 players[]; };       // from here on, of the layer below
layout(std430, set = 0, binding = 4) readonly buffer Affine { vec4 affine[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Result { vec4 result[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Sums { vec4 sums[]; }; // of du, c and c^2: three matrices of a row a block

layout(push_constant) uniform Push {
    uint inStride;
    uint outStride;
    uint blocks; // rows of each matrix of sums
};

void main() {
    uint column = gl_GlobalInvocationID.x;
    uint block = gl_WorkGroupID.y;
    uint first = block * ROWS;
    if (column >= inStride || first >= now.rows) {
        return;
    }
    uint d[ROWS];
    vec4 sum[ROWS];
    for (uint i = 0; i < ROWS; i++) {
        d[i] = min(first + i, now.rows - 1) * outStride;
        sum[i] = vec4(0);
    }
    uint w = 4 * column * outStride; // four rows: the weights of four inputs
    for (uint k = 0; k < outStride; k++, w++) {
        vec4 w0 = parameters[w];
        vec4 w1 = parameters[w + outStride];
        vec4 w2 = parameters[w + 2 * outStride];
        vec4 w3 = parameters[w + 3 * outStride];
        for (uint i = 0; i < ROWS; i++) {
            vec4 dz = derivative[d[i] + k];
            sum[i] += vec4(dot(dz, w0), dot(dz, w1), dot(dz, w2), dot(dz, w3));
        }
    }
    vec4 s = players[PARTICIPATION * inStride + column];
    vec4 biasSum = vec4(0), meanSum = vec4(0), squareSum = vec4(0);
    for (uint i = 0; i < ROWS && first + i < now.rows; i++) {
        uint at = (first + i) * inStride + column;
        vec4 u = affine[at];
        vec4 dz = mix(vec4(0), sum[i], greaterThan(s * u, vec4(0)));
        vec4 c = float(now.rows) * dz * u;
        vec4 du = s * dz;
        result[at] = du;
        biasSum += du;
        meanSum += c;
        squareSum += c * c;
    }
    uint at = block * inStride + column;
    sums[at] = biasSum;
    sums[at + blocks * inStride] = meanSum;
    sums[at + 2 * blocks * inStride] = squareSum;
}
