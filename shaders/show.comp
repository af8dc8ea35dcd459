#version 450
#extension GL_GOOGLE_include_directive : require

// Leaves where the players of a gate are, and what they are worth, in the cells of a view. In
// the market a worth is what game.Interactions.Worths returns while the others play as they do;
// in the paper's game it is s^2 mean c^2.

#include "invocation.glsl"

layout(constant_id = 1) const uint BLOCK = 0; // players of a block of interactions; 0: there are means of c^2

layout(std430, set = 0, binding = 0) readonly buffer Participations { float participations[]; };
layout(std430, set = 0, binding = 1) readonly buffer Worths { float worths[]; }; // H, block by block, or the players
layout(std430, set = 0, binding = 2) readonly buffer Places { uint places[]; };  // cells, by player
layout(std430, set = 0, binding = 3) writeonly buffer Cells { float cells[]; };

layout(push_constant) uniform Push {
    uint players;
    uint stride;  // of a row of cells
    uint squares; // place of the means of c^2
    float ridge;  // as a part of H_ii
};

// worthOf returns the marginal value of a player's first participation.
float worthOf(uint player) {
    uint first = player - player % BLOCK, i = player - first;
    uint n = min(BLOCK, players - first), width = (n + 3) / 4 * 4, rows = first * BLOCK;
    float sum = 0;
    for (uint j = 0; j < n; j++) { // down the column, which is the row
        float h = worths[rows + j * width + i];
        sum += j == i ? (1 + ridge) * h : h * (1 - participations[first + j]);
    }
    return sum;
}

void main() {
    begin();
    uint player = gl_GlobalInvocationID.x;
    if (player >= players) {
        return;
    }
    float s = participations[player];
    uint cell = places[player];
    cells[cell] = s;
    cells[stride + cell] = BLOCK > 0 ? worthOf(player) : s * s * worths[squares + player];
}
