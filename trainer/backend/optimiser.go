package backend

// Optimiser updates weights and biases from their gradients.
//
// Before anything else the gradients of all parameters together are scaled down to the
// length ClipNorm, if they are longer. The weights, but not the biases, are then drawn to
// zero: by adding WeightDecay w to their gradient, or in AdamW by w <- w - rate
// WeightDecay w, apart from the gradient (arXiv:1711.05101, algorithm 2).
type Optimiser struct {
	Kind        OptimiserKind
	Momentum    float64 // mu of SGD and RMSProp, 0 <= mu < 1; unused by Adam
	WeightDecay float64 // at least 0
	ClipNorm    float64 // at least 0; 0: no clipping
}

// OptimiserKind names an optimiser. Of a gradient g, at step t since the start or
// the last restart, with moments m and v that start at zero:
type OptimiserKind string

const (
	// SGD is m <- mu m + g, w <- w - rate m.
	SGD OptimiserKind = "sgd"
	// RMSProp is v <- [RMSPropMemory] v + (1 - [RMSPropMemory]) g^2,
	// m <- mu m + g/(sqrt(v) + [AdamEpsilon]), w <- w - rate m (Tieleman and Hinton,
	// lecture 6.5 of "Neural Networks for Machine Learning", 2012).
	RMSProp OptimiserKind = "rmsprop"
	// Adam follows Kingma and Ba (arXiv:1412.6980, algorithm 1), with
	// [AdamBeta1], [AdamBeta2] and [AdamEpsilon].
	Adam OptimiserKind = "adam"
	// AdamW is Adam with decoupled weight decay.
	AdamW OptimiserKind = "adamw"
)

// OptimiserKinds lists all there are.
var OptimiserKinds = []OptimiserKind{SGD, RMSProp, Adam, AdamW}

// IsAdam reports whether the moments are those of Adam, with their corrections.
func (k OptimiserKind) IsAdam() bool { return k == Adam || k == AdamW }

// HasSecond reports whether there is a second moment, v.
func (k OptimiserKind) HasSecond() bool { return k.IsAdam() || k == RMSProp }

// HasMomentum reports whether the optimiser takes a momentum.
func (k OptimiserKind) HasMomentum() bool { return !k.IsAdam() }

// Coupled returns the weight decay that is added to the gradient.
func (o Optimiser) Coupled() float64 {
	if o.Kind == AdamW {
		return 0
	}
	return o.WeightDecay
}

// Shrink returns what weights are multiplied with before a step at the given rate, where
// they decay: below 1 in AdamW alone.
func (o Optimiser) Shrink(rate float64) float64 {
	if o.Kind != AdamW {
		return 1
	}
	return 1 - rate*o.WeightDecay
}

// The constants of Adam, as its authors recommend, and of RMSProp, as PyTorch has
// it.
const (
	AdamBeta1     = 0.9
	AdamBeta2     = 0.999
	AdamEpsilon   = 1e-8
	RMSPropMemory = 0.99
)
