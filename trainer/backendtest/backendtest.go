package backendtest

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

// Opener opens an engine of the backend under test.
type Opener func(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error)

// Check is the comparison of one quantity in one case.
type Check struct {
	Case     string  `json:"case"`
	Quantity string  `json:"quantity"`
	Elements int     `json:"elements"`
	Error    float64 `json:"error"`      // the largest difference
	Used     float64 `json:"bound_used"` // the largest part of its bound that a difference took; at most 1
	Detail   string  `json:"detail,omitempty"`
}

// OK reports whether every difference is within its bound.
func (c Check) OK() bool { return c.Used <= 1 }

// Report is what a comparison found.
type Report struct {
	Checks []Check `json:"checks"`
}

// Failed returns the checks in which a bound is broken.
func (r Report) Failed() []Check {
	var failed []Check
	for _, c := range r.Checks {
		if !c.OK() {
			failed = append(failed, c)
		}
	}
	return failed
}

// Compare runs the cases on both backends. The candidate computes with the given
// unit roundoff, 2^-24 in float32. An error means that a backend failed to
// compute, not that it computed something wrong.
func Compare(reference, candidate Opener, unit float64, cases []Case) (Report, error) {
	return compare(reference, candidate, unit, cases, func(s *session) []func() error {
		return []func() error{
			s.step, s.transfer, s.movePaper, s.moveAgain, s.drawGates, s.payJointly, s.shrink, s.restart, s.evaluate, s.evaluateExtremes, s.infer, s.measure, s.measureOutputs, s.observe, s.weigh, s.play, s.trajectory, s.oneStep, s.decay, s.epsilon, s.stop,
		}
	})
}

// CompareTraining is the part of [Compare] that kernels of products are cut for: every
// tensor of a training step, where twenty of them lead, twice, and what players do.
func CompareTraining(reference, candidate Opener, unit float64, cases []Case) (Report, error) {
	return compare(reference, candidate, unit, cases, func(s *session) []func() error {
		return []func() error{s.step, s.observe, s.weigh, s.play, s.trajectory}
	})
}

// CompareEvaluations is the part of [Compare] without steps.
func CompareEvaluations(reference, candidate Opener, unit float64, cases []Case) (Report, error) {
	return compare(reference, candidate, unit, cases, func(s *session) []func() error {
		return []func() error{s.evaluate, s.evaluateExtremes, s.infer}
	})
}

func compare(reference, candidate Opener, unit float64, cases []Case, parts func(*session) []func() error) (Report, error) {
	var report Report
	for _, c := range cases {
		s := &session{
			Case: c, unit: unit, report: &report, data: c.Data(), start: c.State(),
			reference: &side{open: reference}, candidate: &side{open: candidate},
		}
		if err := s.run(parts(s)); err != nil {
			return report, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return report, nil
}

// run compares the parts one after the other and closes the engines.
func (s *session) run(parts []func() error) (err error) {
	defer func() { err = errors.Join(err, s.reference.close(), s.candidate.close()) }()
	for _, part := range parts {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// session is the comparison of one case.
type session struct {
	Case
	unit                 float64
	reference, candidate *side
	report               *Report
	data                 *dataset.Dataset
	start                *backend.State // never changed; engines are given copies
	valuation            game.Valuation // of the engines
	joint                bool
	inference            bool
}

// State returns a copy of the state of the case, which takes long to draw.
func (s *session) State() *backend.State {
	c := *s.start
	c.Network = c.Network.Clone()
	for _, moments := range []*[][]float32{&c.First, &c.Second} {
		*moments = slices.Clone(*moments)
		for p, v := range *moments {
			(*moments)[p] = slices.Clone(v)
		}
	}
	c.Slopes = slices.Clone(c.Slopes)
	for i := range c.Slopes {
		slopes := &c.Slopes[i]
		slopes.First, slopes.Second = slices.Clone(slopes.First), slices.Clone(slopes.Second)
	}
	return &c
}

// side is one of the two that are compared, with the engines that are open on it.
type side struct {
	open    Opener
	engines map[purpose]backend.Engine
}

// purpose is what engines of a case differ in.
type purpose struct {
	data      *dataset.Dataset
	valuation game.Valuation
	joint     bool
	inference bool
}

// close closes all engines, so that the next one is opened anew.
func (b *side) close() (err error) {
	for _, e := range b.engines {
		err = errors.Join(err, e.Close())
	}
	b.engines = nil
	return err
}

// engines has both backends at the state of the case.
func (s *session) engines(run func(reference, candidate backend.Engine) error) error {
	return s.with(s.reference, func(reference backend.Engine) error {
		return s.with(s.candidate, func(candidate backend.Engine) error { return run(reference, candidate) })
	})
}

// with has one backend at the state of the case. Its engine stays open for what else
// is compared, since opening one may mean to compile everything, and takes the state
// again: nothing that was done before may show.
func (s *session) with(b *side, run func(backend.Engine) error) error {
	key := purpose{s.data, s.valuation, s.joint, s.inference}
	if e := b.engines[key]; e != nil {
		if err := e.Push(s.State()); err != nil {
			return err
		}
		return run(e)
	}
	e, err := b.open(s.data, backend.EngineOptions{Batch: s.Batch, Optimiser: s.Optimiser, Loss: s.Loss, Valuation: s.valuation, Joint: s.joint, SoftWeights: s.Soft, Seed: drawSeed, Augmentation: s.Augmentation, Inference: s.inference}, s.State())
	if err != nil {
		return err
	}
	if b.engines == nil {
		b.engines = map[purpose]backend.Engine{}
	}
	b.engines[key] = e
	return run(e)
}

// compare adds a check of got against want with a bound for each element.
func (s *session) compare(quantity string, got, want, bounds []float64) {
	check := Check{Case: s.Name, Quantity: quantity, Elements: len(want)}
	if len(got) != len(want) {
		check.Used, check.Detail = math.Inf(1), fmt.Sprintf("%d elements instead of %d", len(got), len(want))
	} else {
		for i := range want {
			difference := math.Abs(got[i] - want[i])
			if !(difference <= bounds[i]) && !(difference/bounds[i] <= check.Used) {
				check.Detail = fmt.Sprintf("element %d is %g, want %g within %g", i, got[i], want[i], bounds[i])
			}
			if math.IsNaN(difference) {
				check.Error, check.Used = math.NaN(), math.Inf(1)
				break
			}
			check.Error = max(check.Error, difference)
			if difference > 0 {
				check.Used = max(check.Used, difference/bounds[i])
			}
		}
	}
	s.report.Checks = append(s.report.Checks, check)
}
