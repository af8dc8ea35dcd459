package dataset

import (
	"fmt"
	"slices"
	"strconv"
)

// The targets of regression: the numbers that a network is to predict.

const (
	maxTargets      = maxClasses // as many outputs as a network has for classes
	maxTargetLength = maxLabelLength

	// maxTarget bounds a standardised target, so that float32 holds the square of
	// an error and its sum over all targets. No training target comes near: it is
	// at most the square root of the number of samples.
	maxTarget = 1e15
)

// regression is what errors call the wish for targets.
func (o Options) regression() string {
	if o.Evaluate {
		return "the network, which predicts numbers,"
	}
	return "--task regression"
}

// findTargets returns the columns of a list of names, in their order. Without a
// list they are those given or, where none are, the one that would hold labels.
func findTargets(header []string, list string, given []string) ([]int, error) {
	names := given
	if list != "" || given == nil {
		// A name of its own may hold commas.
		if column, err := findLabel(header, list); err == nil {
			return checkTargets(header, []int{column})
		}
		var err error
		if names, err = columnNames(list, "--label"); err != nil {
			return nil, err
		}
	}
	var columns []int
	for _, name := range names {
		if name == "" {
			return nil, fmt.Errorf("%w: --label %.40q names a column without a name", ErrOption, list)
		}
		column, err := findLabel(header, name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(columns, column) {
			return nil, fmt.Errorf("%w: --label names the column %.40q twice", ErrOption, name)
		}
		columns = append(columns, column)
	}
	return checkTargets(header, columns)
}

// inOrder returns the columns of targets in the order in which a network predicts
// them, if they have the names that it knows them by; else as they are.
func inOrder(header []string, columns []int, names []string) []int {
	ordered := make([]int, 0, len(columns))
	for _, name := range names {
		place := slices.IndexFunc(columns, func(column int) bool { return header[column] == name })
		if place < 0 {
			return columns
		}
		ordered = append(ordered, columns[place])
	}
	return ordered
}

// checkTargets says why columns cannot all be targets.
func checkTargets(header []string, columns []int) ([]int, error) {
	switch {
	case len(columns) == len(header):
		return nil, fmt.Errorf("%w: all %d columns are to be predicted, and none is left to predict them from", ErrOption, len(header))
	case len(columns) > maxTargets:
		return nil, fmt.Errorf("%w: %d columns are to be predicted; at most %d are taken", ErrOption, len(columns), maxTargets)
	}
	for _, column := range columns {
		if name := header[column]; len(name) > maxTargetLength {
			return nil, fmt.Errorf("%w: line 1: the name %.40q is longer than the %d bytes that a target's may have", ErrInvalid, name, maxTargetLength)
		}
	}
	return columns, nil
}

// numberedTargets returns names for a number of targets that have none.
func numberedTargets(n int) []string {
	if n == 1 {
		return []string{"target"}
	}
	names := make([]string, n)
	for k := range names {
		names[k] = "target " + strconv.Itoa(k)
	}
	return names
}

// targets returns an array of one number a sample or one row a sample, and how
// many numbers a row has.
func (a *ndarray) targets(name string) (rows []float64, outputs int, err error) {
	outputs = 1
	switch {
	case len(a.shape) > 2:
		return nil, 0, fmt.Errorf("%w: %s has shape %v; want [samples] or [samples targets]", ErrInvalid, name, a.shape)
	case len(a.shape) == 2:
		outputs = a.shape[1]
	}
	if outputs > maxTargets {
		return nil, 0, fmt.Errorf("%w: %s has %d targets a sample; at most %d are taken", ErrInvalid, name, outputs, maxTargets)
	}
	rows = a.floats
	if a.bytes != nil {
		rows = make([]float64, len(a.bytes))
		for i, x := range a.bytes {
			rows[i] = float64(x)
		}
	}
	for i, x := range rows {
		if err := checkNumber(x); err != nil {
			return nil, 0, fmt.Errorf("%s, sample %d, target %d: %w", name, i/outputs, i%outputs, err)
		}
	}
	return rows, outputs, nil
}

// standardiseTargets standardises the targets of all parts: by the standard given
// or, where there is none, by that of the training part.
func (d *Dataset) standardiseTargets(given *Standard) error {
	outputs := d.Train.Outputs
	d.TargetStandard = given
	if given == nil {
		if k := constant(d.Train.rawTargets, outputs); k >= 0 {
			return fmt.Errorf("%s: %w: the target %.40q is %g in all %d training samples; there is nothing to learn",
				d.Name, ErrInvalid, d.TargetNames[k], d.Train.rawTargets[k], d.Train.Len())
		}
		d.TargetStandard = standardOf(d.Train.rawTargets, outputs)
	} else if outputs != len(given.Means) {
		return fmt.Errorf("%s: the network %w: it has %d targets, and the network predicts %d", d.Name, ErrOption, outputs, len(given.Means))
	}
	for _, part := range []*Samples{&d.Train, &d.Validation, &d.Test} {
		var err error
		if part.Targets, err = d.TargetStandard.apply(part.rawTargets, maxTarget, "target"); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		part.rawTargets = nil
	}
	return nil
}

// constant returns the first column of rows of a width that is the same in all of
// them; -1 where there is none.
func constant(rows []float64, width int) int {
	for column := range width {
		same := true
		for i := column; i < len(rows) && same; i += width {
			same = rows[i] == rows[column]
		}
		if same {
			return column
		}
	}
	return -1
}
