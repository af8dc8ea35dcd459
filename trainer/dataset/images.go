package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that are read
	_ "image/jpeg"
	_ "image/png"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/image/draw"
)

// mostImagePixels bounds one image, 8192 by 8192: it is decoded into four bytes a pixel,
// and each processor decodes one at a time.
const mostImagePixels = 1 << 26

// colours is how many channels an image has that is not grey.
const colours = 3

// openImages reads a folder or an archive of images, whose classes are folders.
func openImages(path string, o Options, limit *budget) (*Dataset, error) {
	absolute, err := filepath.Abs(path) // whose last element is a name even where the path is "."
	if err != nil {
		return nil, fmt.Errorf("naming the data set: %w", err)
	}
	files, err := openTree(path)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	d, err := readImages(files, o, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.Name = "images:" + stem(absolute)
	return d, nil
}

// readImages reads what openImages reads, in two passes: what there is, and the images.
// The name is left open.
func readImages(files tree, o Options, limit *budget) (*Dataset, error) {
	var names []string
	err := files.each(newBudget(limit.most), func(name string, _ opener) error {
		names = append(names, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	index, err := indexImages(names, o)
	if err != nil {
		return nil, err
	}
	p, err := decodeImages(files, index, o, limit)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Channels: p.channels, Height: p.height, Width: p.width, Classes: len(index.classes), ClassNames: index.classes, folders: true}
	d.Train, d.Test = p.samples(index.images, trainPart), p.samples(index.images, testPart)
	d.Validation = p.samples(index.images, validationPart)
	return d, nil
}

// pictures are decoded images, all of a size.
type pictures struct {
	channels, height, width int
	pixels                  [][]uint8 // of each image, its channels one after the other: one where it is grey, else three
}

// samples returns those images of a part, which they are then no more part of.
func (p *pictures) samples(images []labelledImage, part imagePart) Samples {
	n := 0
	for _, image := range images {
		if image.part == part {
			n++
		}
	}
	s := Samples{Features: p.channels * p.height * p.width}
	s.Pixels, s.Labels = make([]uint8, 0, n*s.Features), make([]uint8, 0, n)
	for i, image := range images {
		if image.part != part {
			continue
		}
		s.Labels = append(s.Labels, image.class)
		for range s.Features / len(p.pixels[i]) { // a grey image among coloured ones has three equal channels
			s.Pixels = append(s.Pixels, p.pixels[i]...)
		}
		p.pixels[i] = nil
	}
	return s
}

// errStopped ends the reading of files once one could not be decoded.
var errStopped = errors.New("stopped")

// decodeImages decodes the images of an index on all processors. The error is about the
// first image in the order of the files.
func decodeImages(files tree, index imageIndex, o Options, limit *budget) (*pictures, error) {
	type job struct {
		place   int // in the index
		size    image.Point
		encoded []byte
	}
	p := &pictures{height: o.ImageHeight, width: o.ImageWidth, pixels: make([][]uint8, len(index.images))}
	problems := make([]error, len(index.images))
	jobs, failed := make(chan job), make(chan struct{})
	var once sync.Once
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				p.pixels[j.place], problems[j.place] = decodeImage(j.encoded, j.size, image.Pt(p.width, p.height))
				if problems[j.place] != nil {
					once.Do(func() { close(failed) })
				}
			}
		})
	}
	var order []int  // of the places that workers have had
	var first string // the image that says how large all are
	err := files.each(limit, func(name string, open opener) error {
		place, found := index.places[name]
		if !found {
			return nil
		}
		encoded, err := readAll(open)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		size, channels, err := imageSize(encoded, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch {
		case p.height == 0: // and no worker is at work yet
			if p.height, p.width, first = size.Y, size.X, name; colours*size.X*size.Y > maxFeatures {
				return fmt.Errorf("%s: %w: %dx%d pixels in %d channels are more than the %d features that a network takes; choose a smaller --image-size HxW",
					name, ErrInvalid, size.Y, size.X, colours, maxFeatures)
			}
		case first != "" && (size.Y != p.height || size.X != p.width):
			return fmt.Errorf("%w: %s has %dx%d pixels, and %s %dx%d: bring all to one size with --image-size HxW, such as 64x64",
				ErrInvalid, first, p.height, p.width, name, size.Y, size.X)
		}
		if err := limit.take(channels * p.height * p.width); err != nil {
			return err
		}
		select {
		case jobs <- job{place, size, encoded}:
			order = append(order, place)
			return nil
		case <-failed:
			return errStopped
		}
	})
	close(jobs)
	workers.Wait()
	for _, place := range order {
		if problems[place] != nil {
			return nil, fmt.Errorf("%s: %w", index.images[place].name, problems[place])
		}
	}
	if err != nil {
		return nil, err
	}
	p.channels = max(o.ImageChannels, 1)
	for _, pixels := range p.pixels {
		p.channels = max(p.channels, len(pixels)/(p.height*p.width))
	}
	return p, nil
}

// readAll reads a whole file.
func readAll(open opener) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, archiveError(err)
	}
	return content, nil
}

// imageSize returns the size of an image and how many channels it is held in, before it
// is decoded.
func imageSize(encoded []byte, limit *budget) (size image.Point, channels int, err error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(encoded))
	if err != nil {
		return size, 0, notAnImage(err)
	}
	size, channels = image.Pt(config.Width, config.Height), colours
	if size.X < 1 || size.Y < 1 || uint64(size.X)*uint64(size.Y) > mostImagePixels {
		return size, 0, fmt.Errorf("%w: an image of %dx%d pixels; 1 to %d are read", ErrInvalid, size.Y, size.X, mostImagePixels)
	}
	if config.ColorModel == color.GrayModel || config.ColorModel == color.Gray16Model {
		channels = 1
	}
	const decoded = 4 // bytes a pixel
	_, err = limit.declared(uint64(size.X*size.Y), decoded)
	return size, channels, err
}

func notAnImage(err error) error {
	return fmt.Errorf("%w: not an image that can be read (%w): replace it, or take it away", ErrInvalid, err)
}

// decodeImage returns the pixels of an image of a size, brought to another one if that
// differs: one channel if it is grey, else red, green and blue. What is transparent lies
// on black.
func decodeImage(encoded []byte, size, wanted image.Point) ([]uint8, error) {
	decoded, _, err := image.Decode(bytes.NewReader(encoded))
	if err != nil {
		return nil, notAnImage(err)
	}
	canvas := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(canvas, decoded.Bounds(), decoded, decoded.Bounds().Min, draw.Src) // the frame of a GIF may be smaller
	if size != wanted {
		scaled := image.NewRGBA(image.Rectangle{Max: wanted})
		draw.CatmullRom.Scale(scaled, scaled.Bounds(), canvas, canvas.Bounds(), draw.Src, nil)
		canvas = scaled
	}
	plane := wanted.X * wanted.Y
	pixels := make([]uint8, colours*plane)
	grey := true
	for i := range plane {
		red, green, blue := canvas.Pix[4*i], canvas.Pix[4*i+1], canvas.Pix[4*i+2]
		grey = grey && red == green && green == blue
		pixels[i], pixels[plane+i], pixels[2*plane+i] = red, green, blue
	}
	if grey {
		return slices.Clone(pixels[:plane]), nil
	}
	return pixels, nil
}
