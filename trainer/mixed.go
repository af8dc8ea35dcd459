package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nashprune/game"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// A mixed run is two runs. The first removes whole units; the second begins with its network and
// removes single weights until the file has its size. With D bytes of the dense network, B of
// --max-bytes and the fraction a of --structured-part, the first leaves at most P (B/D)^a of P
// parameters: a is the part of the compression D/B, in logarithms, that comes from whole units.
// Each run has half of the epochs.

// mixed is a mixed run: its configuration, with one target, those of the two runs, and their data. The
// second one's source is where the first one's network will lie.
type mixed struct {
	both, first, second settings.Config
	data                *dataset.Dataset
}

// mixed plans a mixed run.
func (o Options) mixed(c settings.Config) (*mixed, error) {
	c, err := o.resolve(c)
	if err := cmp.Or(err, o.checkCosts(c)); err != nil {
		return nil, err
	}
	first, second := c, c
	kinds := slices.DeleteFunc(c.PlayerKinds(), func(k network.PlayerKind) bool { return k == network.Weights })
	var words []string
	for _, kind := range kinds {
		words = append(words, string(kind))
	}
	first.Players, first.MaxBytes, first.StructuredPart, first.WeightWorth = strings.Join(words, ","), 0, settings.Default().StructuredPart, game.AdamMetric
	first.Epochs = (c.Epochs + 1) / 2
	second.Players, second.Model, second.Epochs, second.StructuredPart, second.Baseline = string(network.Weights), "", c.Epochs/2, settings.Default().StructuredPart, false
	second.Source = filepath.Join(o.Dir, record.StructuredFolder, record.PrunedFile)

	// Both runs are planned first, so that an error of the second comes before the first trains. The
	// second begins with a network that is not known yet: its plan takes the network in full width,
	// whose least file is about as large, but does not list the inputs that stay. So a budget of a
	// few hundred bytes may still fail after the first run.
	whole := second
	whole.Source, whole.Model = c.Source, c.Model
	planned := Options{Dir: o.Dir, Graph: o.Graph, Dataset: o.Dataset, Network: o.Network}
	if o.Observe != nil && o.Dataset == nil && c.Data != "" {
		o.Observe(Event{Message: "reading " + c.Data})
	}
	r, p, err := planned.openNew(whole)
	if r == nil {
		return nil, err
	}
	second.MaxBytes = cost.Limit(p.Target.Limit)
	parameters := float64(r.graph.ParameterCount())
	part := math.Pow(min(1, p.Target.Limit/(4*parameters)), c.StructuredPart)
	first.MaxParameters = cost.Limit(max(1, int(part*parameters)))
	planned.read = r.data
	if r, _, err = planned.openNew(first); r == nil {
		return nil, fmt.Errorf("the run of %s (--max-params %v by --structured-part %v): %w", first.Players, first.MaxParameters, c.StructuredPart, err)
	}
	return &mixed{c, first, second, r.data}, nil
}

// runMixed is [Run] of a mixed run.
func runMixed(ctx context.Context, c settings.Config, o Options) (*record.Result, error) {
	m, err := o.mixed(c)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if err := atomicfile.Write(filepath.Join(o.Dir, record.MixedFile), m.both.Write); err != nil {
		return nil, err
	}
	return o.goOn(ctx, m)
}

// resumeMixed is [Resume] of a mixed run that has not come to its second part; false: the folder
// holds none.
func resumeMixed(ctx context.Context, o Options) (*record.Result, bool, error) {
	text, err := os.ReadFile(filepath.Join(o.Dir, record.MixedFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	if has(o.Dir, record.CheckpointFile) || has(o.Dir, record.ResultFile) { // of the second part
		return nil, false, nil
	}
	var c settings.Config
	if err == nil {
		c, err = settings.Read(text)
	}
	if err != nil {
		return nil, true, fmt.Errorf("--resume %s: %s: %w", o.Dir, record.MixedFile, err)
	}
	c.Device, c.Kernels = cmp.Or(o.Device, c.Device), cmp.Or(o.Kernels, c.Kernels)
	m, err := o.mixed(c)
	if err != nil {
		return nil, true, err
	}
	result, err := o.goOn(ctx, m)
	return result, true, err
}

// Resumable reports whether [Resume] can go on with the run of a folder.
func Resumable(dir string) bool {
	return has(dir, record.CheckpointFile) || has(dir, record.MixedFile) && !has(dir, record.ResultFile)
}

// clearPart removes from the folder of a part what is there without a checkpoint, since the process was
// killed before the first one, but for some names. It is an error of the kind [backend.ErrUsage] while
// another process is at work there.
func clearPart(dir string, except ...string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	unlock, err := lockFolder("resume", dir)
	if err != nil {
		return err
	}
	defer unlock()
	for _, e := range entries {
		switch name := e.Name(); {
		case slices.Contains(except, name) || name == LockFile:
		case slices.Contains(record.Files, name) || name == pytorch.ScriptFile || atomicfile.IsTemporary(name):
			err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
		default:
			return backend.Usagef("--resume: %s was not written by the run: move it away, and resume again", filepath.Join(dir, name))
		}
	}
	return err
}

// goOn runs what is left of both runs, on their data. A table is read again for the second, which knows its
// columns from the first, as when it is resumed: its digest, notes and columns are others then.
func (o Options) goOn(ctx context.Context, m *mixed) (*record.Result, error) {
	of := o
	if of.read = m.data; m.data.Columns == nil {
		o.read = m.data
	}
	of.Dir, of.SharedPrefixes = filepath.Join(o.Dir, record.StructuredFolder), ""
	structured, err := readResult(of.Dir)
	if errors.Is(err, os.ErrNotExist) {
		if has(of.Dir, record.CheckpointFile) {
			structured, err = Resume(ctx, of)
		} else if err = clearPart(of.Dir); err == nil {
			structured, err = Run(ctx, m.first, of)
		}
		if errors.Is(err, backend.ErrInterrupted) {
			return nil, fmt.Errorf("%w in the first of two runs; both go on with --resume %s", backend.ErrInterrupted, o.Dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the run of %s: %w", m.first.Players, err)
	}
	o.Graph, o.Network, o.SharedPrefixes = nil, nil, ""
	o.structured = &record.Structured{
		Folder: record.StructuredFolder, Part: m.both.StructuredPart, MaxParameters: int(m.first.MaxParameters),
		Players: structured.Pruned.Players, Kept: structured.Pruned.Kept, Dense: structured.Dense.Parameters, Parameters: structured.Pruned.Parameters,
		Before: structured.Dense.Quality,
	}
	if err := clearPart(o.Dir, record.StructuredFolder, record.MixedFile); err != nil {
		return nil, err
	}
	result, err := Run(ctx, m.second, o)
	if errors.Is(err, backend.ErrInterrupted) && !has(o.Dir, record.CheckpointFile) {
		err = fmt.Errorf("%w; the first of two runs is finished: go on with --resume %s", err, o.Dir)
	}
	return result, err
}

// readResult reads the result of a run that is finished.
func readResult(dir string) (*record.Result, error) {
	text, err := os.ReadFile(filepath.Join(dir, record.ResultFile))
	if err != nil {
		return nil, err
	}
	return record.ReadResult(text)
}
