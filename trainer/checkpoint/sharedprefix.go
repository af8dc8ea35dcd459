package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// SharedPrefixPath names the file in a folder of the shared prefix of a training. Data,
// network, device and version of the program are part of what matters.
func SharedPrefixPath(folder string, c settings.Config, data record.Data, g *network.Graph, device backend.Device, version string) (string, error) {
	c.Keep, c.Sparsity, c.Shape, c.Cost, c.MaxParameters, c.MaxMACs, c.MaxBytes, c.MaxAccuracyDrop = 0, 0, "", "", 0, 0, 0, 0
	c.Compensate, c.CertifySteps, c.Baseline, c.EvaluateOn, data.EvaluatedOn = "", 0, false, "", ""
	c.MaxLatencyUS, c.LatencyModel, c.DataOnDevice = 0, "", backend.AnyPlacement
	if c.Game != game.RankingGame || c.Criterion != game.Participation {
		// No paper's game is played, and it does not matter which criterion comes.
		c.Criterion, c.Benefit, c.Update = "", "", ""
		c.Alpha, c.Beta, c.Gamma, c.Eta = 0, 0, 0, 0
		c.ParticipationRate = 0
	}
	c.Threshold = 0
	c.Pattern, c.WeightWorth = "", ""
	key, err := json.Marshal([]any{c, data, g, device, version, Schema})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(key)
	return filepath.Join(folder, hex.EncodeToString(sum[:16])+".safetensors"), nil
}

// LoadSharedPrefix reads the checkpoint of the shared prefix of trainings by a plan, or
// returns nil if the file does not exist.
func LoadSharedPrefix(path string, p session.Plan) (*Checkpoint, error) {
	c, err := Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = c.Fits(p)
	}
	if err == nil && c.Position.Step != p.SharedSteps() {
		err = fmt.Errorf("it stands at step %d and not at %d", c.Position.Step, p.SharedSteps())
	}
	if err != nil {
		return nil, fmt.Errorf("the shared prefix of this training is damaged: remove %s, and it is made again: %w", path, err)
	}
	return c, nil
}
