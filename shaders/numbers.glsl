// notNumbers tells which of the numbers are NaN. It looks at their bits, since a
// compiler that takes arithmetic to be finite drops isnan.
bvec4 notNumbers(vec4 numbers) {
    return greaterThan(floatBitsToUint(numbers) & 0x7fffffff, uvec4(0x7f800000));
}
