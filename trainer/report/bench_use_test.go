package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"nashprune/trainer/bench"
)

// inUse is a measurement of two networks; the second device has one batch, and no ceiling.
func inUse() *bench.Report {
	at := func(device string, batch int, took, least float64) bench.Time {
		return bench.Time{Device: device, Batch: batch, Microseconds: took, Least: least}
	}
	r := measured()
	r.Cases, r.Scaling = nil, nil
	r.Networks = []bench.Use{
		{Name: "dense", Parameters: 94, MACs: 84, Times: []bench.Time{at("cpu:0", 1, 10, 1), at("cpu:0", 1024, 2000, 1500), at("vulkan:0", 1, 300, 0)}},
		{Name: "pruned", Parameters: 9, MACs: 8, Times: []bench.Time{at("cpu:0", 1, 4, 0.2), at("cpu:0", 1024, 500, 800), at("vulkan:0", 1, 100, 0)}},
	}
	return r
}

func TestBenchOfNetworks(t *testing.T) {
	var b strings.Builder
	if err := Bench(&b, inUse()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"batch dense of most pruned of most faster 1 10 us 10 % 4 us 5 % 2.5x 1,024 2 ms 75 % 500 us - 4x",
		"vulkan:0, a forward pass batch dense of most pruned of most faster 1 300 us - 100 us - 3x",
		"dense: 94 parameters, 84 multiply-accumulates a sample", "left out on vulkan:0",
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// TestPictureOfTimes: a panel a device and a line a network, in well-formed XML.
func TestPictureOfTimes(t *testing.T) {
	var b strings.Builder
	if err := Use(&b, inUse()); err != nil {
		t.Fatal(err)
	}
	circles := 0
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	if circles != 6 || strings.Count(b.String(), ">pruned<") != 2 || !strings.Contains(b.String(), "cpu:0: gonum") {
		t.Errorf("%d circles in\n%s", circles, b.String())
	}
}
