// Package npz writes the parameters of networks as arrays of NumPy.
package npz

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"nashprune/trainer/network"
)

// Write writes an archive that numpy.load reads: an array of float32, row-major, for each
// parameter, under its name, such as "conv1.weight". The same network gives the same bytes.
// Participations that are not one are an error, and nothing is written.
func Write(w io.Writer, n *network.Network) error {
	if err := n.CheckFolded(); err != nil {
		return err
	}
	archive := zip.NewWriter(w)
	for p, param := range n.Graph.Params {
		file, err := archive.CreateHeader(&zip.FileHeader{Name: param.Name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if err := writeArray(file, param.Shape, n.Parameters[p]); err != nil {
			return err
		}
	}
	return archive.Close()
}

// alignment is what the header of an array fills up to, by version 1.0 of its format.
const alignment = 64

func writeArray(w io.Writer, shape []int, v []float32) error {
	var lengths strings.Builder
	for _, n := range shape {
		fmt.Fprintf(&lengths, "%d, ", n) // as in (3, ), which Python reads, too
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", strings.TrimSuffix(lengths.String(), " "))
	const preamble = len("\x93NUMPY\x01\x00") + 2
	space := alignment - (preamble+len(header)+1)%alignment
	header += strings.Repeat(" ", space) + "\n"
	b := bufio.NewWriter(w)
	b.WriteString("\x93NUMPY\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	b.WriteString(header)
	for _, x := range v {
		b.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
	}
	return b.Flush()
}
