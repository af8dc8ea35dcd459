package dataset

import (
	"bytes"
	"fmt"
)

const (
	// A batch has at most so many records, and no further one once it has so many bytes.
	batchRecords = 256
	batchBytes   = 1 << 17
	// columnsAtOnce are the columns of a batch that one processor reads: numbers of other columns
	// of a row are then mostly in other lines of its cache.
	columnsAtOnce = 8
)

// batch is records of a table that follow each other, as texts. Its columns are read side by side,
// each by one processor from its first record to its last, while the next batch is filled.
type batch struct {
	width int    // fields of a record
	text  []byte // of all fields
	ends  []int  // of each field in text
	lines []int  // of each record, that of its beginning
	err   error  // why no record follows; io.EOF at the end
}

// add adds a record, if it has as many fields as the header names.
func (b *batch) add(fields [][]byte, line int) {
	if len(fields) != b.width {
		b.err = fmt.Errorf("%w: line %d has %d fields, and the header names %d", ErrInvalid, line, len(fields), b.width)
		return
	}
	for _, field := range fields {
		b.text = append(b.text, field...)
		b.ends = append(b.ends, len(b.text))
	}
	b.lines = append(b.lines, line)
}

// fill replaces the records by the next ones, at most so many.
func (b *batch) fill(from *records, most int) {
	b.text, b.ends, b.lines = b.text[:0], b.ends[:0], b.lines[:0]
	for b.err == nil && len(b.lines) < most && len(b.text) < batchBytes {
		fields, err := from.read()
		if err != nil {
			b.err = csvError(err)
			return
		}
		b.add(fields, from.line)
	}
}

// field returns a field of a record without the spaces around it.
func (b *batch) field(record, column int) []byte {
	i, start := record*b.width+column, 0
	if i > 0 {
		start = b.ends[i-1]
	}
	return bytes.TrimSpace(b.text[start:b.ends[i]])
}

// addBatch adds the records of a batch to a part and does other work meanwhile. The error is about the
// first field that is wrong, record by record.
func (t *table) addBatch(part *Samples, b *batch, meanwhile func()) error {
	from, n := part.raw.n, len(b.lines)
	for range n {
		part.raw.add()
	}
	if t.options.Regression {
		part.rawTargets = append(part.rawTargets, make([]float64, n*part.Outputs)...)
	} else {
		part.Labels = append(part.Labels, make([]uint8, n)...)
	}
	groups := (b.width + columnsAtOnce - 1) / columnsAtOnce
	cells, errs := make([]cell, groups), make([]error, groups)
	together(1+groups, func(i int) {
		if i == 0 {
			meanwhile()
			return
		}
		i--
		for column := i * columnsAtOnce; column < min((i+1)*columnsAtOnce, b.width); column++ {
			c := cell{table: t, column: column}
			if err := c.read(part, from, b); err != nil && (errs[i] == nil || c.line < cells[i].line) {
				cells[i], errs[i] = c, err
			}
		}
	})
	first := -1
	for i, err := range errs {
		if err != nil && (first < 0 || cells[i].line < cells[first].line) {
			first = i
		}
	}
	if first < 0 {
		return nil
	}
	return errs[first]
}

// cell is the field of a table that is read: a line of the file and a column.
type cell struct {
	*table
	line, column int
}

// where says which field is read.
func (c *cell) where() string {
	return fmt.Sprintf("line %d, column %.40q", c.line, c.header[c.column])
}

// read reads the column in all records of a batch, whose first is a row of the part.
func (c *cell) read(part *Samples, from int, b *batch) error {
	place := c.place[c.column]
	if place == ignoredColumn {
		return nil
	}
	for i, line := range b.lines {
		c.line = line
		field, row := b.field(i, c.column), from+i
		switch {
		case place == featureColumn:
			x, err := c.take(part.raw.part(0, row), field)
			if err != nil {
				return err
			}
			part.raw.row(row)[c.at[c.column]] = x
		case c.options.Regression:
			x, err := c.target(field)
			if err != nil {
				return err
			}
			part.rawTargets[row*part.Outputs+place] = x
		default:
			class, known := c.words.known[string(field)]
			if !known {
				var err error
				if class, err = c.words.place(string(field), c.options, c.where); err != nil {
					return fmt.Errorf("%w%s", err, c.choice())
				}
			} else {
				c.words.words[class].samples++
			}
			part.Labels[row] = class
		}
	}
	return nil
}
