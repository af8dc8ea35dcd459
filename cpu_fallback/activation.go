package cpufallback

import "nashprune/trainer/network"

// activate writes the activation of z = s u to output, number by number.
func activate[T real](a network.Activation, s, u, output []T) {
	output, s = output[:len(u)], s[:len(u)]
	switch a {
	case network.ReLU:
		for i, u := range u {
			output[i] = max(s[i]*u, 0)
		}
	case network.LeakyReLU:
		for i, u := range u {
			z := s[i] * u
			if z <= 0 {
				z *= network.LeakySlope
			}
			output[i] = z
		}
	default:
		for i, u := range u {
			output[i] = T(a.At(float64(s[i] * u)))
		}
	}
}

// throughActivation turns derivatives with respect to the outputs of a sample into
// those with respect to u, and adds to the sums over the batch of du and, if there
// are any, of c and c^2, where c = rows dz u. It is for all activations but ReLU.
func throughActivation[T real](a network.Activation, rows T, s, u, derivative, biasSum, means, squares []T) {
	n := len(derivative)
	s, u, biasSum = s[:n], u[:n], biasSum[:n]
	for i, d := range derivative {
		z := s[i] * u[i]
		var slope T
		if a == network.LeakyReLU { // without the way through float64
			if slope = network.LeakySlope; z > 0 {
				slope = 1
			}
		} else {
			slope = T(a.Slope(float64(z)))
		}
		dz := d * slope
		if means != nil {
			c := rows * dz * u[i]
			means[i] += c
			squares[i] += c * c
		}
		derivative[i] = s[i] * dz
		biasSum[i] += derivative[i]
	}
}
