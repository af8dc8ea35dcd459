package record

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestReadLost(t *testing.T) {
	want := func() *Lost {
		return &Lost{Count: 2, Gained: 1, Channels: 1, Height: 1, Width: 2, Samples: []LostSample{{Place: 3, Class: 1, Taken: 0, Pixels: []byte{1, 255}}}}
	}
	text := func(l *Lost) []byte {
		var b bytes.Buffer
		if err := WriteJSON(&b, l); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if got, err := ReadLost(text(want())); err != nil || !reflect.DeepEqual(got, want()) {
		t.Errorf("read %+v, %v", got, err)
	}
	for says, spoil := range map[string]func(l *Lost){
		"0 channels":   func(l *Lost) { l.Channels = 0 },
		"2 of 4":       func(l *Lost) { l.Height = 2 },
		"taken for 1":  func(l *Lost) { l.Samples[0].Taken = 1 },
		"class -1":     func(l *Lost) { l.Samples[0].Class = -1 },
		"samples of 0": func(l *Lost) { l.Count = 0 },
	} {
		l := want()
		spoil(l)
		if _, err := ReadLost(text(l)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if _, err := ReadLost([]byte(`{"samples": 3}`)); err == nil {
		t.Error("a number is read as samples")
	}
}

// FuzzReadLost: what is read holds its samples.
func FuzzReadLost(f *testing.F) {
	f.Add([]byte(`{"lost":1,"gained":0,"channels":1,"height":1,"width":1,"samples":[{"sample":0,"class":0,"taken_for":1,"pixels":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ReadLost(text)
		if err != nil {
			return
		}
		for _, s := range l.Samples {
			if len(s.Pixels) != l.Channels*l.Height*l.Width {
				t.Errorf("%+v", s)
			}
		}
	})
}
