package trainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// A run that begins with a trained network: the file is read before the data, which is scaled
// as the file says. Its network is evaluated before anything is trained, and is the dense
// one of the result. A run that goes on reads the file again.

// inMemory stands for the file of a network that is in memory, [Options.Network].
const inMemory = "a network in memory"

// readSource reads the file of the trained network, if the run begins with one, and refuses
// one that is not what the run began with.
func (r *run) readSource() (err error) {
	path := r.config.Source
	if path == "" {
		return nil
	}
	switch {
	case path == inMemory && r.Network != nil:
		r.model, err = modelfile.InMemory(r.Network)
	case path == inMemory:
		return backend.Usagef("the run in %s began with a network in memory: give it the same again as Options.Network", r.Dir)
	default:
		r.announce("reading " + path)
		r.model, err = modelfile.Read(path)
	}
	if errors.Is(err, modelfile.ErrUnknown) {
		return backend.Usagef("%v", err)
	} else if err != nil {
		return err
	}
	if m := r.model.Metadata(); r.config.Data == "" {
		if m == nil || m.Data == "" {
			return backend.Usagef("%s does not say what data it was trained on; name the data with --data", path)
		}
		r.config.Data, r.given.Data, r.dataOfModel = m.Data, m.Data, true
	}
	is := r.model.Source()
	if r.from == nil {
		r.result.Source = &record.Source{Path: filepath.ToSlash(path), Format: is.Format, Types: is.Types, Digest: is.Digest}
		return nil
	}
	if was := r.result.Source; was == nil || was.Digest != is.Digest {
		return backend.Usagef("--resume %s: %s is not the file that the run began with (digest %.12s); use the same file, or prune into another folder", r.Dir, path, is.Digest)
	}
	return nil
}

// dataOptions returns how the data is read: with what the file of a trained network says
// of it.
func (r *run) dataOptions() (dataset.Options, error) {
	o := r.config.DataOptions()
	if r.model == nil {
		return o, nil
	}
	m := r.model.Metadata()
	floats, pixels := r.model.Standards()
	scales := floats != nil || pixels != nil
	switch {
	case m == nil && o.Regression:
		return o, backend.Usagef("--task is regression, and %s does not say how its targets are scaled; a trained network that predicts numbers must be one that nashprune wrote", r.config.Source)
	case m != nil && m.Regression() != o.Regression:
		task := map[bool]dataset.Task{false: dataset.Classification, true: dataset.Regression}
		return o, backend.Usagef("--task is %s, and %s is of %s; try --task %s", task[o.Regression], r.config.Source, task[m.Regression()], task[m.Regression()])
	case scales && o.Normalise != nil:
		return o, backend.Usagef("--normalise is %s, and %s says how its inputs are scaled; leave out --normalise", r.config.Normalise, r.config.Source)
	case scales:
		o.Normalise, o.NormaliseBytes = floats, pixels
	}
	if m == nil {
		return o, nil
	}
	o.Trained, o.TrainedOn = m.Division, m.Data
	return asTrained(o, r.config.Data, *m), nil
}

// unnamed returns an error which says that the data of a model is to be named, as what the
// model says of it is no path.
func unnamed(model, data string) error {
	where := "file"
	switch kind, _, _ := strings.Cut(data, ":"); kind {
	case "idx":
		where = "folder"
	case "images":
		where = "folder or archive"
	}
	return backend.Usagef("%s was trained on %s: name its %s with --data", model, data, where)
}

// findTrained finds the trained network in its file and holds it to the data or, for a run
// that goes on, to the graph that it began with.
func (r *run) findTrained() error {
	path := r.config.Source
	floats, pixels := r.model.Standards()
	if asFloats := r.data.Standard != nil; asFloats && floats == nil && pixels != nil || !asFloats && pixels == nil && floats != nil {
		return backend.Usagef("%s was trained on other features than --data %s has: one has bytes, the other floats", path, r.data.Name)
	}
	asked := modelfile.Asked{Players: r.config.PlayerKinds(), Activation: r.config.Activation, Sample: r.data.Shape(), Model: r.config.Model}
	if asked.Model != "" {
		asked.Graph = func() (*network.Graph, error) { return r.config.Graph(r.data.Shape(), r.data.Outputs()) }
	}
	n, derived, err := r.model.Network(asked)
	if err != nil {
		return backend.Usagef("%s: %v", path, err)
	}
	r.graph, r.trained = n.Graph, n
	if r.from != nil {
		if !slices.EqualFunc(n.Params, r.from.Whole.Params, func(a, b network.Param) bool { return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) }) {
			return fmt.Errorf("--resume %s: the network of %s is not the one that the run began with", r.Dir, path)
		}
		r.graph = r.from.Whole
		n.Graph = r.from.Whole
		return nil
	}
	if in, out := n.Graph.Input().Sample.Size(), n.Outputs(); in != r.data.Train.Features || out != r.data.Outputs() {
		return backend.Usagef("%s takes %d features and has %d outputs, and --data %s has %d features and %d classes or targets; they must be the same",
			path, in, out, r.data.Name, r.data.Train.Features, r.data.Outputs())
	}
	if m := r.model.Metadata(); m != nil && m.Data != "" && m.Data != r.data.Name {
		r.note(fmt.Sprintf("%s was trained on %s, and is pruned on %s (--data)", path, m.Data, r.data.Name))
	}
	if m := r.model.Metadata(); m != nil && m.Division != nil && r.data.Validation.Len() > 0 && r.data.Division.Validation > m.Division.Validation {
		r.note(fmt.Sprintf("%s was trained on samples that --validation %v holds out here: their accuracy is that of samples of its training", path, r.data.Division.Validation))
	}
	if kept, all := n.NonZero(); all-kept > all/10 && r.config.Epochs > 0 {
		as := "; training changes them like the others"
		if r.config.PlaysWeights() {
			as += ", and --keep and --sparsity count them as players"
		}
		r.note(fmt.Sprintf("%s: %d of %d weights are zero%s", path, all-kept, all, as))
	}
	if r.result.Source.Derived = derived; derived != "" {
		r.note(fmt.Sprintf("%s: %s", path, derived))
	}
	return nil
}

// evaluateSource evaluates the trained network, which the engine holds: it is the dense one of
// the result. It warns where it does no better than a constant.
func (r *run) evaluateSource(ctx context.Context, engine backend.Engine) error {
	if r.trained == nil {
		return nil
	}
	r.announce("evaluating the trained network " + r.config.Source)
	evaluate := func(part backend.Part) (backend.Evaluation, error) {
		e, err := engine.Evaluate(ctx, part, backend.Want{Logits: true})
		return e, interrupted(ctx, err, "before the training began")
	}
	e, err := evaluate(r.config.EvaluateOn)
	if err != nil {
		return err
	}
	dense := record.NewNetworkResult(r.trained)
	dense.Source = record.FromSource
	record.SetEvaluation(&dense, e, r.data, r.config.EvaluateOn)
	r.result.Dense = dense
	if m := r.result.Market; m != nil && m.Validation != nil {
		e, err := evaluate(backend.ValidationPart)
		if err != nil {
			return err
		}
		accuracy := e.Accuracy()
		m.Validation.Dense = &accuracy
	}
	if r.structured != nil { // its data and preprocessing are those of this run
		return nil
	}
	if r.result.Source.Warning = r.noBetter(e); r.result.Source.Warning != "" {
		r.note("warning: " + r.result.Source.Warning)
	}
	return nil
}

// noBetter returns a warning where a trained network does no better than a constant.
func (r *run) noBetter(e backend.Evaluation) string {
	dense := r.result.Dense
	if r.data.Regression() {
		if dense.R2 == nil || *dense.R2 > 0 {
			return ""
		}
		return fmt.Sprintf("%s explains none of the variance of %s: its preprocessing probably differs", r.config.Source, r.data.Name)
	}
	share := 100 * float64(slices.Max(e.ClassSamples)) / float64(e.Samples)
	if *dense.Accuracy > share {
		return ""
	}
	return fmt.Sprintf("%s has %.2f %% on %s, no more than the share of the largest class, %.2f %%: its preprocessing probably differs; --normalise says how features are scaled, and its classes must be in the order of the data's",
		r.config.Source, *dense.Accuracy, r.data.Name, share)
}

// round rounds what is left of a trained network to what its file holds, so that all figures
// are those of the file that is written.
func (r *run) round(n *network.Network) {
	if r.model != nil {
		r.model.Round(n)
	}
}

// writeSparse writes a network as compressed sparse rows.
func (r *run) writeSparse(w io.Writer, n *network.Network) error {
	if r.model != nil {
		return r.model.WriteSparse(w, n, r.metadata())
	}
	return safetensors.WriteModel(w, n, r.metadata(), safetensors.Layout{Sparse: true})
}

// fileBytes returns how many bytes writeSparse writes of a network without what is dead in it.
func (r *run) fileBytes(n *network.Network) (int, error) {
	small, _, err := n.WithoutDead()
	if err != nil {
		return 0, err
	}
	var bytes counter
	err = r.writeSparse(&bytes, small)
	return int(bytes), err
}

// counter counts the bytes that are written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// savePruned writes the pruned network: as a model file, and in the format of the trained
// network.
func (r *run) savePruned(n *network.Network) error {
	n, err := n.WithoutBranches()
	if err != nil {
		return err
	}
	suffix := modelSuffix
	if r.model != nil {
		suffix = r.model.Source().Suffix
	}
	inItsFormat := func(w io.Writer) error { return r.model.Write(w, n, r.metadata()) }
	switch {
	case r.config.MaxBytes != 0:
		err = r.write(record.PrunedFile, func(w io.Writer) error { return r.writeSparse(w, n) })
	case r.model == nil || suffix != modelSuffix:
		err = r.saveNetwork(record.PrunedFile, n)
	default:
		err = r.write(record.PrunedFile, inItsFormat)
	}
	if err != nil || r.model == nil {
		return err
	}
	if suffix != modelSuffix { // PyTorch reads no such file
		return r.write(strings.TrimSuffix(record.PrunedFile, filepath.Ext(record.PrunedFile))+suffix, inItsFormat)
	}
	return r.write(pytorch.ScriptFile, func(w io.Writer) error {
		_, err := io.WriteString(w, pytorch.Script)
		return err
	})
}
