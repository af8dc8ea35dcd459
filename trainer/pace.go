package trainer

import (
	"math"
	"time"

	"nashprune/trainer/session"
)

// pace says how long the steps and the rounds of this process took. Reading data, bids and asks, and
// evaluations come once and say nothing of the steps that are left, so their times are not in it.
type pace struct {
	steps, rounds         float64 // seconds
	stepsWork, roundsWork float64 // of these, as [session.Plan.Work] and [session.Plan.RoundWork] count it
	played                int     // rounds
	seen                  session.PhaseSeconds
}

// begin turns to a training that took so long before this process.
func (p *pace) begin(before session.PhaseSeconds) { p.seen = before }

// add counts a stretch of so much work, after which the training has taken so long.
func (p *pace) add(now session.PhaseSeconds, steps, round float64) {
	seconds := now.Rounds - p.seen.Rounds
	p.steps += now.Training - p.seen.Training - seconds
	p.stepsWork += steps
	if seconds > 0 && round > 0 {
		p.rounds += seconds
		p.roundsWork += round
		p.played++
	}
	p.seen = now
}

// left estimates how long so much work takes; it is negative where no step was made. The first round
// prepares the others, so it alone says nothing of them.
func (p *pace) left(steps, rounds float64) time.Duration {
	if p.stepsWork <= 0 {
		return -1
	}
	seconds := p.steps / p.stepsWork * max(0, steps)
	if p.played > 1 {
		seconds += p.rounds / p.roundsWork * rounds
	}
	return time.Duration(math.Round(seconds)) * time.Second
}
