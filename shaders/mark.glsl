// The mark that a kernel leaves when it begins. The host reads it when a submission
// is lost or hangs, to name the kernel in flight.

// The host binds as many words as the number has that a dispatch leaves in the
// first of them, so that nothing else has to say it.
layout(std430, set = 0, binding = 31) coherent writeonly buffer Mark { uint mark[]; };

// begin is the first that every kernel does.
void begin() {
    if (gl_GlobalInvocationID == uvec3(0)) {
        mark[0] = mark.length();
    }
}
