package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"slices"
	"testing"
)

// encoded returns an image as a file.
func encoded(write func(io.Writer) error) []byte {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	return b.Bytes()
}

func pngOf(m image.Image) []byte {
	return encoded(func(w io.Writer) error { return png.Encode(w, m) })
}

// coloured returns an image of a size, other for each number.
func coloured(width, height, number int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{uint8(10*x + number), uint8(20*y + number), uint8(200 - number), 255})
		}
	}
	return m
}

// planes returns the pixels that an image ought to have.
func planes(m image.Image) []uint8 {
	var pixels []uint8
	for c := range colours {
		for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
			for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
				red, green, blue, _ := m.At(x, y).RGBA()
				pixels = append(pixels, uint8([]uint32{red, green, blue}[c]>>8))
			}
		}
	}
	return pixels
}

// TestImageFormats: pixels are those of the standard library, in one channel if all are
// grey.
func TestImageFormats(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 9, 7))
	for i := range grey.Pix {
		grey.Pix[i] = uint8(4 * i)
	}
	deep := image.NewGray16(grey.Rect)
	greyInColours := image.NewNRGBA(grey.Rect)
	for y := range 7 {
		for x := range 9 {
			level := grey.GrayAt(x, y).Y
			deep.SetGray16(x, y, color.Gray16{uint16(level)<<8 | 0x7F})
			greyInColours.SetNRGBA(x, y, color.NRGBA{level, level, level, 255})
		}
	}
	half := image.NewNRGBA(grey.Rect) // transparent by half, on black
	for i := range half.Pix {
		half.Pix[i] = []uint8{200, 100, 50, 128}[i%4]
	}
	jpegOf := func(m image.Image) []byte {
		return encoded(func(w io.Writer) error { return jpeg.Encode(w, m, nil) })
	}
	decoded := func(file []byte) image.Image {
		m, _, err := image.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	colour := coloured(9, 7, 3)
	palette := image.NewPaletted(grey.Rect, color.Palette{color.NRGBA{0, 0, 0, 255}, color.NRGBA{200, 10, 10, 255}})
	palette.Pix[11] = 1
	gifOf := func(m *image.Paletted) []byte {
		return encoded(func(w io.Writer) error {
			return gif.EncodeAll(w, &gif.GIF{Image: []*image.Paletted{m}, Delay: []int{0}, Config: image.Config{Width: 9, Height: 7}})
		})
	}
	// A frame that is smaller than its picture lies where it says.
	frame, framed := image.NewPaletted(image.Rect(2, 3, 5, 6), palette.Palette), image.NewNRGBA(grey.Rect)
	for i := range frame.Pix {
		frame.Pix[i] = 1
	}
	for y := 3; y < 6; y++ {
		for x := 2; x < 5; x++ {
			framed.Set(x, y, palette.Palette[1])
		}
	}
	for _, c := range []struct {
		name, ending string
		file         []byte
		want         image.Image
		channels     int
	}{
		{"colour PNG", ".png", pngOf(colour), colour, 3},
		{"grey PNG", ".png", pngOf(grey), grey, 1},
		{"PNG of 16 bits", ".png", pngOf(deep), grey, 1},
		{"grey PNG in colours", ".png", pngOf(greyInColours), grey, 1},
		{"transparent PNG", ".png", pngOf(half), half, 3},
		{"colour JPEG", ".jpeg", jpegOf(colour), decoded(jpegOf(colour)), 3},
		{"grey JPEG", ".JPG", jpegOf(grey), decoded(jpegOf(grey)), 1},
		{"GIF", ".gif", gifOf(palette), palette, 3},
		{"GIF with a small frame", ".gif", gifOf(frame), framed, 3},
		{"PNG under another name", ".jpg", pngOf(colour), colour, 3},
	} {
		other := pngOf(image.NewGray(grey.Rect)) // black, and one channel
		d, err := readSmall(t, map[string][]byte{"a/1" + c.ending: c.file, "b/1.png": other}, Options{})
		want := planes(c.want)[:c.channels*63]
		if err != nil || d.Channels != c.channels || d.Height != 7 || d.Width != 9 || !bytes.Equal(d.Train.Pixels[:len(want)], want) {
			t.Errorf("%s: %v, %v", c.name, d, err)
			continue
		}
		// A grey image among coloured ones has three equal channels.
		if rest := d.Train.Pixels[len(want):]; !bytes.Equal(rest, make([]uint8, c.channels*63)) {
			t.Errorf("%s: the black image is %v", c.name, rest)
		}
	}
	d, err := readSmall(t, map[string][]byte{"a/1.png": pngOf(grey), "b/1.png": pngOf(grey)}, Options{Evaluate: true, ImageChannels: 3})
	if err != nil || d.Channels != 3 || !bytes.Equal(d.Train.Pixels[:3*63], planes(grey)) {
		t.Errorf("grey images for a network of three channels: %v, %v", d, err)
	}
}

// TestImageSize: images of other sizes are brought to one, as large as they were or not, and
// a shrunk one has the mean of what it covers.
func TestImageSize(t *testing.T) {
	const level = 77
	plain := func(width, height int) []byte {
		m := image.NewGray(image.Rect(0, 0, width, height))
		for i := range m.Pix {
			m.Pix[i] = level
		}
		return pngOf(m)
	}
	board, ramp := image.NewGray(image.Rect(0, 0, 64, 64)), image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range board.Pix {
		board.Pix[i] = uint8(255 * ((i + i/64) % 2))
		ramp.Pix[i] = uint8(2 * (i % 64))
	}
	files := map[string][]byte{"a/1.png": plain(3, 40), "a/2.png": plain(16, 8), "b/1.png": pngOf(board), "b/2.png": pngOf(ramp)}
	d, err := readSmall(t, files, Options{ImageHeight: 8, ImageWidth: 16})
	if err != nil || !slices.Equal(d.Shape(), []int{1, 8, 16}) {
		t.Fatalf("%v, %v", d, err)
	}
	image := func(i int) []uint8 { return d.Train.Pixels[i*128 : (i+1)*128] }
	for i := range 2 {
		if !bytes.Equal(image(i), bytes.Repeat([]uint8{level}, 128)) {
			t.Errorf("an image of one level is %v", image(i))
		}
	}
	for at, value := range image(2) { // the widened filter weighs white and black alike, but for the border
		if x, y := at%16, at/16; x > 1 && x < 14 && y > 1 && y < 6 && math.Abs(float64(value)-127.5) > 3 {
			t.Errorf("pixel %d of a shrunk chessboard is %d", at, value)
		}
	}
	for x := 2; x < 14; x++ { // the filter keeps what is linear: 4 columns become one
		if want := 2 * (4*float64(x) + 1.5); math.Abs(float64(image(3)[3*16+x])-want) > 1 {
			t.Errorf("column %d of a shrunk ramp is %d, want %v", x, image(3)[3*16+x], want)
		}
	}
	_, err = readSmall(t, files, Options{})
	checkError(t, err, ErrInvalid, "a/1.png has 40x3 pixels, and a/2.png 8x16", "--image-size HxW")
	_, err = Open("digits", Options{ImageHeight: 8, ImageWidth: 8})
	checkError(t, err, ErrOption, "an image size of 8x8", "images in folders")
}

func TestParseImageSize(t *testing.T) {
	if height, width, err := ParseImageSize("48x64"); err != nil || height != 48 || width != 64 {
		t.Errorf("%d, %d, %v", height, width, err)
	}
	for _, text := range []string{"", "64", "x", "0x4", "4x0", "-1x4", "4x4x4", "64X64", " 4x4", "4096x4096", "16777217x1"} {
		if height, width, err := ParseImageSize(text); err == nil || height != 0 || width != 0 {
			t.Errorf("%q: %d, %d, %v", text, height, width, err)
		}
	}
}

// pngHeader returns a PNG file that declares a size and ends.
func pngHeader(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = append(binary.BigEndian.AppendUint32(header, height), 8, 2, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(header))
}
