#version 450
#extension GL_GOOGLE_include_directive : require

// One damped best response of every player in the market: s moves towards
// clip(1 - p/h, 0, 1), where h = s^2 mean c^2 is its worth. game.Market has the
// equations.

#include "invocation.glsl"
#include "players.glsl"

layout(std430, set = 0, binding = 0) buffer Players { float players[]; };

layout(push_constant) uniform Push {
    uint stride;
    float price;
    float damping;
};

void main() {
    begin();
    uint player = gl_GlobalInvocationID.x;
    uint width = 4 * stride;
    if (player >= width) {
        return;
    }
    float s = players[PARTICIPATION * width + player];
    float worth = s * s * players[SQUARE * width + player];
    float response = 1 - price / worth; // below 0 where a quotient, within 2.5 ulp, comes out above 1
    if (worth <= price || worth == 0 || response < 0) {
        response = 0;
    }
    players[PARTICIPATION * width + player] = s + damping * (response - s);
}
