package backend_test

import (
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

// TestBatches: an engine has rows for a batch and for an evaluation, and refuses what is larger.
func TestBatches(t *testing.T) {
	for _, c := range []struct{ batch, train, test, rows, infers int }{
		{1, 1, 1, 128, 1}, {130, 100, 300, 128, 128}, {130, 300, 300, 130, 130}, {500, 300, 300, 300, 300}, {500, 300, 0, 300, 0},
	} {
		o := backend.EngineOptions{Batch: c.batch}
		d := dataset.Noise(c.train, 1, 2)
		d.Test = dataset.Noise(c.test, 1, 2).Train
		if got := o.BatchRows(d); got != c.rows {
			t.Errorf("%+v: %d rows", c, got)
		}
		for count, refused := range map[int]bool{c.infers: false, c.infers + 1: true} {
			if err := o.CheckInfer(d, count); (err != nil) != refused {
				t.Errorf("%+v: %d samples to infer: %v", c, count, err)
			}
		}
		for count, refused := range map[int]bool{0: true, 1: false, c.batch: false, c.batch + 1: true} {
			if err := o.CheckProbe(make([]int32, count)); (err != nil) != refused {
				t.Errorf("%+v: %d samples to probe: %v", c, count, err)
			}
		}
	}
}
