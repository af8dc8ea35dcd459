//go:build !amd64

package cpufallback

// multiplyAddLoops returns none: Go makes no vectors, and a loop over single numbers
// is slower than matrix products.
func multiplyAddLoops() []multiplyAddLoop { return nil }
