package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
)

// records reads the lines of a table as encoding/csv does, and without making a text of each: only
// records with quotes go through encoding/csv.
type records struct {
	from  *bufio.Reader
	comma byte
	line  int // of the last record, from 1
	next  int // lines that were read

	fields [][]byte // of the last record, until the next is read
	held   []byte   // a record that is longer than the buffer of from, or has several lines

	quoted  *csv.Reader
	source  bytes.Reader
	passed  int // lines that went through quoted
	scratch []byte
}

func newRecords(from *bufio.Reader, comma byte) *records {
	return &records{from: from, comma: comma}
}

// read returns the fields of the next record, which stay until the next call, or [io.EOF].
func (r *records) read() ([][]byte, error) {
	for {
		r.line = r.next + 1
		record, err := r.record()
		if err != nil {
			return nil, err
		}
		if len(record) == 0 {
			continue // an empty line
		}
		if bytes.IndexByte(record, '"') >= 0 {
			return r.readQuoted(record)
		}
		r.fields = r.fields[:0]
		for {
			end := bytes.IndexByte(record, r.comma)
			if end < 0 {
				r.fields = append(r.fields, record)
				return r.fields, nil
			}
			r.fields = append(r.fields, record[:end])
			record = record[end+1:]
		}
	}
}

// record returns the next line without its end, or the next lines, as they are, where a quote
// holds the end of a line.
func (r *records) record() ([]byte, error) {
	r.held = r.held[:0]
	quotes := 0
	for {
		piece, err := r.from.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && (err != io.EOF || len(piece)+len(r.held) == 0) {
			return nil, err
		}
		quotes += bytes.Count(piece, []byte{'"'})
		if err != bufio.ErrBufferFull {
			r.next++
		}
		if len(r.held) > 0 || err == bufio.ErrBufferFull || quotes%2 != 0 && err == nil {
			r.held = append(r.held, piece...)
			piece = r.held
		}
		switch {
		case err == bufio.ErrBufferFull, quotes%2 != 0 && err == nil:
			continue
		case quotes > 0:
			return piece, nil
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(piece, []byte{'\n'}), []byte{'\r'}), nil
	}
}

// readQuoted reads a record in which there are quotes.
func (r *records) readQuoted(record []byte) ([][]byte, error) {
	r.source.Reset(record)
	if r.quoted == nil {
		r.quoted = csv.NewReader(&r.source)
		r.quoted.Comma, r.quoted.FieldsPerRecord, r.quoted.ReuseRecord = rune(r.comma), -1, true
	}
	before := r.passed
	r.passed += r.next - r.line + 1
	words, err := r.quoted.Read()
	if parse := new(csv.ParseError); errors.As(err, &parse) {
		parse.Line += r.line - 1 - before
	}
	if err != nil {
		return nil, err
	}
	r.scratch, r.fields = r.scratch[:0], r.fields[:0]
	for _, word := range words {
		r.scratch = append(r.scratch, word...)
	}
	start := 0
	for _, word := range words {
		end := start + len(word)
		r.fields = append(r.fields, r.scratch[start:end])
		start = end
	}
	return r.fields, nil
}
