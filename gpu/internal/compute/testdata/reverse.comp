#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
// The texels of Input in the opposite order, as bits.
#include "../../../../shaders/mark.glsl"
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) writeonly buffer Output { uvec4 reversed[]; };
layout(set = 0, binding = 1) uniform textureBuffer Input;

void main() {
	begin();
	int i = int(gl_GlobalInvocationID.x), texels = textureSize(Input);
	if (i < texels)
		reversed[i] = floatBitsToUint(texelFetch(Input, texels - 1 - i));
}
