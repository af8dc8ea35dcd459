package trainer

import (
	"slices"
	"testing"

	"nashprune/trainer/dataset"
)

// TestColumnLines: columns of numbers share a line; a single one has its name.
func TestColumnLines(t *testing.T) {
	town, age, id := dataset.ColumnUse{Name: "town", Use: "2 levels"}, dataset.ColumnUse{Name: "age", Use: dataset.PlainUse}, dataset.ColumnUse{Name: "id", Use: dataset.PlainUse}
	for _, c := range []struct {
		uses []dataset.ColumnUse
		want []string
	}{
		{nil, nil},
		{[]dataset.ColumnUse{town}, []string{"column: town  2 levels"}},
		{[]dataset.ColumnUse{age, town}, []string{"column: town  2 levels", "column: age   number"}},
		{[]dataset.ColumnUse{age, town, id}, []string{"column: town  2 levels", "column: 2 others  numbers"}},
	} {
		if got := columnLines(c.uses); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.uses, got, c.want)
		}
	}
}
