// What changes from one step to the next: commands are recorded once and
// submitted many times, so they read it from here.

struct Step {
    uint first;        // place of the batch's first sample in the order
    uint rows;         // samples of the batch
    uint next;         // place of the next step in the plan
    float share;       // 1 / rows
    float rate;        // learning rate; of Adam with the first moment's correction
    float secondScale; // correction of Adam's second moment
    float shrink;      // 1 - rate times the decay of weights, of AdamW
    float memory;      // weight of this batch in means over several; 1 in training
    float firstSlope;  // corrections of the moments of the players' slopes
    float secondSlope;
    uint place;        // of the batch's first sample in its pass over samples
    uint number;       // of the optimiser's step, from 1
};

layout(std430, set = 0, binding = 0) readonly buffer State { Step now; };
