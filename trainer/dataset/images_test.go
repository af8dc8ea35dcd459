package dataset

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nashprune/trainer/memorytest"
)

// smallImages returns the files of two classes of images of 5x3 pixels: two of each to
// train on, one to test.
func smallImages() map[string][]byte {
	files := map[string][]byte{}
	for i, name := range []string{"train/cat/1.png", "train/cat/2.PNG", "train/dog/deep/1.png", "train/dog/2.png", "test/cat/1.png", "test/dog/1.png"} {
		files[name] = pngOf(coloured(5, 3, i))
	}
	return files
}

// with returns files and more of them; those without a content are left out.
func with(files map[string][]byte, more ...any) map[string][]byte {
	for i := 0; i < len(more); i += 2 {
		name := more[i].(string)
		if delete(files, name); more[i+1] != nil {
			files[name] = more[i+1].([]byte)
		}
	}
	return files
}

// entries returns files as tarOf and npz take them, in order.
func entries(prefix string, files map[string][]byte) []any {
	var list []any
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}) {
		list = append(list, prefix+name, files[name])
	}
	return list
}

// writeTree writes files into a new folder and returns its path.
func writeTree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pets")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// written writes a file into a new folder and returns its path.
func written(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// unpacked returns what gzip holds.
func unpacked(t *testing.T, file []byte) []byte {
	t.Helper()
	r, err := inflated(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestImages: the same images are the same data set in a folder and in each archive, also
// below one folder and with what systems and people put beside them.
func TestImages(t *testing.T) {
	junk := with(smallImages(), ".DS_Store", []byte("x"), "train/.DS_Store", []byte("x"), "train/cat/._1.png", []byte("x"), "train/cat/Thumbs.db", []byte("x"),
		"__MACOSX/train/cat/1.png", []byte("x"), ".git/train/x.png", []byte("x"), "README.md", []byte("x"), "train/labels.csv", []byte("x"), "docs/a/b/c.txt", []byte("x"))
	where := map[string]string{
		"folder":             writeTree(t, smallImages()),
		"folder with junk":   writeTree(t, junk),
		"zip":                written(t, "pets.zip", npz(zip.Deflate, entries("", smallImages())...)),
		"zip below a folder": written(t, "pets.zip", npz(zip.Store, entries("all/pets-1.0/", junk)...)),
		"tar":                written(t, "pets.tar", unpacked(t, tarOf(entries("./", smallImages())...))),
		"tar.gz":             written(t, "pets.tar.gz", tarOf(entries("pets/", junk)...)),
		"tgz":                written(t, "pets.tgz", tarOf(entries("", smallImages())...)),
	}
	digest := ""
	for form, path := range where {
		d, err := Open(path, Options{})
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if digest == "" {
			digest = d.Digest
		}
		if d.Name != "images:pets" || !slices.Equal(d.Shape(), []int{3, 3, 5}) || !slices.Equal(d.ClassNames, []string{"cat", "dog"}) || d.Classes != 2 || d.Digest != digest {
			t.Errorf("%s: %q of shape %v, classes %v, digest %s", form, d.Name, d.Shape(), d.ClassNames, d.Digest)
		}
		if d.Train.Len() != 4 || !slices.Equal(d.Test.Labels, []uint8{0, 1}) || !bytes.Equal(d.Test.Pixels, append(planes(coloured(5, 3, 4)), planes(coloured(5, 3, 5))...)) {
			t.Errorf("%s: %d training samples, test labels %v, or other pixels", form, d.Train.Len(), d.Test.Labels)
		}
		checkMoments(t, d)
		checkChannels(t, d)
	}
}

// readSmall reads files without dividing or shuffling them.
func readSmall(t *testing.T, files map[string][]byte, o Options) (*Dataset, error) {
	t.Helper()
	tree, err := openTree(writeTree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	return readImages(tree, o, newBudget(o.MaxBytes))
}

// TestImageOrder: images come in the order of their paths, whatever the order of an archive
// and the number of processors, and are shuffled by the seed before they are trained on.
func TestImageOrder(t *testing.T) {
	var want []uint8
	for _, i := range []int{0, 1, 3, 2} { // train/dog/2.png comes before train/dog/deep
		want = append(want, planes(coloured(5, 3, i))...)
	}
	list := entries("", smallImages())
	slices.Reverse(list)
	for i := 0; i < len(list); i += 2 {
		list[i], list[i+1] = list[i+1], list[i]
	}
	backwards := zipTree{file: bytes.NewReader(npz(zip.Store, list...)), size: int64(len(npz(zip.Store, list...)))}
	for _, processors := range []int{1, 2, 7} {
		previous := runtime.GOMAXPROCS(processors)
		d, err := readImages(backwards, Options{}, newBudget(0))
		runtime.GOMAXPROCS(previous)
		if err != nil || !bytes.Equal(d.Train.Pixels, want) || !slices.Equal(d.Train.Labels, []uint8{0, 0, 1, 1}) {
			t.Errorf("%d processors: labels %v, %v, or other pixels", processors, d.Train.Labels, err)
		}
	}

	many := map[string][]byte{}
	for i := range 40 {
		many[fmt.Sprintf("train/%c/%02d.png", 'a'+i/20, i)] = pngOf(coloured(2, 2, i))
		many[fmt.Sprintf("val/%c/%02d.png", 'a'+i/20, i)] = pngOf(coloured(2, 2, i))
	}
	dir := writeTree(t, many)
	labels := map[uint64][]uint8{}
	for _, seed := range []uint64{1, 2} {
		d, err := Open(dir, Options{Seed: seed, Validation: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		if slices.IsSorted(d.Train.Labels) || slices.Max(d.Validation.Labels) == slices.Min(d.Validation.Labels) || !slices.IsSorted(d.Test.Labels) {
			t.Errorf("seed %d: labels %v, %v and %v", seed, d.Train.Labels, d.Validation.Labels, d.Test.Labels)
		}
		labels[seed] = d.Train.Labels
	}
	if slices.Equal(labels[1], labels[2]) {
		t.Error("two seeds give one order")
	}
}

// TestImagesWithoutParts: a fifth of each class is drawn.
func TestImagesWithoutParts(t *testing.T) {
	files := map[string][]byte{}
	for i := range 10 {
		files[fmt.Sprintf("cat/%d.png", i)], files[fmt.Sprintf("train/%d.png", i)] = pngOf(coloured(2, 2, i)), pngOf(coloured(2, 2, 100+i))
	}
	d, err := Open(writeTree(t, files), Options{}) // a class may be called train
	if err != nil || !slices.Equal(d.ClassNames, []string{"cat", "train"}) || d.Train.Len() != 16 || !slices.Equal(d.Test.Labels, []uint8{0, 0, 1, 1}) {
		t.Errorf("%v, %v", d, err)
	}
	d, err = Open(written(t, "x.zip", npz(zip.Store, entries("pets/", files)...)), Options{TestFraction: 0.5})
	if err != nil || d.Train.Len() != 10 || d.Test.Len() != 10 || d.Classes != 2 {
		t.Errorf("%v, %v", d, err)
	}
}

// TestValidationFolder: beside test samples those of val are the validation part, whatever
// fraction is asked for; the digest covers them.
func TestValidationFolder(t *testing.T) {
	files := func(shade int) string {
		return writeTree(t, with(smallImages(), "val/cat/1.png", pngOf(coloured(5, 3, 7)), "val/dog/1.png", pngOf(coloured(5, 3, shade))))
	}
	dir := files(8)
	digest := ""
	for _, fraction := range []float64{0, 0.5} {
		d, err := Open(dir, Options{Validation: fraction})
		if err != nil {
			t.Fatal(err)
		}
		if d.Train.Len() != 4 || d.Test.Len() != 2 || !slices.Equal(d.Validation.Labels, []uint8{0, 1}) || !bytes.Equal(d.Validation.Pixels[:45], planes(coloured(5, 3, 7))) {
			t.Errorf("%d training, %d test samples, validation labels %v", d.Train.Len(), d.Test.Len(), d.Validation.Labels)
		}
		if noted := len(d.Notes) > 0; noted != (fraction > 0) {
			t.Errorf("notes %q of a fraction of %v", d.Notes, fraction)
		}
		digest = d.Digest
	}
	if d, err := Open(files(9), Options{}); err != nil || d.Digest == digest {
		t.Errorf("%v, or other validation samples have the same digest", err)
	}
}

func TestImageErrors(t *testing.T) {
	good := smallImages()["train/cat/1.png"]
	for _, c := range []struct {
		name   string
		change []any
		target error
		want   string
	}{
		{"a class without test images", []any{"test/dog/1.png", nil}, ErrInvalid, `class "dog" has images in train, such as train/dog/deep/1.png, and none in test`},
		{"a class without training images", []any{"test/cow/1.png", good}, ErrInvalid, `class "cow" has images in test, such as test/cow/1.png, and none in train`},
		{"no training part", []any{"train/cat/1.png", nil, "train/cat/2.PNG", nil, "train/dog/deep/1.png", nil, "train/dog/2.png", nil}, ErrInvalid, "a folder test and no folder train"},
		{"two validation parts", []any{"val/cat/1.png", good, "val/dog/1.png", good, "valid/cat/1.png", good}, ErrInvalid, "there are a folder val and a folder valid: leave one of them"},
		{"a class without validation images", []any{"val/cat/1.png", good}, ErrInvalid, `class "dog" has images in train, such as train/dog/deep/1.png, and none in val`},
		{"text among images", []any{"train/cat/notes.txt", []byte("x")}, ErrInvalid, "train/cat/notes.txt lies among the images of a class and is none (.png, .jpg, .jpeg, .gif): take it away"},
		{"an image in no class", []any{"train/1.png", good}, ErrInvalid, "train/1.png is in no folder of a class"},
		{"an image in no part", []any{"1.png", good}, ErrInvalid, "1.png lies beside the folders of parts (test, train)"},
		{"a class in no part", []any{"more/cat/1.png", good}, ErrInvalid, "more/cat/1.png lies beside the folders of parts (test, train)"},
		{"text", []any{"train/dog/2.png", []byte("text")}, ErrInvalid, "train/dog/2.png: invalid data: not an image that can be read (image: unknown format): replace it, or take it away"},
		{"an image cut short", []any{"train/dog/2.png", good[:len(good)-20]}, ErrInvalid, "train/dog/2.png: invalid data: not an image that can be read"},
		{"an empty image", []any{"test/dog/1.png", []byte{}}, ErrInvalid, "test/dog/1.png: invalid data: not an image"},
		{"another size", []any{"test/dog/1.png", pngOf(coloured(5, 4, 0))}, ErrInvalid, "test/cat/1.png has 3x5 pixels, and test/dog/1.png 4x5"},
		{"one class", []any{"train/dog/deep/1.png", nil, "train/dog/2.png", nil, "test/dog/1.png", nil}, ErrInvalid, "all 2 training samples are of class cat"},
		{"a bomb", []any{"train/cat/3.png", pngHeader(50_000, 50_000)}, ErrInvalid, "train/cat/3.png: invalid data: an image of 50000x50000 pixels; 1 to 67108864 are read"},
		{"more pixels than a network takes", []any{"test/cat/1.png", pngHeader(4000, 4000)}, ErrInvalid, "are more than the 16777216 features that a network takes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := with(smallImages(), c.change...)
			dir := writeTree(t, files)
			_, err := Open(dir, Options{})
			checkError(t, err, c.target, "pets", c.want)
			archive := written(t, "pets.tar", unpacked(t, tarOf(entries("", files)...)))
			_, err = Open(archive, Options{})
			checkError(t, err, c.target, "pets", c.want)
		})
	}
	many := map[string][]byte{}
	for i := range 257 {
		many[fmt.Sprintf("%d/1.png", i)] = good
	}
	for name, c := range map[string]struct {
		path   string
		target error
		want   string
	}{
		"no images":       {writeTree(t, map[string][]byte{"a/notes.txt": nil}), ErrNotFound, "lacks train-images-idx3-ubyte[.gz], "},
		"only images":     {writeTree(t, map[string][]byte{"1.png": good}), ErrInvalid, "1.png is in no folder of a class"},
		"an empty zip":    {written(t, "x.zip", npz(zip.Store)), ErrNotFound, "no images (.png, .jpg, .jpeg, .gif) in folders of classes"},
		"no zip":          {written(t, "x.zip", []byte("text")), ErrInvalid, "the archive is damaged, or no archive"},
		"no tar":          {written(t, "x.tar", bytes.Repeat([]byte("x"), 2048)), ErrInvalid, "the archive is damaged, or no archive"},
		"no gzip":         {written(t, "x.tgz", []byte{0x1f, 0x8b, 1}), ErrInvalid, "gzip header"},
		"a tar cut short": {written(t, "x.tgz", tarOf(entries("", smallImages())...)[:300]), ErrInvalid, "the archive is damaged"},
		"twice":           {written(t, "x.zip", npz(zip.Store, "a/1.png", good, "a/1.png", good)), ErrInvalid, "a/1.png is there twice"},
		"out of a zip":    {written(t, "x.zip", npz(zip.Store, "a/../../b/1.png", good)), ErrInvalid, `"a/../../b/1.png": invalid data: it leads out of the archive`},
		"out of a tar":    {written(t, "x.tgz", tarOf("/etc/1.png", good)), ErrInvalid, `"/etc/1.png": invalid data: it leads out of the archive`},
		"257 classes":     {writeTree(t, many), ErrInvalid, "257 folders of classes; at most 256 are read"},
		"no file":         {"missing.zip", ErrNotFound, "no such file"},
	} {
		_, err := Open(c.path, Options{})
		t.Log(name)
		checkError(t, err, c.target, c.path, c.want)
	}
	_, err := Open(writeTree(t, smallImages()), Options{Regression: true})
	checkError(t, err, ErrOption, "numbers to predict come from CSV and NPZ files")
	_, err = Open(writeTree(t, smallImages()), Options{TestFraction: 0.5})
	checkError(t, err, ErrOption, "it has a test part of its own")
}

// TestImageLinks: links are followed to files within the folder, and nowhere else.
func TestImageLinks(t *testing.T) {
	dir := writeTree(t, smallImages())
	link := func(target, name string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.Symlink(target, path); err != nil {
			t.Skipf("no links: %v", err)
		}
		return path
	}
	link("1.png", "train/cat/3.png")
	if d, err := Open(dir, Options{}); err != nil || d.Train.Len() != 5 {
		t.Fatalf("%v, %v", d, err)
	}
	outside := written(t, "1.png", smallImages()["train/cat/1.png"])
	for target, name := range map[string]string{outside: "train/cat/4.png", "../../../" + filepath.Base(dir): "train/cat/5.png", "cat": "train/cow"} {
		path := link(target, name)
		_, err := Open(dir, Options{})
		checkError(t, err, ErrInvalid, name, "no file but a link")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "a/1.png", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), w.Close()); err != nil {
		t.Fatal(err)
	}
	_, err := Open(written(t, "x.tar", b.Bytes()), Options{})
	checkError(t, err, ErrInvalid, "a/1.png", "no file but a link")
}

// TestImageBudget: what is read and what is held count together, and nothing is decoded
// that would not fit.
func TestImageBudget(t *testing.T) {
	plain := pngOf(image.NewGray(image.Rect(0, 0, 1000, 1000))) // of about a thousand bytes
	files := map[string][]byte{"a/1.png": plain, "b/1.png": plain, "b/2.png": plain}
	if d, err := readSmall(t, files, Options{MaxBytes: 1 << 22}); err != nil || d.Train.Len() != 3 {
		t.Errorf("%v, %v", d, err)
	}
	_, err := readSmall(t, files, Options{MaxBytes: 1 << 21}) // an image alone takes more, decoded
	checkError(t, err, ErrInvalid, "a/1.png", "more than the 2097152 bytes", "--max-data-bytes")
	files["c/1.png"], files["c/2.png"] = plain, plain
	_, err = readSmall(t, files, Options{MaxBytes: 1 << 22})
	checkError(t, err, ErrInvalid, "more than the 4194304 bytes")

	// Most of a bomb of gzip stays packed.
	bomb := tarOf("a/1.png", make([]byte, 1<<23))
	used := memorytest.Allocated(func() { _, err = Open(written(t, "x.tgz", bomb), Options{MaxBytes: 1 << 20}) })
	checkError(t, err, ErrInvalid, "more than the 1048576 bytes")
	if used > 8<<20 {
		t.Errorf("%d bytes are allocated", used)
	}
}

// TestEvaluateImages: classes, size and channels are those of the network.
func TestEvaluateImages(t *testing.T) {
	good := pngOf(coloured(5, 3, 1))
	dir := writeTree(t, map[string][]byte{"test/dog/1.png": good, "test/ape/1.png": pngOf(coloured(7, 7, 1))})
	o := Options{Evaluate: true, Whole: true, ClassNames: []string{"ape", "cat", "dog"}, ImageHeight: 3, ImageWidth: 5, ImageChannels: 3}
	d, err := Open(dir, o)
	if err != nil || d.Train.Len() != 0 || !slices.Equal(d.Test.Labels, []uint8{0, 2}) || d.Classes != 3 || !bytes.Equal(d.Test.Pixels[45:], planes(coloured(5, 3, 1))) {
		t.Errorf("%v, %v", d, err)
	}
	o.ClassNames = []string{"cat", "dog"}
	_, err = Open(dir, o)
	checkError(t, err, ErrOption, `class "ape" of test/ape/1.png`, "the network knows the classes cat, dog")
	if d, err := Open(writeTree(t, map[string][]byte{"dog/1.png": good}), o); err != nil || !slices.Equal(d.Test.Labels, []uint8{1}) {
		t.Errorf("%v, %v", d, err)
	}
}

// TestCIFAR10JPEG reads 60,000 images of an archive that the repository does not hold.
func TestCIFAR10JPEG(t *testing.T) {
	path := filepath.Join(os.Getenv(DirVariable), "cifar10-jpeg75", "cifar10-jpeg75.tar.gz")
	if _, err := os.Stat(path); os.Getenv(DirVariable) == "" || err != nil {
		t.Skipf("%s does not name the folder of cifar10-jpeg75", DirVariable)
	}
	start := time.Now()
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("read in %.1f s", time.Since(start).Seconds())
	if d.Train.Len() != 50000 || d.Test.Len() != 10000 || !slices.Equal(d.Shape(), []int{3, 32, 32}) || strings.Join(d.ClassNames, " ") != "airplane automobile bird cat deer dog frog horse ship truck" {
		t.Errorf("%d and %d samples of shape %v, classes %v", d.Train.Len(), d.Test.Len(), d.Shape(), d.ClassNames)
	}
	// The means and deviations that are in use for CIFAR-10; JPEG moves them a little.
	for c, want := range [][2]float64{{0.4914, 0.2470}, {0.4822, 0.2435}, {0.4465, 0.2616}} {
		if mean, deviation := d.Normalisation(c); math.Abs(mean-want[0]) > 1e-3 || math.Abs(deviation-want[1]) > 1e-3 {
			t.Errorf("channel %d: mean %.4f and deviation %.4f, want %.4f and %.4f", c, mean, deviation, want[0], want[1])
		}
	}
}

// FuzzImageIndex: whatever the paths, each image has a place, a part and a class, or there
// is one error of a line.
func FuzzImageIndex(f *testing.F) {
	f.Add("train/cat/1.png\ntrain/dog/1.png\ntest/cat/1.png\ntest/dog/1.png", false)
	f.Add("x/y/cat/1.jpg\nx/y/dog/2.gif\nREADME", false)
	f.Add("train/1.png\nbus/1.png\nbus/b.txt", true)
	f.Add("a\n\nb/\n//c.png", false)
	f.Fuzz(func(t *testing.T, text string, evaluate bool) {
		names := strings.Split(text, "\n")
		index, err := indexImages(names, Options{Evaluate: evaluate})
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) || strings.Contains(err.Error(), "\n") {
				t.Errorf("untyped error %v, or of several lines", err)
			}
			return
		}
		for i, image := range index.images {
			if index.places[image.name] != i || !slices.Contains(names, image.name) || int(image.class) >= len(index.classes) ||
				!strings.Contains("/"+image.name, "/"+index.classes[image.class]+"/") {
				t.Errorf("image %d of %v", i, index)
			}
		}
		if !slices.IsSorted(index.classes) || len(index.places) != len(index.images) || len(index.images) == 0 {
			t.Errorf("index %v", index)
		}
	})
}

// FuzzImages: any archive is read within its budget, or refused with an error of a line.
func FuzzImages(f *testing.F) {
	f.Add(npz(zip.Deflate, entries("", smallImages())...))
	f.Add(tarOf(entries("pets/", smallImages())...))
	f.Add(tarOf("a/1.png", pngHeader(3000, 3000)))
	f.Add(npz(zip.Store, "a/1.jpg", encoded(func(w io.Writer) error { return jpeg.Encode(w, coloured(9, 7, 1), nil) })))
	f.Add(zipped([]byte("text")))
	f.Fuzz(func(t *testing.T, file []byte) {
		const most = 1 << 20
		for _, files := range []tree{zipTree{file: bytes.NewReader(file), size: int64(len(file))}, tarTree{file: bytes.NewReader(file)}} {
			var d *Dataset
			var err error
			// An image is decoded by way of its format, and may be held as four bytes a
			// pixel twice; the headers of archives become strings and maps.
			memorytest.Within(t, memorytest.Bound{PerByte: 64, Constant: 64 * most}, func() int {
				d, err = readImages(files, Options{Evaluate: true}, newBudget(most))
				return len(file)
			})
			if err != nil {
				if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotFound) {
					t.Errorf("untyped error %v", err)
				}
				continue
			}
			checkSamples(t, d)
			if d.Train.Len()+d.Test.Len() == 0 {
				t.Error("no samples")
			}
		}
	})
}
