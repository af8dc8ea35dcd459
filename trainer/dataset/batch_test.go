package dataset

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/random"
)

// TestFirstErrorOfTable: of several errors of a table that of the first line is given, and in a line
// that of the first column, whichever processor sees it first and wherever batches end.
func TestFirstErrorOfTable(t *testing.T) {
	const columns, rows = 3 * columnsAtOnce, 3 * batchRecords
	draw := random.New(1, random.Testing, 0, 0)
	for range 30 {
		lines := make([][]string, rows+1)
		for i := range lines {
			for k := range columns {
				text := fmt.Sprint((i + k) % 9)
				if i == 0 {
					text = fmt.Sprintf("c%d", k)
				}
				lines[i] = append(lines[i], text)
			}
		}
		firstLine, firstColumn := rows+2, 0
		for range 1 + draw.Below(4) {
			i, k := 1+int(draw.Below(rows)), 1+int(draw.Below(columns-1))
			lines[i][k] = "1e99"
			if i+1 < firstLine || i+1 == firstLine && k < firstColumn {
				firstLine, firstColumn = i+1, k
			}
		}
		short := 1 + int(draw.Below(rows))
		lines[short] = lines[short][:columns-1]
		want := fmt.Sprintf("line %d, column \"c%d\"", firstLine, firstColumn)
		if short+1 <= firstLine {
			want = fmt.Sprintf("line %d has %d fields", short+1, columns-1)
		}
		var text strings.Builder
		for _, line := range lines {
			fmt.Fprintln(&text, strings.Join(line, ","))
		}
		_, err := tableOf(text.String(), "c0")
		checkError(t, err, ErrInvalid, want)
	}
}

// TestTableOnAnyProcessors: a table has the same samples and columns however many processors read it.
func TestTableOnAnyProcessors(t *testing.T) {
	path := t.TempDir() + "/mixed.csv"
	writeMixed(t, path, 2*batchRecords+77)
	var want *Dataset
	for _, processors := range []int{1, 2, 5} {
		previous := runtime.GOMAXPROCS(processors)
		d, err := Open(path, Options{Validation: 0.2})
		runtime.GOMAXPROCS(previous)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = d
		}
		if d.Digest != want.Digest || !slices.Equal(d.Train.Values, want.Train.Values) || !slices.Equal(d.Test.Values, want.Test.Values) || !slices.Equal(d.Train.Labels, want.Train.Labels) {
			t.Errorf("%d processors read other samples than one", processors)
		}
	}
}
