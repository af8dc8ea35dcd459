package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

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

// TestMemoryOfTable: what is on the heap while a table with categories is read stays near what its
// samples take. The collector runs at a low target, so that garbage does not count.
func TestMemoryOfTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mixed.csv")
	writeMixed(t, path, 40_000)
	var most, stop atomic.Uint64
	done := make(chan struct{})
	go func() {
		defer close(done)
		var m runtime.MemStats
		for stop.Load() == 0 {
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			time.Sleep(time.Millisecond)
		}
	}()
	d, err := Open(path, Options{})
	stop.Store(1)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	samples := 4 * (len(d.Train.Values) + len(d.Test.Values))
	t.Logf("%d bytes of samples, %d at most", samples, most.Load())
}
