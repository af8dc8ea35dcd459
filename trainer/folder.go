package trainer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/checkpoint"
	"nashprune/trainer/dataset"
	"nashprune/trainer/filelock"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// program names the program, with its version.
func (r *run) program() string { return "nashprune " + r.Version }

// saveNetwork writes a model file, without the nodes that are there for branches.
func (r *run) saveNetwork(name string, n *network.Network) error {
	n, err := n.WithoutBranches()
	if err != nil {
		return err
	}
	return safetensors.SaveModel(filepath.Join(r.Dir, name), n, r.metadata())
}

// metadata is what model files of the run say of its data.
func (r *run) metadata() safetensors.Metadata {
	d := r.data
	metadata := safetensors.Metadata{
		Data: d.Name, Channels: d.Channels, Height: d.Height, Width: d.Width, Classes: d.Classes, ClassNames: d.ClassNames,
		FeatureNames: d.FeatureNames, Label: d.Label, Division: &d.Division, Mean: d.Mean, Deviation: d.Deviation, Generator: r.program(),
	}
	if !dataset.ArePlain(d.Columns) {
		metadata.Columns = d.Columns
	}
	if d.Channels > 1 {
		metadata.ChannelMeans, metadata.ChannelDeviations = d.Means, d.Deviations
	}
	if d.Standard != nil {
		metadata.Means, metadata.Deviations = d.Standard.Means, d.Standard.Deviations
	}
	if d.Regression() {
		metadata.TargetMeans, metadata.TargetDeviations, metadata.TargetNames = d.TargetStandard.Means, d.TargetStandard.Deviations, d.TargetNames
	}
	return metadata
}

// has reports whether a folder has a file.
func has(dir, file string) bool {
	_, err := os.Stat(filepath.Join(dir, file))
	return err == nil
}

// noCheckpoint says why there is nothing to go on from in a folder.
func noCheckpoint(dir string) error {
	const stopped = "name the folder of a run that was stopped"
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return backend.Usagef("--resume %s: there is no such folder: %s", dir, stopped)
	}
	if has(dir, record.ResultFile) {
		return backend.Usagef("--resume %s: the run is finished, its result lies there; nashprune report %s writes its report again", dir, dir)
	}
	return backend.Usagef("--resume %s: there is no %s to go on from: %s, or train anew into another folder", dir, record.CheckpointFile, stopped)
}

// checkConfig refuses to go on with a run whose file of the configuration was changed: the
// checkpoint has the one that it began with. Without a file there is nothing to see.
func checkConfig(dir string, c *checkpoint.Checkpoint) error {
	path := filepath.Join(dir, record.ConfigFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var held settings.Config
	if err == nil {
		held, err = settings.Read(text)
	}
	if err == nil {
		held, err = held.ResolveFor(c.Whole.MarketWidths())
	}
	if err != nil {
		return backend.Usagef("--resume %s: %s: %v", dir, path, err)
	}
	var changes []string
	for _, s := range settings.Different(held, c.Config) {
		value := func(c settings.Config) any { return reflect.ValueOf(s.Field(&c)).Elem().Interface() }
		changes = append(changes, fmt.Sprintf("%s is %v and was %v", s.Name, value(held), value(c.Config)))
	}
	if changes == nil {
		return nil
	}
	return backend.Usagef("--resume %s: %s was changed: %s; a run goes on with the settings that it began with: undo the change, or train anew with --config %s --out another folder",
		dir, path, strings.Join(changes, ", "), path)
}

// LockFile lies in a run folder while a process is at work in it, and longer where the
// process was killed.
const LockFile = "run.lock"

// lockFolder keeps a second process out of a run folder, to which both would write their
// metrics. flag is what the user named the folder with. A folder that may not be written
// to passes: the first file of the run says so.
func lockFolder(flag, dir string) (unlock func(), err error) {
	unlock, err = filelock.Try(filepath.Join(dir, LockFile))
	switch {
	case errors.Is(err, os.ErrPermission):
		return func() {}, nil
	case errors.Is(err, filelock.ErrHeld):
		return nil, backend.Usagef("--%s %s: %v: wait for its end, or train into another folder", flag, dir, err)
	case err != nil:
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return unlock, nil
}

// createFolder makes the run folder with its configuration and empty metrics, and
// locks it. Of two runs that begin at once in one folder, one fails here.
func (r *run) createFolder() (unlock func(), err error) {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if unlock, err = lockFolder("out", r.Dir); err != nil {
		return nil, err
	}
	r.metrics, err = os.OpenFile(filepath.Join(r.Dir, record.MetricsFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil { // where no locks are known, or the other run was quick
		unlock()
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if err := r.write(record.ConfigFile, r.given.Write); err != nil {
		r.metrics.Close()
		unlock()
		return nil, err
	}
	return unlock, nil
}

// write writes a file of the run folder, whole or not at all.
func (r *run) write(name string, content func(io.Writer) error) error {
	return atomicfile.Write(filepath.Join(r.Dir, name), content)
}

// removeCheckpoint removes the checkpoint, if there is one.
func (r *run) removeCheckpoint() error {
	if err := os.Remove(filepath.Join(r.Dir, record.CheckpointFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// checkEmpty refuses a folder that is not empty, but for the first part of a mixed run.
func (o Options) checkEmpty() error {
	if o.Dir == "" {
		return backend.Usagef("name a folder for the run with --out")
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // said before data is read and latencies are measured
		return fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if o.structured != nil {
		entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == record.StructuredFolder || e.Name() == record.MixedFile })
	}
	if len(entries) == 0 {
		return nil
	}
	if Resumable(o.Dir) {
		return backend.Usagef("--out %s holds an interrupted run: name another folder, or go on with it by --resume %s", o.Dir, o.Dir)
	}
	return backend.Usagef("--out %s is not empty: name another folder, or empty it", o.Dir)
}
