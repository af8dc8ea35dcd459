package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/random"
)

// writeMixed writes a table of rows of 40 columns, 8 of them of 12 words each, and a label.
func writeMixed(tb testing.TB, path string, rows int) {
	tb.Helper()
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	for k := range 40 {
		fmt.Fprintf(w, "column%d,", k)
	}
	fmt.Fprintln(w, "label")
	draw := random.New(1, random.Testing, 0, 0)
	for i := range rows {
		for k := range 40 {
			if k%5 == 0 {
				fmt.Fprintf(w, "word%d,", draw.Uint32()%12)
			} else {
				fmt.Fprintf(w, "%.4f,", 100*draw.Normal())
			}
		}
		fmt.Fprintf(w, "class%d\n", i%3)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkTable reads a table with categories beside encoding/csv alone.
func BenchmarkTable(b *testing.B) {
	path := filepath.Join(b.TempDir(), "mixed.csv")
	writeMixed(b, path, 100_000)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encoding-csv", func(b *testing.B) {
		b.SetBytes(info.Size())
		for b.Loop() {
			text, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			r := csv.NewReader(bytes.NewReader(text))
			r.ReuseRecord = true
			for err == nil {
				_, err = r.Read()
			}
			if err != io.EOF {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.SetBytes(info.Size())
		for b.Loop() {
			if _, err := Open(path, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestMemoryOfTable: all that reading a table allocates, freed memory included, is a number a column
// and a feature of each row, with little besides: no text of a row, and no copy of the numbers. The
// numbers are given back while features are made of them, so both are never there in full.
func TestMemoryOfTable(t *testing.T) {
	if memorytest.RaceDetector {
		t.Skip("the race detector allocates more: run without -race")
	}
	const rows, columns = 40_000, 40
	path := filepath.Join(t.TempDir(), "mixed.csv")
	writeMixed(t, path, rows)
	var d *Dataset
	used := memorytest.Allocated(func() {
		var err error
		if d, err = Open(path, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	samples, numbers := 4*(len(d.Train.Values)+len(d.Test.Values)), 8*rows*columns
	if d.Train.Features != 32+8*12 || d.Train.Len()+d.Test.Len() != rows {
		t.Fatalf("%d and %d samples of %d features", d.Train.Len(), d.Test.Len(), d.Train.Features)
	}
	// Labels, places of samples, and the first block of numbers, which grows.
	if limit := uint64(float64(samples+numbers)*1.1) + 4<<20; used > limit {
		t.Errorf("%d bytes of samples and %d of numbers allocate %d, more than %d", samples, numbers, used, limit)
	}
}
