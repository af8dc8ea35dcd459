package dataset

// mostChannels is how many channels an axis may have to be taken for that of channels:
// grey, red, green and blue, or these with an alpha channel.
const mostChannels = 4

// layout says where the pixels of an image lie in an array of bytes.
type layout struct {
	channels, height, width int  // as in [Dataset]
	interleaved             bool // the channels of a pixel lie side by side
}

// layoutOf returns the layout of samples of one to three axes. Of three axes, that of
// channels is the first or the last one, whichever has at most mostChannels entries;
// where both or neither has, samples are rows of features.
func layoutOf(sizes []int) layout {
	features := 1
	for _, size := range sizes {
		features *= size
	}
	if len(sizes) == 2 {
		return layout{channels: 1, height: sizes[0], width: sizes[1]}
	}
	if len(sizes) == 3 {
		switch first, last := sizes[0] <= mostChannels, sizes[2] <= mostChannels; {
		case first && !last:
			return layout{channels: sizes[0], height: sizes[1], width: sizes[2]}
		case last && !first:
			return layout{channels: sizes[2], height: sizes[0], width: sizes[1], interleaved: true}
		}
	}
	return layout{height: 1, width: features}
}

// separate puts the channels of interleaved images one after the other, in place.
func (l layout) separate(pixels []uint8) {
	if !l.interleaved || l.channels == 1 {
		return
	}
	plane := l.height * l.width
	image := make([]uint8, l.channels*plane)
	for ; len(pixels) > 0; pixels = pixels[len(image):] {
		copy(image, pixels)
		for i, value := range image {
			pixels[i%l.channels*plane+i/l.channels] = value
		}
	}
}
