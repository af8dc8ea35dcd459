package trainer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"nashprune/trainer/atomicfile"
)

// A beginning is the state of a training one step before its first round. Trainings
// that differ only in what happens from then on are the same function until there, so
// one may go on where another stood, with the same bits as if it had begun by itself.
// Beginnings are checkpoints, in files named after everything that matters until then.

// branch returns the step after which a training's beginning is over, or 0 if it has
// none. One with a model of latencies, which is measured, is nobody else's.
func (p plan) branch() int {
	if !p.game.inRounds() || p.config.needsLatency() {
		return 0
	}
	return p.roundEnd(1) - 1
}

// beginningPath names the file of the beginning of the run's own training.
func (r *run) beginningPath() (string, error) {
	data, c := r.result.Data, r.config
	c.Keep, c.Sparsity, c.Shape, c.Cost, c.MaxParameters, c.MaxMACs, c.MaxAccuracyDrop = 0, 0, "", "", 0, 0, 0
	c.Damping, c.Baseline, c.EvaluateOn, data.EvaluatedOn = 0, false, "", ""
	c.DataOnDevice = AnyPlacement
	if c.Game != RankingGame || c.Criterion != Participation {
		// No paper's game is played, and it does not matter which criterion comes.
		c.Criterion, c.Benefit, c.Update = "", "", ""
		c.Alpha, c.Beta, c.Gamma, c.Eta = 0, 0, 0, 0
		c.ParticipationRate = 0
	}
	c.Threshold = 0
	key, err := json.Marshal([]any{c, data, r.device, r.Version, checkpointSchema})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(key)
	return filepath.Join(r.Beginnings, hex.EncodeToString(sum[:16])+".safetensors"), nil
}

// beginning returns the checkpoint of the run's beginning, or nil if there is none.
func (r *run) beginning(p plan) (*checkpoint, error) {
	if r.Beginnings == "" || p.branch() == 0 {
		return nil, nil
	}
	path, err := r.beginningPath()
	if err != nil {
		return nil, err
	}
	c, err := loadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = c.fits(p)
	}
	if err == nil && c.Position.Step != p.branch() {
		err = fmt.Errorf("it stands at step %d and not at %d", c.Position.Step, p.branch())
	}
	if err != nil {
		return nil, fmt.Errorf("the beginning of this training is damaged: remove %s, and it is made again: %w", path, err)
	}
	return c, nil
}

// saveBeginning keeps the state of the run's own training for others, if this is
// where its beginning is over.
func (r *run) saveBeginning(t *training) error {
	if r.Beginnings == "" || r.stage != stageGame || t.Step != t.plan.branch() || t.Step == 0 {
		return nil
	}
	path, err := r.beginningPath()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	lines := make([]byte, r.length)
	if _, err := r.metrics.ReadAt(lines, 0); err != nil {
		return err
	}
	state, err := t.engine.Pull()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.Beginnings, 0o755); err != nil {
		return atomicfile.Advised(err)
	}
	c := r.newCheckpoint(t, state)
	c.Lines = string(lines)
	return c.save(path)
}
