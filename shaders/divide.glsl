// divide returns n / d, for d above 0 and a quotient below 2^21: by floats and a correction,
// since devices take long to divide integers.
uint divide(uint n, uint d) {
    uint quotient = uint(float(n) / float(d));
    int rest = int(n - quotient * d);
    return rest < 0 ? quotient - 1 : rest >= int(d) ? quotient + 1 : quotient;
}
