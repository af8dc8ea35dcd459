// One invocation for each column of a matrix (mostly in vec4), or for each number
// of a vector; LOCAL_SIZE of them are a workgroup.
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL_SIZE = 1;
#include "mark.glsl"
