#version 450
#extension GL_GOOGLE_include_directive : require

// Paints the players of a gate as cells, row by row: an invocation a pixel. The brighter a
// cell, the more its player participates. Its hue says what it is worth against the price.
// Players that were removed fade.

#include "invocation.glsl"

const vec3 GROUND = vec3(28, 35, 51);  // of a player that is there and does not participate
const vec3 CHEAP = vec3(255, 176, 64); // worth no more than the price
const vec3 FAIR = vec3(124, 222, 160); // between the two
const vec3 DEAR = vec3(96, 208, 255);  // worth far more
const vec3 LEAVES = vec3(255, 72, 88); // a player that is removed now
const vec3 GONE = vec3(20, 26, 39);    // long ago
const float FADING = 1.5;              // seconds until 1/e is left
const float DOUBLINGS = 4;             // of the price, that make a worth dear

layout(std430, set = 0, binding = 0) readonly buffer Frame {
    float clock; // seconds
    float price; // 0: there is none
    float removed[]; // when a player was, by the clock; 0: it is there
};
layout(std430, set = 0, binding = 1) readonly buffer Cells { float cells[]; }; // rows: s, worth
layout(std430, set = 0, binding = 2) writeonly buffer Picture { uint picture[]; };

layout(push_constant) uniform Push {
    uint players;
    uint stride;    // of a row of cells
    uint columns;   // of cells
    uint size;      // pixels from one cell to the next
    uint x;         // of the first pixel
    uint y;
    uint width;     // of the picture
    uint blueFirst; // 1: the first byte of a pixel is blue, else red
};

vec3 colourOf(float s, float worth) {
    float dear = price > 0 ? clamp(log2(max(worth, 1e-30) / price) / DOUBLINGS, 0, 1) : 1;
    vec3 hue = dear < 0.5 ? mix(CHEAP, FAIR, 2 * dear) : mix(FAIR, DEAR, 2 * dear - 1);
    return mix(GROUND, hue, clamp(s, 0, 1));
}

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    uvec2 cell = uvec2(column, row) / size, within = uvec2(column, row) % size;
    uint player = cell.y * columns + cell.x;
    bool gap = size > 3 && (within.x == size - 1 || within.y == size - 1);
    if (cell.x >= columns || player >= players || gap) {
        return;
    }
    float at = removed[player];
    vec3 colour = at == 0
        ? colourOf(cells[player], cells[stride + player])
        : mix(GONE, LEAVES, exp(-max(clock - at, 0) / FADING));
    uvec3 rgb = uvec3(colour + 0.5);
    picture[(y + row) * width + x + column] =
        blueFirst == 1 ? rgb.b | rgb.g << 8 | rgb.r << 16 | 255u << 24 : rgb.r | rgb.g << 8 | rgb.b << 16 | 255u << 24;
}
