package reproduce

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"nashprune/trainer/record"
	"nashprune/trainer/sweep"
)

// trial is a run that is asked for, and what it found once it was made.
type trial struct {
	sweep.Row
	run    Run
	epochs []record.EpochLine
}

// load reads a file of the run.
func load[T any](t *trial, file string, read func(io.Reader) (T, error)) (value T, err error) {
	path := filepath.Join(t.Dir, file)
	opened, err := os.Open(path)
	if err != nil {
		return value, err
	}
	defer opened.Close()
	if value, err = read(opened); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return value, err
}

// read fills in the figures of a finished run from its result and its folder.
func (t *trial) read(row Row, made sweep.Row) error {
	t.Row = made
	run, result := &t.run, made.Result
	if result == nil {
		run.Diverged = made.Reason
		return nil
	}
	if result.Gated == nil || result.Gated.Masked == nil || result.Gated.Accuracy == nil || result.Pruned.Accuracy == nil {
		return fmt.Errorf("%s holds no run of the paper's game with classes", t.Dir)
	}
	run.Before, run.Masked, run.After = *result.Gated.Accuracy, *result.Gated.Masked.Accuracy, *result.Pruned.Accuracy
	run.Sparsity, run.Device = result.Pruned.Sparsity, made.Device
	run.Kept = result.Pruned.Shape[1 : len(result.Pruned.Shape)-1]
	run.MaxGap, run.RelativeGap = result.Equilibrium.MaxGap, result.Equilibrium.RelativeGap
	certificate, err := load(t, record.CertificateFile, record.ReadCertificate)
	if err != nil {
		return err
	}
	for _, layer := range certificate.Layers {
		run.SquaredNorm += layer.MeanSquaredNorm * float64(layer.Players) / float64(len(certificate.Players))
	}
	if t.epochs, err = load(t, record.MetricsFile, readEpochs); err != nil {
		return err
	}
	run.Chosen = *t.epochs[len(t.epochs)-1].ValidationAccuracy
	run.Distance = row.Distance(run.Chosen, run.Sparsity)
	return nil
}

// readEpochs returns what metrics say of epochs.
func readEpochs(metrics io.Reader) (lines []record.EpochLine, err error) {
	for decoder := json.NewDecoder(metrics); ; {
		var line record.EpochLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) && lines != nil {
			return lines, nil
		}
		if err == nil && (line.ValidationAccuracy == nil || line.MeanParticipation == nil) {
			err = fmt.Errorf("epoch %d lacks its validation accuracy or the participations", line.Epoch)
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
}

// bins is how many bins a histogram has: eps lies between the first and the second.
const bins = 100

// draw takes what Figures 1 and 2 show of a run.
func (r *RowReport) draw(t *trial) error {
	for _, line := range t.epochs {
		p := Point{Epoch: line.Epoch, Accuracy: *line.ValidationAccuracy, MeanParticipation: *line.MeanParticipation}
		players := 0
		for l := range line.Active {
			p.Active += line.Active[l]
			players += line.Players[l]
		}
		p.Sparsity = 100 * (1 - float64(p.Active)/float64(players))
		r.Curve = append(r.Curve, p)
	}
	players, err := load(t, record.PlayersFile, record.ReadPlayers)
	r.Histogram = make([]int, bins)
	for _, p := range players {
		r.Histogram[min(max(int(p.Participation*bins), 0), bins-1)]++
	}
	return err
}
