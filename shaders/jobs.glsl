// The table of what the workgroups of a dispatch are for. Some compute the gradient of
// a matrix of parameters, others add up the contributions of the players of a gate.

struct Job {
    uint first;      // its first workgroup, among those of the matrices or of the gates
    uint inStride;   // of a matrix of parameters: vec4 in a row of its inputs
    uint outStride;  // vec4 in a row of parameters, or of players
    uint source;     // place of its inputs in Below, or of its blocks in Sums, in vec4
    uint derivative; // of a matrix of parameters: place in Derivative
    uint target;     // place in Parameters, First, Second and Gradient, or in Players
};

layout(std430, set = 0, binding = 1) readonly buffer Jobs { Job jobs[]; };

// group numbers the workgroups of the dispatch, which may be several rows.
uint group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

// jobOf returns which of the jobs from one on, so many of them, a workgroup is for.
uint jobOf(uint number, uint first, uint count) {
    uint job = first;
    while (job + 1 < first + count && jobs[job + 1].first <= number) {
        job++;
    }
    return job;
}
