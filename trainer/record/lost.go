package record

import (
	"encoding/json"
	"fmt"

	"nashprune/trainer/backend"
)

// Lost is what lost.json holds: samples of images that the dense network gets right and the
// pruned one wrong.
type Lost struct {
	Count  int `json:"lost"` // how many there are
	Gained int `json:"gained"`
	// Channels, Height and Width are the shape of a sample.
	Channels int          `json:"channels"`
	Height   int          `json:"height"`
	Width    int          `json:"width"`
	Samples  []LostSample `json:"samples"` // the first [MostLost] of them
}

// LostSample is one of them.
type LostSample struct {
	Place  int    `json:"sample"` // in the part that the run is evaluated on, from 0
	Class  int    `json:"class"`
	Taken  int    `json:"taken_for"` // by the pruned network
	Pixels []byte `json:"pixels"`    // channel by channel, row by row
}

// MostLost is how many samples are kept, and MostLostPixels of how many pixels they may be.
const (
	MostLost       = 20
	MostLostPixels = 1 << 14
)

// ReadLost reads what [WriteJSON] wrote of a Lost.
func ReadLost(text []byte) (*Lost, error) {
	l := new(Lost)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, backend.PlainJSON(err)
	}
	for _, side := range []int{l.Channels, l.Height, l.Width} {
		if side < 1 || side > MostLostPixels {
			return nil, fmt.Errorf("its samples are images of %d channels and %d x %d pixels", l.Channels, l.Height, l.Width)
		}
	}
	size := l.Channels * l.Height * l.Width
	for _, s := range l.Samples {
		if len(s.Pixels) != size || s.Class < 0 || s.Taken < 0 || s.Class == s.Taken {
			return nil, fmt.Errorf("sample %d has %d of %d pixels, is of class %d and taken for %d", s.Place, len(s.Pixels), size, s.Class, s.Taken)
		}
	}
	if len(l.Samples) > MostLost || l.Count < len(l.Samples) || l.Gained < 0 {
		return nil, fmt.Errorf("it has %d samples of %d", len(l.Samples), l.Count)
	}
	return l, nil
}
