package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"slices"
)

// digest returns the SHA-256, in hexadecimal, of the samples as the files hold them, with
// labels or targets, before they are divided and standardised. Both follow from the
// samples and the options, so data of the same digest and options is the same.
func (d *Dataset) digest() string {
	sum := sha256.New()
	parts := []Samples{d.Train, d.Test}
	if d.Validation.Len() > 0 { // from a folder of its own
		parts = append(parts, d.Validation)
	}
	for _, part := range parts {
		fmt.Fprintln(sum, part.Len(), part.Features, part.Outputs, part.raw != nil)
		sum.Write(part.Pixels)
		addNumbers(sum, part.raw)
		sum.Write(part.Labels)
		addNumbers(sum, part.rawTargets)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// addNumbers adds numbers to a sum, a part at a time.
func addNumbers(sum hash.Hash, numbers []float64) {
	const chunk = 4096
	var buffer []byte
	for part := range slices.Chunk(numbers, chunk) {
		buffer = buffer[:0]
		for _, x := range part {
			buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(x))
		}
		sum.Write(buffer)
	}
}
