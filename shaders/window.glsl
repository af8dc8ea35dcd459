// A window that slides over images, and what pools do with it.

layout(constant_id = 1) const bool LARGEST = true; // the largest number counts, and not the mean

layout(push_constant) uniform Push {
    uint inStride; // numbers of a sample
    uint inHeight;
    uint inWidth;
    uint outStride;
    uint outHeight;
    uint outWidth;
    uint channels;
    uint kernelHeight;
    uint kernelWidth;
    uint strideY;
    uint strideX;
    uint paddingY;
    uint paddingX;
};

// Window is the part of a channel that an output sees: from first up to last, y before x.
struct Window {
    uvec2 first;
    uvec2 last;
};

Window windowOf(uint y, uint x) {
    ivec2 from = ivec2(y * strideY, x * strideX) - ivec2(paddingY, paddingX);
    ivec2 to = min(from + ivec2(kernelHeight, kernelWidth), ivec2(inHeight, inWidth));
    return Window(uvec2(max(from, ivec2(0))), uvec2(to));
}

bool isNumber(float x) { return (floatBitsToUint(x) & 0x7fffffff) <= 0x7f800000; }

// largest returns the place of the first of the largest numbers of a window, or of the first
// that is no number, in a channel that begins at some place.
uint largest(Window w, uint channel) {
    uint best = channel + w.first.x * inWidth + w.first.y;
    float most = numberAt(best);
    for (uint y = w.first.x; y < w.last.x; y++) {
        for (uint x = w.first.y; x < w.last.y; x++) {
            uint at = channel + y * inWidth + x;
            float number = numberAt(at);
            if (number > most || !isNumber(number) && isNumber(most)) {
                best = at;
                most = number;
            }
        }
    }
    return best;
}
