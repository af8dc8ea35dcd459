package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// Folder is what can be read of a run folder, whether the run is finished or not.
type Folder struct {
	Run
	Dir    string
	Lost   *record.Lost     // nil where there is none
	Pruned *network.Network // what is left; of a run without a game the dense network
	sample imageShape       // that it was trained on; zero of rows of features
	// Finished says that there is a result. Without one, gates have no names but their places.
	Finished bool
	// Missing says, a sentence each, what could not be read, and why.
	Missing []string
}

// ReadFolder reads all that a run folder holds. What is missing or damaged is left out and
// named. It is an error if nothing is there to show.
func ReadFolder(dir string) (*Folder, error) {
	f := &Folder{Dir: dir}
	read := func(file string, into func(io.Reader) error) bool {
		err := f.readFile(dir, file, into)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: there is no such file", filepath.Join(dir, file))
		}
		if err != nil {
			f.Missing = append(f.Missing, err.Error())
		}
		return err == nil
	}
	hasConfig := read(record.ConfigFile, f.readConfig)
	if f.Finished = read(record.ResultFile, f.readResult); !f.Finished {
		f.Result = record.Result{}
		f.guessGates()
	}
	if !hasConfig {
		f.Config = settings.Default()
		f.Config.Epochs, f.Config.Rounds = settings.MaxEpochs, settings.MaxRounds
	}
	read(record.MetricsFile, f.readMetrics)
	if !hasConfig {
		f.Config.Epochs, f.Config.Rounds = 1, 1
		if n := len(f.Epochs); n > 0 {
			f.Config.Epochs = f.Epochs[n-1].Epoch
		}
		if n := len(f.Rounds); n > 0 {
			f.Config.Rounds = f.Rounds[n-1].Round
		}
	}
	if !hasConfig && !f.Finished && f.Epochs == nil {
		return nil, backend.Usagef("%s is not the folder of a run: it has neither %s nor %s nor %s that can be read", dir, record.ConfigFile, record.ResultFile, record.MetricsFile)
	}
	if !f.Finished {
		return f, nil
	}
	if f.removes() && !read(record.PlayersFile, f.readPlayers) {
		f.Players = nil
	}
	if f.Result.Weights == nil && f.hasCertificate() == nil {
		if err := f.ReadCertificate(dir); err != nil {
			f.Missing = append(f.Missing, err.Error())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, record.LostFile)); err == nil { // of images, and of runs that compare
		read(record.LostFile, func(from io.Reader) error {
			text, err := io.ReadAll(from)
			if err == nil {
				f.Lost, err = record.ReadLost(text)
			}
			return err
		})
	}
	model := record.PrunedFile
	if !f.removes() {
		model = record.DenseFile
	}
	n, metadata, err := safetensors.LoadModel(filepath.Join(dir, model))
	if err != nil {
		f.Missing = append(f.Missing, err.Error())
		return f, nil
	}
	f.Pruned, f.sample = n, imageShape{metadata.Channels, metadata.Height, metadata.Width}
	return f, nil
}

// guessGates takes from the first line of the metrics what a result would say of the gates
// and of the task.
func (f *Folder) guessGates() {
	file, err := os.Open(filepath.Join(f.Dir, record.MetricsFile))
	if err != nil {
		return
	}
	defer file.Close()
	text, err := bufio.NewReader(io.LimitReader(file, maxLine)).ReadBytes('\n')
	var line record.EpochLine
	if err != nil || json.Unmarshal(text, &line) != nil {
		return
	}
	for g, players := range line.Players {
		if g < len(line.Participations) && line.Participations[g].Levels != nil {
			players = len(line.Participations[g].Levels)
		}
		f.Result.Gates = append(f.Result.Gates, record.Gate{Name: record.PerceptronGate(g), Players: players, Kept: players})
	}
	if bytes.Contains(text, []byte(`"round"`)) { // a round, which says nothing of the task
		return
	}
	if f.Result.Task = dataset.Classification; line.Accuracy == nil {
		f.Result.Task = dataset.Regression
	}
}

// ReportFile is the name of the report in a run folder.
const ReportFile = "report.html"

// SaveReport writes the report of some run folders to a file.
func SaveReport(path string, dirs ...string) error {
	var folders []*Folder
	for _, dir := range dirs {
		if slices.ContainsFunc(folders, func(f *Folder) bool { return f.Dir == dir }) {
			continue
		}
		f, err := ReadFolder(dir)
		if err != nil {
			return err
		}
		folders = append(folders, f)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return Page(w, folders) })
}
