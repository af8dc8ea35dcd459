package reproduce

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"nashprune/trainer/record"
	"nashprune/trainer/study"
)

// trial is a run that is asked for, and what it found once it was made.
type trial struct {
	row     Row
	run     Run
	outcome study.Outcome
}

// read fills in the figures of a finished run from its result and its folder.
func (t *trial) read() error {
	run, result := &t.run, t.outcome.Result
	if result == nil {
		run.Diverged = t.outcome.Diverged
		return nil
	}
	if result.Gated == nil || result.Gated.Masked == nil || result.Gated.Accuracy == nil || result.Pruned.Accuracy == nil {
		return fmt.Errorf("%s holds no run of the paper's game with classes", t.outcome.Dir)
	}
	run.Before, run.Masked, run.After = *result.Gated.Accuracy, *result.Gated.Masked.Accuracy, *result.Pruned.Accuracy
	run.Sparsity = result.Pruned.Sparsity
	run.Kept = result.Pruned.Shape[1 : len(result.Pruned.Shape)-1]
	run.MaxGap, run.RelativeGap = result.Equilibrium.MaxGap, result.Equilibrium.RelativeGap
	if err := t.readNorm(); err != nil {
		return err
	}
	lines, err := t.lines()
	if err != nil {
		return err
	}
	run.Chosen = *lines[len(lines)-1].ValidationAccuracy
	run.Distance = t.row.Distance(run.Chosen, run.Sparsity)
	return nil
}

// readNorm takes the mean |theta|^2 from the certificate.
func (t *trial) readNorm() error {
	path := filepath.Join(t.outcome.Dir, record.CertificateFile)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	c, err := record.ReadCertificate(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	t.run.SquaredNorm = 0
	for _, layer := range c.Layers {
		t.run.SquaredNorm += layer.MeanSquaredNorm * float64(layer.Players) / float64(len(c.Players))
	}
	return nil
}

// lines returns what the run says of its epochs.
func (t *trial) lines() ([]record.EpochLine, error) {
	path := filepath.Join(t.outcome.Dir, record.MetricsFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines []record.EpochLine
	for decoder := json.NewDecoder(file); ; {
		var line record.EpochLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if line.ValidationAccuracy == nil || line.MeanParticipation == nil {
			return nil, fmt.Errorf("%s: epoch %d lacks its validation accuracy or the participations", path, line.Epoch)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s says nothing of any epoch", path)
	}
	return lines, nil
}

// curve returns what Figure 1 shows of the run.
func (t *trial) curve() ([]Point, error) {
	lines, err := t.lines()
	var points []Point
	for _, line := range lines {
		p := Point{Epoch: line.Epoch, Accuracy: *line.ValidationAccuracy, MeanParticipation: *line.MeanParticipation}
		players := 0
		for l := range line.Active {
			p.Active += line.Active[l]
			players += line.Players[l]
		}
		p.Sparsity = 100 * (1 - float64(p.Active)/float64(players))
		points = append(points, p)
	}
	return points, err
}

// bins is how many bins a histogram has: eps lies between the first and the second.
const bins = 100

// histogram counts the players of the run by their last participation.
func (t *trial) histogram() ([]int, error) {
	path := filepath.Join(t.outcome.Dir, record.PlayersFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	players, err := record.ReadPlayers(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	counts := make([]int, bins)
	for _, p := range players {
		counts[min(max(int(p.Participation*bins), 0), bins-1)]++
	}
	return counts, nil
}
