package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"nashprune/trainer/record"
)

// shownConfused is up to how many classes the table of a run has a confusion matrix; that of an
// evaluation has all that there are.
const shownConfused = 5

// widestColumn is how many letters of a class's name stand over a column.
const widestColumn = 10

// className returns the name of a class for a cell of a table, or its number.
func className(names []string, class int) string {
	if class < len(names) {
		return cellName(names[class])
	}
	return strconv.Itoa(class)
}

// classTables writes how well a network does by class and, of few classes, which it confuses.
// It writes nothing of a network without classes.
func classTables(w io.Writer, c record.Classes, names []string) error {
	if c.ByClass == nil {
		return nil
	}
	percentage := func(p *float64) string {
		if p == nil {
			return "-"
		}
		return percent(*p)
	}
	fmt.Fprintln(w)
	table := newTable(w)
	fmt.Fprintln(table, "class\tsamples\tpredicted\tcorrect\tprecision\trecall\t")
	for class, r := range c.ByClass {
		if r.Samples > 0 || r.Predicted > 0 {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t\n", className(names, class), Thousands(r.Samples), Thousands(r.Predicted), Thousands(r.Correct), percentage(r.Precision), percentage(r.Recall))
		}
	}
	if err := table.Flush(); err != nil || c.Confusion == nil {
		return err
	}
	fmt.Fprintln(w)
	return confusionTable(w, c.Confusion, names)
}

// confusionTable writes a row a class and a column a predicted class.
func confusionTable(w io.Writer, confusion [][]int, names []string) error {
	table := newTable(w)
	header := []string{"class, taken for"}
	for class := range confusion {
		header = append(header, shorten(className(names, class), widestColumn))
	}
	fmt.Fprintln(table, strings.Join(header, "\t")+"\t")
	for class, row := range confusion {
		cells := []string{className(names, class)}
		for _, samples := range row {
			cells = append(cells, Thousands(samples))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t")+"\t")
	}
	return table.Flush()
}
