//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

// addStage is the sum of tensors of one width.
type addStage struct {
	in  []*tensor
	out *tensor
}

func newAdd(_ *lowered, at place) stage { return &addStage{at.in, at.out} }

func (s *addStage) forward(r *recorder, _ mode) {
	for i, in := range s.in {
		r.pass(pass{source: in, target: s.out, width: padded(in.width), add: i > 0})
	}
}

func (s *addStage) backward(r *recorder, _ mode) {
	for _, in := range s.in {
		r.send(pass{source: s.out, target: in, width: padded(in.width)})
	}
}
