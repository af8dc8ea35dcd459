#version 450
#extension GL_GOOGLE_include_directive : require

// Multiplies the participations into the parameters: of the players that own a column,
// or of those that give the input of a row.

#include "invocation.glsl"
#include "players.glsl"

layout(std430, set = 0, binding = 0) buffer Parameters { vec4 parameters[]; };
layout(std430, set = 0, binding = 1) readonly buffer Players { vec4 players[]; };
layout(std430, set = 0, binding = 2) readonly buffer Owners { uint owners[]; }; // the player of each row, or NONE

layout(constant_id = 1) const bool ROWS = false;

const uint NONE = 0xffffffff;

layout(push_constant) uniform Push {
    uint rows;
    uint stride;
};

void main() {
    begin();
    uint column = gl_GlobalInvocationID.x;
    if (column >= stride) {
        return;
    }
    vec4 s = ROWS ? vec4(1) : players[PARTICIPATION * stride + column];
    for (uint row = gl_WorkGroupID.y; row < rows; row += gl_NumWorkGroups.y) {
        if (ROWS) {
            uint player = owners[row]; // participations are the first row of the players, whatever their number
            s = vec4(player == NONE ? 1 : players[player / 4][player % 4]);
        }
        parameters[row * stride + column] *= s;
    }
}
