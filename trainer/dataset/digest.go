package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// digest returns the SHA-256, in hexadecimal, of the samples as the files hold them, with
// labels or targets, before they are divided and standardised. Both follow from the
// samples and the options, so data of the same digest and options is the same.
func (d *Dataset) digest() string {
	sum := sha256.New()
	buffered := bufio.NewWriterSize(sum, 1<<15)
	parts := []Samples{d.Train, d.Test}
	if d.Validation.Len() > 0 { // from a folder of its own
		parts = append(parts, d.Validation)
	}
	for _, part := range parts {
		fmt.Fprintln(buffered, part.Len(), part.Features, part.Outputs, part.raw.matrix != nil)
		buffered.Write(part.Pixels) // as all writes to a hash, without an error
		for i := range part.raw.n {
			addNumbers(buffered, part.raw.row(i))
		}
		buffered.Write(part.Labels)
		addNumbers(buffered, part.rawTargets)
	}
	if !ArePlain(d.Columns) {
		text, err := json.Marshal(d.Columns)
		if err != nil {
			panic(err) // no text fails
		}
		buffered.Write(text)
	}
	buffered.Flush()
	return hex.EncodeToString(sum.Sum(nil))
}

// addNumbers adds numbers to a sum.
func addNumbers(sum *bufio.Writer, numbers []float64) {
	for some := range slices.Chunk(numbers, 128) {
		text := sum.AvailableBuffer()
		for _, x := range some {
			text = binary.LittleEndian.AppendUint64(text, math.Float64bits(x))
		}
		sum.Write(text)
	}
}
