package dataset

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

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

// BenchmarkTable reads a table of a million rows with categories, in turn with encoding/csv alone, and
// reports the speed of both and their ratio, each by its quickest reading. Readings that other work
// slows down count for neither.
func BenchmarkTable(b *testing.B) {
	path := filepath.Join(b.TempDir(), "mixed.csv")
	writeMixed(b, path, 1_000_000)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	alone := func() {
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		r := csv.NewReader(bufio.NewReaderSize(file, 1<<16))
		r.ReuseRecord = true
		for err == nil {
			_, err = r.Read()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	open := func() {
		if _, err := Open(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	quickest := func(before time.Duration, read func()) time.Duration {
		runtime.GC()
		start := time.Now()
		read()
		return min(before, time.Since(start))
	}
	least, ours := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for b.Loop() {
		least, ours = quickest(least, alone), quickest(ours, open)
	}
	megabytes := float64(info.Size()) / 1e6
	b.ReportMetric(megabytes/least.Seconds(), "csv-MB/s")
	b.ReportMetric(megabytes/ours.Seconds(), "open-MB/s")
	b.ReportMetric(least.Seconds()/ours.Seconds(), "open/csv")
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
