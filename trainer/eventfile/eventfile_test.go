package eventfile

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// write writes a file with a value of each kind.
func write(t *testing.T) string {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "a", "run"))
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	w.Write(0, Scalar("loss", 0.5))
	w.Write(1<<40, Scalar("a/ü", math.Inf(1)), Histogram("h", 0, 1, []int{3, 0, 1, 0}), Image("p", 3, 2, picture.Bytes()))
	w.Write(7)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Path()
}

// TestBegin: a file begins as every event file does that TensorFlow writes: with a record of
// 24 bytes, whose checksum is known, that ends in the version.
func TestBegin(t *testing.T) {
	text, err := os.ReadFile(write(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := "\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK\x22\x09"; !bytes.HasPrefix(text, []byte(want)) {
		t.Errorf("it begins with %q, want %q", text[:len(want)], want)
	}
	if want := "\x1a\x0dbrain.Event:2"; string(text[12+9:12+24]) != want {
		t.Errorf("the first record ends in %q, want %q", text[12+9:12+24], want)
	}
}

// event is one that events.js prints.
type readEvent struct {
	WallTime float64 `json:"wall_time"`
	Step     int     `json:"step"`
	Version  string  `json:"file_version"`
	Summary  struct {
		Value []struct {
			Tag    string `json:"tag"`
			Simple any    `json:"simple_value"`
			Image  struct {
				Height, Width, Colorspace int
				PNG                       []byte `json:"encoded_image_string"`
			}
			Histo struct {
				Min, Max, Num, Sum float64
				Squares            float64   `json:"sum_squares"`
				Limits             []float64 `json:"bucket_limit"`
				Bucket             []float64
			}
		}
	}
}

// TestOthersRead: a reader of TFRecords and one of protobuf, which are not ours, find what
// was written, with checksums that are right, and refuse a file in which a byte is wrong.
func TestOthersRead(t *testing.T) {
	const folder = "../../testdata/views"
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("the reader of event files is not installed: run make views")
	}
	read := func(path string) ([]readEvent, error) {
		out, err := exec.Command("node", filepath.Join(folder, "events.js"), path).Output()
		if err != nil {
			return nil, err
		}
		var events []readEvent
		return events, json.Unmarshal(out, &events)
	}
	path := write(t)
	events, err := read(path)
	if err != nil || len(events) != 4 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if events[0].Version != "brain.Event:2" || events[0].WallTime < 1.7e9 || events[3].Step != 7 {
		t.Errorf("the first event is %+v and the last %+v", events[0], events[3])
	}
	if v := events[1].Summary.Value; len(v) != 1 || v[0].Tag != "loss" || v[0].Simple != 0.5 {
		t.Errorf("the scalar is %+v", v)
	}
	v := events[2].Summary.Value
	if events[2].Step != 1<<40 || len(v) != 3 || v[0].Tag != "a/ü" {
		t.Fatalf("the third event is %+v", events[2])
	}
	h := v[1].Histo
	if h.Num != 4 || h.Max != 1 || h.Sum != 3*0.125+0.625 || h.Squares != 3*0.015625+0.390625 || len(h.Limits) != 4 || h.Limits[3] != 1 || h.Bucket[0] != 3 || h.Bucket[2] != 1 {
		t.Errorf("the histogram is %+v", h)
	}
	if p, err := png.Decode(bytes.NewReader(v[2].Image.PNG)); err != nil || p.Bounds().Dx() != 3 || v[2].Image.Width != 3 || v[2].Image.Height != 2 {
		t.Errorf("the image is %+v: %v", v[2].Image, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := read(path); err == nil {
		t.Error("a wrong byte is not seen")
	}
}
