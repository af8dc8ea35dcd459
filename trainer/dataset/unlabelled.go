package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Unlabelled reads samples to make predictions for and calls visit with at most so many at a
// time: data whose test part they are, and a name for each, the number of a row from 1 or the
// path of an image. Whatever stands for labels is not read; labels are 0 and targets, too. Options
// are those to evaluate a network with. Of a table no more is in memory than a visit gets.
// Errors are those of [Open], or visit's.
// The notes are about all of the data.
func Unlabelled(name string, o Options, most int, visit func(d *Dataset, names []string) error) (notes []string, err error) {
	o.Evaluate, o.unlabelled = true, true
	limit := newBudget(o.MaxBytes)
	give := func(d *Dataset, names []string) error {
		d.Test, d.Train = d.Train, Samples{Features: d.Train.Features, Outputs: d.Train.Outputs}
		for start := 0; start < len(names); start += most {
			some := *d
			end := min(start+most, len(names))
			some.Test = d.Test.part(start, end)
			some.Validation = some.Train
			if err := some.standardise(o); err != nil {
				return err
			}
			if err := visit(&some, names[start:end]); err != nil {
				return err
			}
		}
		return nil
	}
	switch fileKind(name) {
	case csvFile:
		return unlabelledRows(name, o, limit, most, give)
	case npzFile:
		d, err := openNPZ(name, o, limit)
		if err != nil {
			return nil, err
		}
		return d.Notes, give(d, rowNumbers(0, d.Train.Len()))
	case imageArchive:
		return nil, unlabelledImages(name, o, limit, give)
	}
	if isPath(name) {
		return nil, unlabelledImages(name, o, limit, give)
	}
	return nil, fmt.Errorf("%w %q: predictions are for a table (.csv, .tsv, .data, .txt), a .npz file, or a folder or an archive of images", ErrUnknown, name)
}

// unlabelledRows reads a table, most rows at a time.
func unlabelledRows(path string, o Options, limit *budget, most int, give func(*Dataset, []string) error) ([]string, error) {
	read := 0
	t := newTable(o)
	t.most = most
	t.emit = func(part Samples) error {
		d := t.dataset(path, part)
		d.Classes, d.TargetNames = len(o.ClassNames), o.TargetNames
		limit.left.Store(limit.most) // it is for what is in memory together
		names := rowNumbers(read, part.raw.n)
		read += len(names)
		return give(d, names)
	}
	err := t.readFile(path, limit)
	t.noteStrange()
	return t.notes, err
}

// rowNumbers returns the numbers of some rows that follow others.
func rowNumbers(after, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(after + i + 1)
	}
	return names
}

// unlabelledImages reads all images of a folder or an archive, wherever they lie in it.
func unlabelledImages(path string, o Options, limit *budget, give func(*Dataset, []string) error) error {
	files, err := openTree(path)
	if err != nil {
		return err
	}
	defer files.Close()
	var names []string
	err = files.each(newBudget(limit.most), func(name string, _ opener) error {
		if isImage(name) {
			names = append(names, name)
		}
		return nil
	})
	if err == nil && names == nil {
		err = fmt.Errorf("%w: no images", ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	slices.Sort(names)
	index := imageIndex{places: map[string]int{}}
	for i, name := range names {
		if _, twice := index.places[name]; twice {
			return fmt.Errorf("%s: %w: %s is there twice", path, ErrInvalid, name)
		}
		index.places[name] = i
		index.images = append(index.images, labelledImage{name: name})
	}
	p, err := decodeImages(files, index, o, limit)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d := &Dataset{Name: "images:" + stem(path), Channels: p.channels, Height: p.height, Width: p.width, Classes: len(o.ClassNames), ClassNames: o.ClassNames, folders: true}
	if o.Regression {
		return fmt.Errorf("%s: %w", path, errors.New("a network that predicts numbers reads no images in folders"))
	}
	d.Train = p.samples(index.images, trainPart)
	return give(d, names)
}
