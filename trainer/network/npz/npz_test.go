package npz_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/npz"
)

// TestWrite reads arrays back: their headers by the format of NumPy, and their numbers.
func TestWrite(t *testing.T) {
	n := networktest.Random(networktest.Build(networktest.Nets()["lenet"]...))
	for _, s := range n.Participations {
		for i := range s {
			s[i] = 1
		}
	}
	var file, again bytes.Buffer
	if err := npz.Write(&file, n); err != nil {
		t.Fatal(err)
	}
	if err := npz.Write(&again, n); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Errorf("two files of one network differ (%v)", err)
	}
	archive, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != len(n.Graph.Params) {
		t.Fatalf("%d arrays of %d parameters", len(archive.File), len(n.Graph.Params))
	}
	for p, param := range n.Graph.Params {
		entry, err := archive.File[p].Open()
		if err != nil {
			t.Fatal(err)
		}
		array, err := io.ReadAll(entry)
		if err != nil {
			t.Fatal(err)
		}
		length := int(binary.LittleEndian.Uint16(array[8:]))
		header, numbers := string(array[10:10+length]), array[10+length:]
		shape := strings.ReplaceAll(network.Shape(param.Shape).String(), "x", ", ")
		if archive.File[p].Name != param.Name+".npy" || !strings.HasPrefix(string(array), "\x93NUMPY\x01\x00") || (10+length)%64 != 0 ||
			!strings.Contains(header, "'shape': ("+shape+",)") || !strings.Contains(header, "'descr': '<f4', 'fortran_order': False") {
			t.Errorf("%s of %s has the header %q", archive.File[p].Name, shape, header)
		}
		for i, x := range n.Parameters[p] {
			if have := math.Float32frombits(binary.LittleEndian.Uint32(numbers[4*i:])); have != x {
				t.Errorf("number %d of %s is %g; it must be %g", i, param.Name, have, x)
			}
		}
	}
	n.Participations[0][0] = 0.5
	if err := npz.Write(&again, n); err == nil {
		t.Error("a participation of 0.5 is lost")
	}
}
