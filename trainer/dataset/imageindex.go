package dataset

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
)

// imagePart is what an image is for.
type imagePart uint8

const (
	trainPart imagePart = iota
	testPart
	validationPart
	partCount
)

// imageParts are the names of folders that hold the classes of a part, in any case.
var imageParts = map[string]imagePart{"train": trainPart, "test": testPart, "val": validationPart, "validation": validationPart, "valid": validationPart}

// imageEndings are those of files that are read, in any case.
var imageEndings = []string{".png", ".jpg", ".jpeg", ".gif"}

// labelledImage is an image by its path.
type labelledImage struct {
	name  string
	part  imagePart
	class uint8
}

// imageIndex says what images there are.
type imageIndex struct {
	images  []labelledImage // in the order of their paths
	places  map[string]int  // of each path among them
	classes []string        // in order, or those of the network to be evaluated
}

// indexImages finds the parts and the classes of images in the paths of files:
// PART/CLASS/FILE or, without parts, CLASS/FILE, both also deeper within a class, and
// all below one folder. Validation samples without test samples are the test part, as in
// ImageNet. Files beside the folders of classes that are no images do not matter.
func indexImages(names []string, o Options) (imageIndex, error) {
	fail := func(format string, args ...any) (imageIndex, error) {
		return imageIndex{}, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
	}
	names = slices.Sorted(slices.Values(names))
	for i, name := range names[:max(len(names)-1, 0)] {
		if name == names[i+1] {
			return fail("%s is there twice", name)
		}
	}
	paths := belowOneFolder(names)
	if !slices.ContainsFunc(paths, func(p filePath) bool { return p.image }) {
		return imageIndex{}, fmt.Errorf("%w: no images (%s) in folders of classes, such as train/cat/1.jpg and test/cat/1.jpg, or cat/1.jpg",
			ErrNotFound, strings.Join(imageEndings, ", "))
	}
	divided := slices.ContainsFunc(paths, func(p filePath) bool { return p.image && p.part() })
	index := imageIndex{places: map[string]int{}, classes: o.ClassNames}
	var classes [partCount]map[string]string // of each part, with an image
	var parts [partCount]string              // the folder of each part
	var folders []string                     // of the class of each image
	for _, p := range paths {
		depth, part := 2, trainPart
		if divided {
			depth, part = 3, imageParts[strings.ToLower(p.folders[0])]
		}
		switch {
		case !p.image && (len(p.folders) < depth || divided && !p.part()):
			continue
		case !p.image:
			return fail("%s lies among the images of a class and is none (%s): take it away", p.name, strings.Join(imageEndings, ", "))
		case divided && !p.below():
			return fail("%s lies beside the folders of parts (%s): take it away, or put it into the folder of a class there", p.name, strings.Join(topFolders(paths), ", "))
		case len(p.folders) < depth:
			return fail("%s is in no folder of a class: put it into one, or take it away", p.name)
		}
		if divided && parts[part] != "" && parts[part] != p.folders[0] {
			return fail("there are a folder %s and a folder %s: leave one of them", parts[part], p.folders[0])
		}
		class := p.folders[depth-2]
		if classes[part] == nil {
			classes[part], parts[part] = map[string]string{}, p.folders[0]
		}
		classes[part][class] = p.name
		index.places[p.name] = len(index.images)
		index.images = append(index.images, labelledImage{name: p.name, part: part})
		folders = append(folders, class)
	}
	if classes[testPart] == nil {
		classes[testPart], parts[testPart] = classes[validationPart], parts[validationPart]
		classes[validationPart] = nil
		for i, image := range index.images {
			if image.part == validationPart {
				index.images[i].part = testPart
			}
		}
	}
	if classes[trainPart] == nil && !o.Evaluate {
		return fail("there is a folder %s and no folder train: nothing is there to train on", parts[testPart])
	}
	all := slices.Compact(slices.Sorted(slices.Values(folders)))
	for part, there := range classes {
		for other, lacking := range classes {
			if there == nil || lacking == nil || o.Evaluate {
				continue
			}
			for _, class := range all {
				if there[class] != "" && lacking[class] == "" {
					return fail("class %q has images in %s, such as %s, and none in %s: add some, or take them away",
						class, parts[part], there[class], parts[other])
				}
			}
		}
	}
	if index.classes == nil {
		index.classes = all
	}
	if len(index.classes) > math.MaxUint8+1 {
		return fail("%d folders of classes; at most %d are read", len(index.classes), math.MaxUint8+1)
	}
	for i, class := range folders {
		place := slices.Index(index.classes, class)
		if place < 0 {
			return imageIndex{}, fmt.Errorf("class %.40q of %s %w: the network knows the classes %s", class, index.images[i].name, ErrOption, someOf(index.classes))
		}
		index.images[i].class = uint8(place)
	}
	return index, nil
}

// filePath is the path of a file, cut at its slashes.
type filePath struct {
	name    string
	folders []string // the file itself is the last; without the one folder that holds all
	image   bool
}

// isImage reports whether a file is one that is read as an image.
func isImage(name string) bool { return slices.Contains(imageEndings, strings.ToLower(path.Ext(name))) }

// below reports whether a path begins with the name of a part.
func (p filePath) below() bool {
	_, found := imageParts[strings.ToLower(p.folders[0])]
	return found && len(p.folders) > 1
}

// part reports whether it begins with the folder of a part and that of a class.
func (p filePath) part() bool { return p.below() && len(p.folders) > 2 }

// belowOneFolder cuts paths, and leaves out the folders that hold all images and are no
// part. Files that are no images may lie elsewhere; they are left out then.
func belowOneFolder(names []string) []filePath {
	var paths []filePath
	for _, name := range names {
		paths = append(paths, filePath{name, strings.Split(name, "/"), isImage(name)})
	}
	for {
		top := ""
		for _, p := range paths {
			if !p.image {
				continue
			}
			if len(p.folders) < 3 || p.part() || top != "" && p.folders[0] != top {
				return paths
			}
			top = p.folders[0]
		}
		if top == "" {
			return paths
		}
		paths = slices.DeleteFunc(paths, func(p filePath) bool { return p.folders[0] != top || len(p.folders) < 2 })
		for i := range paths {
			paths[i].folders = paths[i].folders[1:]
		}
	}
}

// topFolders returns the folders of parts that have classes.
func topFolders(paths []filePath) []string {
	var folders []string
	for _, p := range paths {
		if p.image && p.part() && !slices.Contains(folders, p.folders[0]) {
			folders = append(folders, p.folders[0])
		}
	}
	return folders
}

// ParseImageSize reads the size of an image, such as 48x64: its height and its width, from
// 1 up.
func ParseImageSize(text string) (height, width int, err error) {
	high, wide, _ := strings.Cut(text, "x")
	if height, err = parseWithin(high, 1, maxFeatures); err == nil {
		width, err = parseWithin(wide, 1, maxFeatures)
	}
	if err != nil || colours*height*width > maxFeatures {
		return 0, 0, fmt.Errorf("an image size of %.20q; it must be a height and a width, such as 64x64, with at most %d pixels", text, maxFeatures/colours)
	}
	return height, width, nil
}
