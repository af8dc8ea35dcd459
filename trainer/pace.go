package trainer

import (
	"math"
	"time"

	"nashprune/trainer/session"
)

// pace says how long the steps and the rounds of this process took. Reading data, bids and asks, and
// evaluations come once and say nothing of the steps that are left, so their times are not in it.
type pace struct {
	steps  float64 // seconds
	work   float64 // of these steps, as [session.Plan.Work] counts it
	played int     // rounds
	round  float64 // seconds of the shortest
	seen   session.PhaseSeconds
}

// begin turns to a training that took so long before this process.
func (p *pace) begin(before session.PhaseSeconds) { p.seen = before }

// add counts a stretch of so much work, after which the training has taken so long.
func (p *pace) add(now session.PhaseSeconds, work float64) {
	round := now.Rounds - p.seen.Rounds
	p.steps += now.Training - p.seen.Training - round
	p.work += work
	if round > 0 {
		if p.played++; p.played == 1 || round < p.round {
			p.round = round
		}
	}
	p.seen = now
}

// left estimates how long so much work and so many rounds take; it is negative where no step was made.
// The first round prepares the others and has the most players, so it alone says nothing of them.
func (p *pace) left(work float64, rounds int) time.Duration {
	if p.work <= 0 {
		return -1
	}
	seconds := p.steps / p.work * max(0, work)
	if p.played > 1 {
		seconds += p.round * float64(rounds)
	}
	return time.Duration(math.Round(seconds)) * time.Second
}
