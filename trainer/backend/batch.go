package backend

import (
	"errors"
	"fmt"

	"nashprune/trainer/dataset"
)

// InferLimit is the largest batch that [Engine.Infer] takes of engines for smaller ones.
const InferLimit = 128

// BatchRows returns the rows that an engine has of everything that holds a batch of a data set:
// those of a training step, and of evaluations, which take InferLimit at a time.
func (o EngineOptions) BatchRows(d *dataset.Dataset) int {
	return max(min(o.Batch, d.Train.Len()), InferLimit)
}

// CheckInfer says why an engine does not infer so many samples of a data set.
func (o EngineOptions) CheckInfer(d *dataset.Dataset, count int) error {
	if there, limit := d.Test.Len(), o.BatchRows(d); count > min(there, limit) {
		return fmt.Errorf("cannot run %d samples at a time: there are %d and the limit is %d", count, there, limit)
	}
	return nil
}

// CheckProbe says why an engine does not probe samples.
func (o EngineOptions) CheckProbe(order []int32) error {
	if len(order) == 0 || len(order) > o.Batch {
		return errors.New("a probe takes between one sample and a whole batch")
	}
	return nil
}
