package session

import (
	"fmt"
)

// DivergedError says that training left the finite numbers, or ended an epoch far
// above what guessing costs.
type DivergedError struct {
	Training     string // which of the run's trainings
	Epoch        int    // from 1
	Loss         float64
	LearningRate float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("the %s training diverged in epoch %d at learning rate %g: the loss is %.3g; try --learning-rate %.2g and another folder",
		e.Training, e.Epoch, e.LearningRate, e.Loss, e.LearningRate/10)
}
