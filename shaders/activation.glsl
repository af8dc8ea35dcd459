// The function that a layer with players applies to z = s u, and its derivative.
// The specialisation constant has the id ACTIVATION_CONSTANT. All functions are
// zero at zero and pass NaN on.
//
// Bounds are in units u = 2^-24, of what the functions add to the error of z, and
// take Vulkan's precision for granted: exp(x) within 3 + 2|x| ulp, a quotient
// within 2.5. The polynomials are minimax fits of our own (Remez's exchange, in
// double precision); their error is far below their roundings.

const uint LOGITS = 0; // no players: u as it is
const uint RELU = 1;
const uint LEAKY_RELU = 2;
const uint GELU = 3;
const uint TANH = 4;
const uint IDENTITY = 5;
const uint RELU6 = 6;

layout(constant_id = ACTIVATION_CONSTANT) const uint ACTIVATION = RELU;

// All but the rectifier are so long that they stand in a loop of their own, which
// goes over the numbers of a tile that is written already: unrolled with the tile,
// llvmpipe would compile them for seconds.
const bool LOOPED = ACTIVATION > RELU;

const float LEAKY_SLOPE = 0.01;

// An exponential of less is no normal number, and squares may be infinite.
const float LEAST_EXPONENT = -128;

// bell returns exp(-z^2 / 2).
vec4 bell(vec4 z) {
    return exp(max(-0.5 * z * z, vec4(LEAST_EXPONENT)));
}

// normal returns Phi(z), the distribution function of the standard normal
// distribution, within 4 units: near zero 1/2 + z Q(z^2), and beyond it, where
// cancellation begins, from the tail exp(-z^2 / 2) t R(t) with t = 1 / (1 + 0.34
// |z|). Q is within 2.7e-9 of its size and R within 2.1e-7, on 0.067 at most.
vec4 normal(vec4 z) {
    vec4 y = z * z;
    vec4 q = vec4(4.11555959e-7);
    q = q * y - 8.7183034e-6;
    q = q * y + 1.14356386e-4;
    q = q * y - 1.18648855e-3;
    q = q * y + 9.973241e-3;
    q = q * y - 6.6490337e-2;
    q = q * y + 0.39894229;
    vec4 t = 1 / (1 + 0.34 * abs(z));
    vec4 r = vec4(-7.2225429e-2);
    r = r * t + 0.114197470;
    r = r * t + 6.0363516e-2;
    r = r * t + 0.126374260;
    r = r * t + 0.134888113;
    r = r * t + 0.135675982;
    vec4 tail = bell(z) * t * r;
    vec4 beyond = mix(tail, 1 - tail, greaterThan(z, vec4(0)));
    return mix(beyond, 0.5 + z * q, lessThan(abs(z), vec4(1.5)));
}

// fading returns exp(-2|z|).
vec4 fading(vec4 z) {
    return exp(max(-2 * abs(z), vec4(LEAST_EXPONENT)));
}

// hyperbolicTangent is within 8 units of its size: up to one z + z^3 P(z^2), with
// P within 5.2e-9 of the function's size, and beyond it 1 - 2 e/(1 + e) with
// e = exp(-2|z|), which never overflows.
vec4 hyperbolicTangent(vec4 z) {
    vec4 y = z * z;
    vec4 p = vec4(-3.6493718e-4);
    p = p * y + 2.32517044e-3;
    p = p * y - 7.9807648e-3;
    p = p * y + 2.15119850e-2;
    p = p * y - 5.3889446e-2;
    p = p * y + 0.133325219;
    p = p * y - 0.33333308;
    vec4 e = fading(z);
    vec4 beyond = 1 - 2 * e / (1 + e);
    return mix(mix(beyond, -beyond, lessThan(z, vec4(0))), z + z * (y * p), lessThan(abs(z), vec4(1)));
}

// activation returns the output for z: exact for rectifiers, within 2 units of
// its size for the leaky one, within 4 |z| + |output| for GELU.
vec4 activation(vec4 z) {
    vec4 value;
    if (ACTIVATION == LEAKY_RELU) {
        value = mix(LEAKY_SLOPE * z, z, greaterThan(z, vec4(0)));
    } else if (ACTIVATION == GELU) {
        value = z * normal(z);
    } else if (ACTIVATION == TANH) {
        value = hyperbolicTangent(z);
    } else if (ACTIVATION == IDENTITY) {
        value = z;
    } else if (ACTIVATION == RELU6) {
        value = clamp(z, vec4(0), vec4(6));
    } else {
        value = max(z, vec4(0));
    }
    return mix(value, z, notNumbers(z)); // which max and exp may leave out
}

// slope returns the derivative at z; of the rectifier, whose kink asks for more care, the
// callers that know it better have their own. It is within 1 unit for the leaky one, 8 for GELU, whose derivative is
// Phi(z) + z exp(-z^2/2)/sqrt(2 pi), and 10 for the hyperbolic tangent: 1 - tanh^2
// is 4 e/(1 + e)^2, without its cancellation.
vec4 slope(vec4 z) {
    vec4 derivative;
    if (ACTIVATION == LEAKY_RELU) {
        derivative = mix(vec4(LEAKY_SLOPE), vec4(1), greaterThan(z, vec4(0)));
    } else if (ACTIVATION == GELU) {
        vec4 finite = clamp(z, vec4(-100), vec4(100)); // infinity times zero is no number
        derivative = normal(z) + 0.39894228 * finite * bell(z);
    } else if (ACTIVATION == RELU) {
        derivative = mix(vec4(0), vec4(1), greaterThan(z, vec4(0)));
    } else if (ACTIVATION == IDENTITY) {
        derivative = vec4(1);
    } else if (ACTIVATION == RELU6) {
        derivative = vec4(greaterThan(z, vec4(0))) * vec4(lessThan(z, vec4(6)));
    } else {
        vec4 e = fading(z);
        derivative = 4 * e / ((1 + e) * (1 + e));
    }
    return mix(derivative, z, notNumbers(z));
}
