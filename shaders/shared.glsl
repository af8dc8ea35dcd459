// The product of a workgroup's tiles by way of shared memory: STEP terms of all its
// rows and columns are read once, and each invocation takes its own from there.
// STEP and ROWS are multiples of four.
//
// The file that includes this one defines how operands are read, by the constants LEFT_BY_TERMS and
// RIGHT_BY_TERMS:
//   vec4 readLeft(uint row, uint fours)    four terms of a row, with LEFT_BY_TERMS
//   vec4 readLeft(uint term, uint fours)   else four rows of a term
//   vec4 readRight(uint column, uint fours) four terms of a single column, with RIGHT_BY_TERMS
//   vec4 readRight(uint term, uint fours)  else four columns of a term
// What lies beyond the last row or column may be anything; terms beyond the last
// are zeros here, on both sides, which change no sum.

const uint HEIGHT = DOWN * ROWS / 4;  // of a workgroup, in vec4
const uint WIDTH = ACROSS * COLUMNS;

shared vec4 left[STEP * HEIGHT + 1];
shared vec4 right[STEP * WIDTH + 1];

// place spreads four terms of one row over four vectors of rows, from left or right.
#define PLACE(side, width, line, fours, four) \
    [[unroll]] for (uint q = 0; q < 4; q++) { \
        side[(4 * fours + q) * width + line / 4][line % 4] = four[q]; \
    }

// takeIn reads the terms from first on.
void takeIn(uint first, uint terms) {
    for (uint i = gl_LocalInvocationID.x; i < STEP * HEIGHT; i += LOCAL_SIZE) {
        if (LEFT_BY_TERMS) {
            uint row = i % (4 * HEIGHT), fours = i / (4 * HEIGHT);
            vec4 four = first + 4 * fours < terms ? readLeft(groupRow() + row, first / 4 + fours) : vec4(0);
            PLACE(left, HEIGHT, row, fours, four)
        } else {
            uint term = first + i / HEIGHT;
            left[i] = term < terms ? readLeft(term, groupRow() / 4 + i % HEIGHT) : vec4(0);
        }
    }
    uint firstColumn = TILE.y * WIDTH;
    for (uint i = gl_LocalInvocationID.x; i < STEP * WIDTH; i += LOCAL_SIZE) {
        if (RIGHT_BY_TERMS) {
            uint column = i % (4 * WIDTH), fours = i / (4 * WIDTH);
            vec4 four = first + 4 * fours < terms ? readRight(4 * firstColumn + column, first / 4 + fours) : vec4(0);
            PLACE(right, WIDTH, column, fours, four)
        } else {
            uint term = first + i / WIDTH;
            right[i] = term < terms ? readRight(term, firstColumn + i % WIDTH) : vec4(0);
        }
    }
}

// multiplyShared adds up the sums of all tiles over so many terms. All invocations
// of a workgroup have to get here.
void multiplyShared(uint terms) {
    for (uint first = 0; first < terms; first += STEP) {
        takeIn(first, terms);
        barrier();
        for (uint k = 0; k < STEP; k++) {
            vec4 b[COLUMNS];
            [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                b[c] = right[k * WIDTH + c * ACROSS + tileColumn()];
            }
            [[unroll]] for (uint r = 0; r < ROWS / 4; r++) {
                vec4 a = left[k * HEIGHT + tileRow() * (ROWS / 4) + r];
                [[unroll]] for (uint q = 0; q < 4; q++) {
                    [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
                        sum[(4 * r + q) * COLUMNS + c] += a[q] * b[c];
                    }
                }
            }
        }
        barrier();
    }
}
