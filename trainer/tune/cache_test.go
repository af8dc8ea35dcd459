package tune

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"nashprune/trainer/backend"
)

// TestChoicesMadeAtOnce: of many that remember theirs at the same time, as programs
// beside each other do, none is lost.
func TestChoicesMadeAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache", "kernels.json")
	const many = 30
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			one := Tuner{Cache: file, Tell: func(line string) { t.Error(line) }}
			one.remember(fmt.Sprint("key ", i), "vec4")
		})
	}
	all.Wait()
	if found, err := (Tuner{Cache: file}).read(); err != nil || len(found.Kernels) != many {
		t.Errorf("%d of %d choices are there: %v", len(found.Kernels), many, err)
	}
}

// TestKeys: sizes of one class share a choice, and nothing else does.
func TestKeys(t *testing.T) {
	d := backend.Device{Name: "a device", DriverInfo: "a driver 1"}
	key := func(change func(*backend.Device), program string, batch int, widths ...int) string {
		d := d
		change(&d)
		return keyOf(program, d, widths, batch)
	}
	same := func(*backend.Device) {}
	base := key(same, "program 1", 128, 784, 512, 256, 10)
	if like := key(same, "program 1", 65, 513, 257, 129, 9); like != base {
		t.Errorf("%s and %s", base, like)
	}
	for name, other := range map[string]string{
		"program": key(same, "program 2", 128, 784, 512, 256, 10),
		"device":  key(func(d *backend.Device) { d.Name = "another" }, "program 1", 128, 784, 512, 256, 10),
		"driver":  key(func(d *backend.Device) { d.DriverInfo = "a driver 2" }, "program 1", 128, 784, 512, 256, 10),
		"batch":   key(same, "program 1", 129, 784, 512, 256, 10),
		"width":   key(same, "program 1", 128, 784, 513, 256, 10),
		"layers":  key(same, "program 1", 128, 784, 512, 10),
	} {
		if other == base {
			t.Errorf("another %s has the same key %s", name, base)
		}
	}
	for n, want := range map[int]int{0: 1, 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 1024: 1024, 1025: 2048} {
		if got := class(n); got != want {
			t.Errorf("class of %d is %d, not %d", n, got, want)
		}
	}
}

// FuzzCache: what is taken for a cache can be written and read again.
func FuzzCache(f *testing.F) {
	for _, text := range []string{"", "{}", `{"kernels":{"a":"b"}}`, `{"kernels":[]}`, `{"kernels":{"a":1}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseCache(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		if reread, err := parseCache(again); err != nil || !reflect.DeepEqual(reread, found) {
			t.Errorf("%v is read again as %v, %v", found, reread, err)
		}
	})
}
