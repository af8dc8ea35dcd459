package dataset

import (
	"archive/zip"
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

func TestLayoutOf(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		want  layout
	}{
		{[]int{18}, layout{height: 1, width: 18}},
		{[]int{28, 28}, layout{channels: 1, height: 28, width: 28}},
		{[]int{3, 32, 30}, layout{channels: 3, height: 32, width: 30}},
		{[]int{32, 30, 3}, layout{channels: 3, height: 32, width: 30, interleaved: true}},
		{[]int{1, 28, 28}, layout{channels: 1, height: 28, width: 28}},
		{[]int{28, 28, 1}, layout{channels: 1, height: 28, width: 28, interleaved: true}},
		{[]int{3, 32, 3}, layout{height: 1, width: 288}},    // either axis may be that of channels
		{[]int{16, 32, 16}, layout{height: 1, width: 8192}}, // and here neither
	} {
		if got := layoutOf(c.sizes); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.sizes, got, c.want)
		}
	}
}

// TestChannels: the same images have the same features whether their channels lie side by
// side or one after the other, in NPZ and in IDX, and one mean and deviation a channel.
func TestChannels(t *testing.T) {
	const n, channels, height, width = 4, 3, 5, 7
	planes, pixels := make([]uint8, n*channels*height*width), make([]uint8, n*channels*height*width)
	for i := range n {
		for c := range channels {
			for at := range height * width {
				value := uint8(60*c + (13*at+7*i)%50)
				planes[(i*channels+c)*height*width+at] = value
				pixels[(i*height*width+at)*channels+c] = value
			}
		}
	}
	labels := []uint8{0, 1, 0, 1}
	npzOf := func(pixels []uint8, shape ...int) []byte {
		x, y := arrayOf("|u1", shape, pixels), arrayOf("|u1", []int{n}, labels)
		return npz(zip.Deflate, "x_train.npy", x, "y_train.npy", y, "x_test.npy", x, "y_test.npy", y)
	}
	idxOf := func(pixels []uint8, shape ...uint32) string {
		x, y := idx(idxUnsignedByte, shape, pixels...), idx(idxUnsignedByte, []uint32{n}, labels...)
		dir := filepath.Join(t.TempDir(), "colours")
		names := fileNames
		names[trainImages], names[testImages] = "train-images-idx4-ubyte", "t10k-images-idx4-ubyte"
		writeFolder(t, dir, names, [folderFiles][]byte{x, y, x, y})
		return dir
	}
	open := func(d *Dataset, err error) *Dataset {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, d := range map[string]*Dataset{
		"npz, first": open(openedNPZ(t, npzOf(planes, n, channels, height, width), Options{})),
		"npz, last":  open(openedNPZ(t, npzOf(pixels, n, height, width, channels), Options{})),
		"idx, first": open(Open(idxOf(planes, n, channels, height, width), Options{})),
		"idx, last":  open(Open(idxOf(pixels, n, height, width, channels), Options{})),
	} {
		if !slices.Equal(d.Shape(), []int{channels, height, width}) || !bytes.Equal(d.Train.Pixels, planes) || !bytes.Equal(d.Test.Pixels, planes) {
			t.Errorf("%s: shape %v, or other pixels", name, d.Shape())
		}
		checkMoments(t, d)
		checkChannels(t, d)
	}
	// Networks from before there were channels take the bytes as they lie there.
	if d := open(openedNPZ(t, npzOf(pixels, n, height, width, channels), Options{Evaluate: true, Interleaved: true})); !bytes.Equal(d.Test.Pixels, pixels) {
		t.Error("interleaved channels are separated")
	}
	// Two files of other shapes are no data set, even of as many features.
	x, other, y := arrayOf("|u1", []int{n, channels, height, width}, planes), arrayOf("|u1", []int{n, channels, width, height}, planes), arrayOf("|u1", []int{n}, labels)
	_, err := openedNPZ(t, npz(zip.Deflate, "x_train.npy", x, "y_train.npy", y, "x_test.npy", other, "y_test.npy", y), Options{})
	checkError(t, err, ErrInvalid, "samples of [3 5 7] and x_test of [3 7 5]")
}

// checkChannels compares the mean and the deviation of each channel with those of the
// textbook.
func checkChannels(t *testing.T, d *Dataset) {
	t.Helper()
	if len(d.Means) != d.Channels || len(d.Deviations) != d.Channels {
		t.Fatalf("%d means and %d deviations of %d channels", len(d.Means), len(d.Deviations), d.Channels)
	}
	plane, n := d.Height*d.Width, float64(d.Train.Len()*d.Height*d.Width)
	for c := range d.Channels {
		var mean, variance float64
		each := func(visit func(x float64)) {
			for row := range slices.Chunk(d.Train.Pixels, d.Train.Features) {
				for _, pixel := range row[c*plane : (c+1)*plane] {
					visit(float64(pixel) / 255)
				}
			}
		}
		each(func(x float64) { mean += x / n })
		each(func(x float64) { variance += (x - mean) * (x - mean) / n })
		const tolerance = 1e-9 // as in checkMoments
		if m, s := d.Normalisation(c); math.Abs(m-mean) > tolerance || math.Abs(s-math.Sqrt(variance)) > tolerance {
			t.Errorf("channel %d: mean %v, deviation %v; want %v, %v", c, m, s, mean, math.Sqrt(variance))
		}
	}
}

// A channel without variation is brought to 0, not divided by it; grey images have the
// mean and the deviation of all bytes, bit for bit.
func TestNormalisation(t *testing.T) {
	d := Dataset{Channels: 2, Height: 1, Width: 2, Train: Samples{Features: 4, Pixels: []uint8{0, 255, 51, 51, 255, 0, 51, 51}}}
	d.normalise()
	if mean, deviation := d.Normalisation(1); mean != 0.2 || deviation != 1 {
		t.Errorf("a constant channel has mean %v and deviation %v", mean, deviation)
	}
	if mean, deviation := d.Normalisation(0); mean != 0.5 || deviation != 0.5 {
		t.Errorf("the other has mean %v and deviation %v", mean, deviation)
	}
	grey := digits()
	if mean, deviation := grey.Normalisation(0); mean != grey.Mean || deviation != grey.Deviation || !slices.Equal(grey.Shape(), []int{1, 28, 28}) {
		t.Errorf("%v: mean %v and deviation %v, of all %v and %v", grey.Shape(), mean, deviation, grey.Mean, grey.Deviation)
	}
	if mean, deviation := (&Dataset{Mean: 0.25, Deviation: 2}).Normalisation(0); mean != 0.25 || deviation != 2 {
		t.Errorf("without those of channels: mean %v and deviation %v", mean, deviation)
	}
	for feature, want := range []int{0, 0, 1, 1} {
		if got := d.Channel(feature); got != want {
			t.Errorf("feature %d is of channel %d, want %d", feature, got, want)
		}
	}
	if (&Dataset{Channels: 3, Train: Samples{Features: 6}}).Channel(5) != 0 || grey.Channel(783) != 0 {
		t.Error("where one mean is that of all, there is one channel")
	}
	table := Dataset{Height: 1, Width: 5, Train: Samples{Features: 5}}
	if !slices.Equal(table.Shape(), []int{5}) {
		t.Errorf("a table has shape %v", table.Shape())
	}
}
