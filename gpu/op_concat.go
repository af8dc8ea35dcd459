//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

// concatStage puts tensors side by side.
type concatStage struct {
	in  []*tensor
	out *tensor
}

func newConcat(_ *lowered, at place) stage { return &concatStage{at.in, at.out} }

func (s *concatStage) forward(r *recorder, _ mode) {
	at := 0
	for i, in := range s.in {
		p := pass{source: in, target: s.out, width: in.width, to: at}
		at += in.width
		if i == len(s.in)-1 {
			p.clear = padded(at) - at
		}
		r.pass(p)
	}
}

func (s *concatStage) backward(r *recorder, _ mode) {
	at := 0
	for _, in := range s.in {
		p := pass{source: s.out, target: in, width: in.width, from: at}
		if !in.written {
			p.clear = padded(in.width) - in.width
		}
		at += in.width
		r.send(p)
	}
}
