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
