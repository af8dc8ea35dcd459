package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"path/filepath"

	"nashprune/trainer"
	"nashprune/trainer/eventfile"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
)

// tensorboard writes what a run reports to an event file, in a folder that has the name of
// the run's. A nil one writes nothing.
type tensorboard struct {
	dir    string
	writer *eventfile.Writer // from the first event on, when the run is known to be well
	err    error
	step   int
}

func newTensorboard(dir, run string) *tensorboard {
	name, err := filepath.Abs(run)
	return &tensorboard{dir: filepath.Join(dir, filepath.Base(name)), err: err}
}

// write writes values of a step. The first error stays.
func (t *tensorboard) write(step int, values ...eventfile.Value) {
	if t.writer == nil && t.err == nil {
		if t.writer, t.err = eventfile.Create(t.dir); t.err != nil {
			t.err = fmt.Errorf("--tensorboard: %w", t.err)
		}
	}
	if t.err == nil {
		t.writer.Write(step, values...)
	}
}

func (t *tensorboard) observe(e trainer.Event) {
	if r := e.Round; r != nil {
		t.participations(r.Training, r.Step, r.Participations)
		var values []eventfile.Value
		for g, players := range r.Players {
			add := func(what string, x float64) {
				values = append(values, eventfile.Scalar(fmt.Sprintf("%s %s/gate %d", r.Training, what, g), x))
			}
			add("players", float64(players))
			add("demand", float64(r.Demand[g]))
			if r.Prices != nil {
				add("price", r.Prices[g])
			}
			if r.Supply != nil {
				add("supply", r.Supply[g])
			}
		}
		t.write(r.Step, values...)
	}
	line := e.Line
	if line == nil {
		return
	}
	t.participations(line.Training, line.Step, line.Participations)
	values := []eventfile.Value{
		eventfile.Scalar(line.Training+"/loss", line.Loss),
		eventfile.Scalar(line.Training+"/learning rate", line.LearningRate),
	}
	for _, figure := range []struct {
		name string
		x    *float64
	}{
		{"accuracy", line.Accuracy}, {"validation loss", line.ValidationLoss}, {"validation accuracy", line.ValidationAccuracy},
		{"validation R2", line.ValidationR2}, {"mean participation", line.MeanParticipation},
	} {
		if figure.x != nil {
			values = append(values, eventfile.Scalar(line.Training+"/"+figure.name, *figure.x))
		}
	}
	t.write(line.Step, values...)
	t.step = max(t.step, line.Step)
}

func (t *tensorboard) participations(training string, step int, of []record.Participations) {
	for g, gate := range of {
		t.write(step, eventfile.Histogram(fmt.Sprintf("%s participation/gate %d", training, g), 0, 1, gate.Histogram))
	}
}

// finish adds the pictures of the finished run in a folder, and ends the file.
func (t *tensorboard) finish(run string) error {
	if t == nil {
		return nil
	}
	f, err := report.ReadFolder(run)
	if err != nil {
		return errors.Join(err, t.close())
	}
	for _, picture := range report.Images(f) {
		var b bytes.Buffer
		if err := png.Encode(&b, picture.Image); err != nil {
			return errors.Join(err, t.close())
		}
		size := picture.Image.Bounds()
		t.write(t.step, eventfile.Image(picture.Name, size.Dx(), size.Dy(), b.Bytes()))
	}
	return t.close()
}

// close ends the file, and says what could not be written.
func (t *tensorboard) close() error {
	switch {
	case t == nil:
		return nil
	case t.writer == nil:
		return t.err
	}
	return errors.Join(t.err, t.writer.Close())
}
