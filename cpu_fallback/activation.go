package cpufallback

import "nashprune/trainer/network"

// identity is the activation of a stage that has none.
const identity network.Activation = ""

// activate is output <- activation(s u).
func activate[T real](v vectors[T], a network.Activation, output, s, u []T) {
	switch a {
	case network.ReLU:
		v.rectify(output, s, u)
		return
	case identity:
		v.multiply(output, s, u)
		return
	}
	s, u = s[:len(output)], u[:len(output)]
	for i := range output {
		z := s[i] * u[i]
		switch {
		case a != network.LeakyReLU:
			z = T(a.At(float64(z)))
		case z <= 0: // without the way through float64
			z *= network.LeakySlope
		}
		output[i] = z
	}
}

// throughActivation turns derivatives with respect to the outputs of a sample into
// those with respect to z = s u.
func throughActivation[T real](a network.Activation, derivative, s, u []T) {
	if a == identity {
		return
	}
	s, u = s[:len(derivative)], u[:len(derivative)]
	for i := range derivative {
		z := s[i] * u[i]
		switch {
		case a == network.ReLU: // without the way through float64, as below
			if !(z > 0) {
				derivative[i] = 0
			}
		case a != network.LeakyReLU:
			derivative[i] *= T(a.Slope(float64(z)))
		case !(z > 0):
			derivative[i] *= network.LeakySlope
		}
	}
}

// contribute adds the contributions of a sample, c = rows dz u, and their squares to
// sums over the batch.
func contribute[T real](rows T, dz, u, means, squares []T) {
	u, means, squares = u[:len(dz)], means[:len(dz)], squares[:len(dz)]
	for i, dz := range dz {
		c := rows * dz * u[i]
		means[i] += c
		squares[i] += T(c * c)
	}
}

// throughParticipation turns derivatives with respect to z into those with respect
// to u, and adds them to sum.
func throughParticipation[T real](derivative, s, sum []T) {
	s, sum = s[:len(derivative)], sum[:len(derivative)]
	for i := range derivative {
		derivative[i] *= s[i]
		sum[i] += derivative[i]
	}
}
