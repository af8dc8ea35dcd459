package dataset

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"nashprune/trainer/memorytest"
)

// npy returns an NPY file of a version with a header and data that need not fit
// each other.
func npy(major byte, header string, data []byte) []byte {
	file := append([]byte(npyMagic), major, 0)
	if major == 1 {
		file = binary.LittleEndian.AppendUint16(file, uint16(len(header)))
	} else {
		file = binary.LittleEndian.AppendUint32(file, uint32(len(header)))
	}
	return append(append(file, header...), data...)
}

// arrayOf returns an NPY file of a type, a shape and numbers of that type.
func arrayOf(descr string, shape []int, numbers any) []byte {
	order := binary.ByteOrder(binary.LittleEndian)
	if descr[0] == '>' {
		order = binary.BigEndian
	}
	var data bytes.Buffer
	if err := binary.Write(&data, order, numbers); err != nil {
		panic(err) // only numbers of fixed size are given
	}
	return npy(1, header(descr, "False", shape), data.Bytes())
}

func header(descr, fortran string, shape []int) string {
	sizes := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }   \n", descr, fortran, sizes)
}

// npz returns an NPZ file of entries, each a name and its content in turn.
func npz(method uint16, entries ...any) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: entries[i].(string), Method: method})
		if err == nil {
			_, err = entry.Write(entries[i+1].([]byte))
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestDecodeNPYOfEveryType(t *testing.T) {
	for _, c := range []struct {
		descr   string
		numbers any
		want    []float64
	}{
		{"|i1", []int8{-128, 0, 127}, []float64{-128, 0, 127}},
		{"<i2", []int16{-32768, 0, 32767}, []float64{-32768, 0, 32767}},
		{">i2", []int16{-32768, 0, 259}, []float64{-32768, 0, 259}},
		{"<u2", []uint16{65535, 0, 258}, []float64{65535, 0, 258}},
		{"<i4", []int32{math.MinInt32, 1, 65537}, []float64{math.MinInt32, 1, 65537}},
		{">u4", []uint32{math.MaxUint32, 1, 65537}, []float64{math.MaxUint32, 1, 65537}},
		{"<i8", []int64{-1 << 52, 1, 1 << 40}, []float64{-1 << 52, 1, 1 << 40}},
		{">u8", []uint64{1 << 63, 1, 1 << 40}, []float64{1 << 63, 1, 1 << 40}},
		{"<f4", []float32{-0.1, 1, math.MaxFloat32}, []float64{float64(float32(-0.1)), 1, math.MaxFloat32}},
		{">f8", []float64{-0.1, 1, 1e300}, []float64{-0.1, 1, 1e300}},
		{"|b1", []bool{true, false, true}, []float64{1, 0, 1}},
		// 1.5, the largest and the least number above zero of binary16
		{"<f2", []uint16{0x3e00, 0x7bff, 0x0001}, []float64{1.5, 65504, 0x1p-24}},
		{">f2", []uint16{0xbe00, 0x7c00, 0x8000}, []float64{-1.5, math.Inf(1), 0}},
	} {
		a, err := decodeNPY(iotest.OneByteReader(bytes.NewReader(arrayOf(c.descr, []int{3}, c.numbers))), newBudget(0))
		if err != nil || !slices.Equal(a.floats, c.want) || a.bytes != nil || !slices.Equal(a.shape, []int{3}) {
			t.Errorf("%s: %v, %v, want %v", c.descr, a, err, c.want)
		}
	}
}

// TestDecodeStrings: of both types and orders, padded with zeros.
func TestDecodeStrings(t *testing.T) {
	wide := func(order binary.AppendByteOrder, words ...string) (data []byte) {
		for _, word := range words {
			for _, r := range word {
				data = order.AppendUint32(data, uint32(r))
			}
		}
		return data
	}
	for descr, data := range map[string][]byte{
		"<U3": wide(binary.LittleEndian, "cat", "dä\x00", "cat"),
		">U3": wide(binary.BigEndian, "cat", "dä\x00", "cat"),
		"|S3": []byte("catdäcat"),
	} {
		a, err := decodeNPY(iotest.OneByteReader(bytes.NewReader(npy(1, header(descr, "False", []int{3}), data))), newBudget(0))
		if err != nil || !slices.Equal(a.words, []string{"cat", "dä", "cat"}) {
			t.Errorf("%s: %q, %v", descr, a.words, err)
		}
	}
}

// TestLabelsOfArrays: whatever whole numbers, words or rows they are, classes are numbered in
// order, and named where their names are others.
func TestLabelsOfArrays(t *testing.T) {
	x := func(n int) []byte {
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i)
		}
		return arrayOf("<f4", []int{n, 1}, values)
	}
	for name, c := range map[string]struct {
		train, test []byte
		names       []string // nil: numbered
		classes     int
		want        []uint8 // of the training samples
	}{
		"numbered":    {arrayOf("<i8", []int{4}, []int64{2, 0, 1, 2}), arrayOf("<i8", []int{2}, []int64{0, 1}), nil, 3, []uint8{2, 0, 1, 2}},
		"plus minus":  {arrayOf("<i8", []int{4}, []int64{-1, 1, 1, -1}), arrayOf("<i8", []int{2}, []int64{1, -1}), []string{"-1", "1"}, 2, []uint8{0, 1, 1, 0}},
		"gaps":        {arrayOf("|u1", []int{4}, []uint8{7, 3, 3, 7}), arrayOf("|u1", []int{2}, []uint8{7, 3}), []string{"3", "7"}, 2, []uint8{1, 0, 0, 1}},
		"large":       {arrayOf("<i8", []int{4}, []int64{1000, 5, 5, 1000}), arrayOf("<i8", []int{2}, []int64{5, 5}), []string{"5", "1000"}, 2, []uint8{1, 0, 0, 1}},
		"half floats": {arrayOf("<f2", []int{4}, []uint16{0, 0x3c00, 0x3c00, 0}), arrayOf("<f2", []int{2}, []uint16{0, 0x3c00}), nil, 2, []uint8{0, 1, 1, 0}},
		"truth":       {arrayOf("|b1", []int{4}, []bool{true, false, true, true}), arrayOf("|b1", []int{2}, []bool{true, false}), nil, 2, []uint8{1, 0, 1, 1}},
		"one-hot":     {arrayOf("|u1", []int{4, 3}, []uint8{0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0}), arrayOf("|u1", []int{2, 3}, []uint8{1, 0, 0, 0, 0, 1}), nil, 3, []uint8{2, 0, 1, 0}},
		"words":       {npy(1, header("|S3", "False", []int{4}), []byte("dogcatdogant")), npy(1, header("|S3", "False", []int{2}), []byte("catdog")), []string{"ant", "cat", "dog"}, 3, []uint8{2, 1, 2, 0}},
	} {
		d, err := openedNPZ(t, npz(zip.Store, "x_train.npy", x(4), "y_train.npy", c.train, "x_test.npy", x(2), "y_test.npy", c.test), Options{})
		if err != nil || !slices.Equal(d.ClassNames, c.names) || d.Classes != c.classes || !slices.Equal(d.Train.Labels, c.want) {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		// Evaluated by the names of a network, the same labels are the same classes.
		names := d.ClassNames
		for class := len(names); class < d.Classes; class++ {
			names = append(names, fmt.Sprint(class))
		}
		again, err := openedNPZ(t, npz(zip.Store, "x_train.npy", x(2), "y_train.npy", c.test),
			Options{Evaluate: true, Whole: true, ClassNames: names, Standard: d.Standard})
		if err != nil || !slices.Equal(again.Test.Labels, d.Test.Labels) || again.Classes > d.Classes {
			t.Errorf("%s, evaluated: %+v, %v", name, again, err)
		}
	}
	_, err := openedNPZ(t, npz(zip.Store, "x_train.npy", x(2), "y_train.npy", arrayOf("<i8", []int{2}, []int64{3, 4})),
		Options{Evaluate: true, Whole: true, ClassNames: []string{"3", "7"}, Standard: &Standard{Means: []float64{0}, Deviations: []float64{1}}})
	checkError(t, err, ErrOption, `y_train[1]: the network does not know the class "4"`)
}

// TestNamesOfArrays: files of several programs are read, and the likeliest names go first.
func TestNamesOfArrays(t *testing.T) {
	x, y := arrayOf("<f4", []int{4, 1}, []float32{1, 2, 3, 4}), arrayOf("|u1", []int{4}, []uint8{0, 1, 1, 0})
	u, v := arrayOf("<f4", []int{2, 1}, []float32{7, 8}), arrayOf("|u1", []int{2}, []uint8{1, 0})
	for _, names := range [][4]string{
		{"x_train", "y_train", "x_test", "y_test"}, {"X_train", "y_train", "X_test", "y_test"},
		{"train_images", "train_labels", "test_images", "test_labels"}, {"trainX", "trainY", "testX", "testY"},
	} {
		d, err := openedNPZ(t, npz(zip.Store, names[0]+".npy", x, names[1]+".npy", y, names[2]+".npy", u, names[3]+".npy", v, "val_images.npy", u), Options{})
		if err != nil || d.Train.Len() != 4 || d.Test.Len() != 2 {
			t.Errorf("%v: %+v, %v", names, d, err)
		}
	}
	d, err := openedNPZ(t, npz(zip.Store, "data.npy", u, "X.npy", x, "target.npy", v, "y.npy", y), Options{Seed: 1})
	if err != nil || d.Train.Len()+d.Test.Len() != 4 {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = openedNPZ(t, npz(zip.Store, "X_train.npy", x, "x_train.npy", x, "y.npy", y), Options{})
	checkError(t, err, ErrInvalid, "x_train twice")
}

func TestDecodeNPYLargerThanTheFirstRead(t *testing.T) {
	numbers := make([]float32, firstRead+13)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	a, err := decodeNPY(bytes.NewReader(arrayOf("<f4", []int{len(numbers)}, numbers)), newBudget(0))
	if err != nil || len(a.floats) != len(numbers) || a.floats[firstRead+12] != firstRead+12 {
		t.Errorf("%d numbers, %v", len(a.floats), err)
	}
}

func TestNPYHeaders(t *testing.T) {
	for name, text := range map[string]string{
		"numpy's":        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }        \n",
		"other order":    "{'shape': (2, 3), 'descr': '|u1', 'fortran_order': False}",
		"double quotes":  `{"descr": "|u1", "fortran_order": False, "shape": (2,3,)}`,
		"without spaces": "{'descr':'|u1','fortran_order':False,'shape':(2,3)}",
	} {
		for _, major := range []byte{1, 2} {
			a, err := decodeNPY(bytes.NewReader(npy(major, text, []byte("abcdef"))), newBudget(0))
			if err != nil || string(a.bytes) != "abcdef" || !slices.Equal(a.shape, []int{2, 3}) {
				t.Errorf("%s, version %d: %v, %v", name, major, a, err)
			}
		}
	}
}

// An array whose first dimension runs fastest is the same array.
func TestFortranOrder(t *testing.T) {
	a, err := decodeNPY(bytes.NewReader(npy(1, header("|u1", "True", []int{2, 3}), []byte("adbecf"))), newBudget(0))
	if err != nil || string(a.bytes) != "abcdef" {
		t.Errorf("%q, %v", a.bytes, err)
	}
	cube := make([]float64, 3*4*5)
	for i := range 3 {
		for j := range 4 {
			for k := range 5 {
				cube[i+3*(j+4*k)] = float64(100*i + 10*j + k)
			}
		}
	}
	ordered := lastFastest(cube, []int{3, 4, 5})
	if !slices.IsSorted(ordered) || ordered[59] != 234 {
		t.Errorf("got %v", ordered)
	}
}

func TestNPYErrors(t *testing.T) {
	good := arrayOf("<f4", []int{2, 2}, []float32{1, 2, 3, 4})
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "truncated: the file ends within its header"},
		{"text", []byte("some text that is no array"), "not an NPY file"},
		{"version 3", changed(good, 6, 3), "NPY version 3.0"},
		{"version 1.1", changed(good, 7, 1), "NPY version 1.1"},
		{"header cut", good[:40], "within its header"},
		{"data cut", good[:len(good)-1], "within its 16 bytes of data"},
		{"trailing", append(bytes.Clone(good), 0), "bytes follow the 16"},
		{"huge header", npy(2, strings.Repeat(" ", maxNPYHeader+1), nil), "an NPY header of 65537 bytes"},
		{"complex numbers", npy(1, header("<c8", "False", []int{1}), nil), `elements of type "<c8"`},
		{"long strings", npy(1, header("<U257", "False", []int{1}), nil), `elements of type "<U257"`},
		{"strings of no length", npy(1, header("<U0", "False", []int{1}), nil), `elements of type "<U0"`},
		{"a type of one letter", npy(1, header("<", "False", []int{1}), nil), `elements of type "<"`},
		{"strings cut", npy(1, header("|S3", "False", []int{2}), []byte("abcd")), "within its 6 bytes of data"},
		{"objects", npy(1, header("|O", "False", []int{1}), nil), `elements of type "|O"`},
		{"records", npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", nil), "want a string"},
		{"2^60 elements", npy(1, header("<f8", "False", []int{1 << 30, 1 << 30}), nil), "more than the 4294967296 bytes"},
		{"beyond 64 bits", npy(1, header("|u1", "False", []int{1 << 40, 1 << 40, 1 << 40}), nil), "more than the 4294967296 bytes"},
		{"a dimension of 2^60", npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }", nil), "a dimension of 1152921504606846976"},
		{"a dimension of 0", npy(1, header("<f4", "False", []int{0, 3}), nil), "a dimension of 0"},
		{"negative", npy(1, header("<f4", "False", []int{-1}), nil), "a shape with"},
		{"scalar", npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", nil), "without dimensions"},
		{"key twice", npy(1, "{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", nil), "comes twice"},
		{"key missing", npy(1, "{'descr': '<f4', 'shape': (1,), }", nil), "want the keys"},
		{"key unknown", npy(1, "{'descr': '<f4', 'other': 1}", nil), "unknown key"},
		{"truth", npy(1, "{'descr': '<f4', 'fortran_order': Maybe}", nil), `want "False"`},
		{"no dictionary", npy(1, "[1, 2]", nil), `want "{"`},
		{"open end", npy(1, "{'descr': '<f4'", nil), `want "}"`},
		{"more behind", npy(1, header("<f4", "False", []int{1})+"x", nil), "follows the dictionary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decodeNPY(bytes.NewReader(c.file), newBudget(0))
			checkError(t, err, ErrInvalid, c.want)
		})
	}
}

// smallNPZ returns the arrays of 4 training and 2 test samples of 3 floats.
func smallNPZ() []any {
	return []any{
		"x_train.npy", arrayOf("<f4", []int{4, 3}, []float32{1, 5, 0, 2, 5, 10, 3, 5, 20, 4, 5, 30}),
		"y_train.npy", arrayOf("<i8", []int{4, 1}, []int64{0, 1, 0, 1}),
		"x_test.npy", arrayOf(">f8", []int{2, 3}, []float64{1, 5, 0, 2, 7, 10}),
		"y_test.npy", arrayOf("|u1", []int{2}, []uint8{2, 0}),
	}
}

func openedNPZ(t *testing.T, file []byte, o Options) (*Dataset, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.npz")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(path, o)
}

func TestOpenNPZ(t *testing.T) {
	for name, method := range map[string]uint16{"stored": zip.Store, "deflated": zip.Deflate} {
		d, err := openedNPZ(t, npz(method, smallNPZ()...), Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.Name != "npz:small" || d.Height != 1 || d.Width != 3 || d.Classes != 3 || d.Mean != 0 || d.Deviation != 1 {
			t.Errorf("%s: %+v", name, d)
		}
		deviation := math.Sqrt(1.25) // of 1, 2, 3, 4
		if !slices.Equal(d.Standard.Means, []float64{2.5, 5, 15}) || math.Abs(d.Standard.Deviations[0]-deviation) > 1e-15 ||
			d.Standard.Deviations[1] != 1 || math.Abs(d.Standard.Deviations[2]-10*deviation) > 1e-14 {
			t.Errorf("%s: standardised by %v", name, d.Standard)
		}
		want := []float32{float32(-1.5 / deviation), 0, float32(-1.5 / deviation), float32(-0.5 / deviation), 2, float32(-0.5 / deviation)}
		for i, x := range d.Test.Values {
			if math.Abs(float64(x-want[i])) > 1e-7 {
				t.Errorf("%s: test values %v, want %v", name, d.Test.Values, want)
				break
			}
		}
		if !slices.Equal(d.Train.Labels, []uint8{0, 1, 0, 1}) || !slices.Equal(d.Test.Labels, []uint8{2, 0}) {
			t.Errorf("%s: labels %v and %v", name, d.Train.Labels, d.Test.Labels)
		}
	}
}

func TestOpenNPZOfBytes(t *testing.T) {
	pixels := make([]uint8, 4*2*3*3)
	for i := range pixels {
		pixels[i] = uint8(i)
	}
	labels := arrayOf("|u1", []int{4}, []uint8{0, 1, 0, 1})
	for _, c := range []struct {
		shape         []int
		height, width int
	}{{[]int{4, 18}, 1, 18}, {[]int{4, 6, 3}, 6, 3}, {[]int{4, 2, 3, 3}, 1, 18}} {
		x := arrayOf("|u1", c.shape, pixels)
		d, err := openedNPZ(t, npz(zip.Deflate, "x_train.npy", x, "y_train.npy", labels, "x_test.npy", x, "y_test.npy", labels), Options{})
		if err != nil || d.Height != c.height || d.Width != c.width || !bytes.Equal(d.Train.Pixels, pixels) || d.Standard != nil {
			t.Errorf("%v: %+v, %v", c.shape, d, err)
			continue
		}
		checkMoments(t, d)
	}
}

func TestNPZErrors(t *testing.T) {
	with := func(name string, file []byte) []byte {
		entries := smallNPZ()
		entries[slices.Index(entries, any(name+".npy"))+1] = file
		return npz(zip.Store, entries...)
	}
	good := npz(zip.Store, smallNPZ()...)
	flipped := bytes.Clone(good)
	flipped[bytes.Index(good, []byte("(4, 3,)"))+20] ^= 1
	encrypted := bytes.Clone(good)
	encrypted[bytes.Index(good, []byte("PK\x01\x02"))+8] |= 1
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "not an NPZ file"},
		{"text", []byte("a text"), "not an NPZ file"},
		{"cut", good[:len(good)-10], "not an NPZ file"},
		{"a bit", flipped, "the archive is corrupt"},
		{"encrypted", encrypted, "encrypted"},
		{"nothing inside", npz(zip.Store), "lacks x_train; it holds nothing"},
		{"no labels", npz(zip.Store, smallNPZ()[:2]...), `lacks y_train; it holds "x_train.npy"`},
		{"no test labels", npz(zip.Store, smallNPZ()[:6]...), "lacks y_test"},
		{"twice", npz(zip.Store, append(smallNPZ(), smallNPZ()...)...), "holds x_train twice"},
		{"path of another folder", npz(zip.Store, "../x_train.npy", []byte("x")), `lacks x_train; it holds "../x_train.npy"`},
		{"one dimension", with("x_train", arrayOf("<f4", []int{4}, make([]float32, 4))), "x_train has shape [4]"},
		{"five dimensions", with("x_train", arrayOf("<f4", []int{4, 1, 1, 1, 1}, make([]float32, 4))), "x_train has shape [4 1 1 1 1]"},
		{"rows without a one", with("y_train", arrayOf("|u1", []int{4, 2}, make([]uint8, 8))), "y_train[0]: no 1 in the row"},
		{"rows of two ones", with("y_train", arrayOf("|u1", []int{4, 2}, []uint8{1, 0, 1, 1, 0, 1, 1, 0})), "y_train[1]: 1 in column 1; a row of labels has a single 1"},
		{"rows of numbers", with("y_train", arrayOf("<f4", []int{4, 2}, []float32{0.5, 1, 0, 1, 0, 1, 0, 1})), "0.5 in column 0; a row of labels has a single 1 and zeros; to predict the numbers of a row, add --task regression"},
		{"labels in three dimensions", with("y_train", arrayOf("|u1", []int{4, 1, 1}, make([]uint8, 4))), "y_train has shape [4 1 1]"},
		{"fractions", with("y_train", arrayOf("<f4", []int{4}, []float32{0, 1, 0.5, 0})), "y_train[2]: 0.5 is a fraction, so the labels look like numbers to predict: predict them with --task regression"},
		{"no label", with("y_train", arrayOf("<f4", []int{4}, []float32{0, 1, float32(math.NaN()), 0})), "y_train[2] is NaN: the label is missing"},
		{"missing words", with("y_train", npy(1, header("|S2", "False", []int{4}), []byte("a\x00NAb\x00a\x00"))), `y_train[1]: the label "NA" says that it is missing`},
		{"features in words", with("x_train", npy(1, header("|S1", "False", []int{4, 3}), make([]byte, 12))), "x_train holds strings"},
		{"large whole labels", with("y_train", arrayOf("<i8", []int{4}, []int64{5, 5, 1<<53 + 1, 1 << 53})), "y_train[2] is about 9007199254740992; whole numbers from 2^53 on are rounded: save the labels as words, by astype(str)"},
		{"257 labels", npz(zip.Store, "x.npy", arrayOf("<f4", []int{257, 1}, make([]float32, 257)), "y.npy", arrayOf("<i2", []int{257}, upTo(257))),
			`y[256]: "256" is one label more than 256; are they numbers to predict? --task regression does that`},
		{"other lengths", with("y_train", arrayOf("|u1", []int{3}, make([]uint8, 3))), "holds 4 samples, but y_train 3 labels"},
		{"other widths", with("x_test", arrayOf("<f4", []int{2, 2}, make([]float32, 4))), "[3] and x_test of [2]"},
		{"bytes and floats", with("x_test", arrayOf("|u1", []int{2, 3}, make([]uint8, 6))), "or one has bytes"},
		{"NaN", with("x_train", arrayOf("<f4", []int{4, 3}, append(make([]float32, 11), float32(math.NaN())))), "x_train, sample 3, feature 2: invalid data: NaN"},
		{"infinite", with("x_test", arrayOf("<f8", []int{2, 3}, append(make([]float64, 4), math.Inf(-1), 0))), "x_test, sample 1, feature 1: invalid data: -Inf"},
		{"beyond float32", with("x_test", arrayOf("<f8", []int{2, 3}, append(make([]float64, 5), 1e39))), "1e+39 is more than float32 holds"},
		{"constant", with("x_train", arrayOf("<f4", []int{4, 3}, make([]float32, 12))), "every feature is the same"},
		{"one class", with("y_train", arrayOf("|u1", []int{4}, make([]uint8, 4))), "all 4 training samples are of class 0"},
		{"far from the others", with("x_train", arrayOf("<f8", []int{4, 3}, []float64{1e-300, 1, 1, 2e-300, 1, 1, 3e-300, 1, 1, 1e-300, 1, 1})), "too far from the mean"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openedNPZ(t, c.file, Options{})
			checkError(t, err, ErrInvalid, "small", c.want)
		})
	}
}

// A bomb is given up as soon as it exceeds what may be read.
func TestBombs(t *testing.T) {
	zeros := arrayOf("|u1", []int{1 << 22, 2}, make([]uint8, 1<<23))
	file := npz(zip.Deflate, "x_train.npy", zeros, "y_train.npy", zeros)
	var err error
	used := memorytest.Allocated(func() { _, err = openedNPZ(t, file, Options{MaxBytes: 1 << 20}) })
	checkError(t, err, ErrInvalid, "more than the 1048576 bytes", "--max-data-bytes")
	if used > 4<<20 {
		t.Errorf("%d bytes are allocated", used)
	}
	// The header is small, and what follows it is not.
	small := npy(1, header("|u1", "False", []int{3}), make([]byte, 1<<23))
	_, err = openedNPZ(t, npz(zip.Deflate, "x_train.npy", small, "y_train.npy", small), Options{MaxBytes: 1 << 20})
	checkError(t, err, ErrInvalid, "bytes follow")

	// The parts count together.
	half := arrayOf("|u1", []int{600_000}, make([]uint8, 600_000))
	_, err = openedNPZ(t, npz(zip.Deflate, "x_train.npy", half, "y_train.npy", half), Options{MaxBytes: 1 << 20})
	checkError(t, err, ErrInvalid, "more than the 1048576 bytes")
	if _, err := openedNPZ(t, npz(zip.Store, smallNPZ()...), Options{MaxBytes: 1 << 20}); err != nil {
		t.Error(err)
	}
}

func TestOpenNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.npz"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"missing.csv": "no such file", "missing.npz": "no such file", "folder.npz": "not a file"} {
		_, err := Open(filepath.Join(dir, name), Options{})
		checkError(t, err, ErrNotFound, want, name)
	}
}

func FuzzNPY(f *testing.F) {
	for _, file := range [][]byte{
		nil,
		arrayOf("<f4", []int{2, 2}, []float32{1, 2, 3, 4}),
		arrayOf(">i8", []int{3}, []int64{1, -2, 3}),
		npy(2, header("|u1", "True", []int{2, 3}), []byte("abcdef")),
		npy(1, header("<f8", "False", []int{1 << 30, 1 << 30}), nil),
		npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }", nil),
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var a ndarray
		var err error
		limit := newBudget(1 << 30)
		// A byte may become a float64, eight bytes; doubling allocates four times
		// what it ends with at most, and another order is a copy.
		memorytest.Within(t, memorytest.Bound{PerByte: 8 * 5, Constant: 1 << 20}, func() int {
			a, err = decodeNPY(bytes.NewReader(file), limit)
			return limit.spent()
		})
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		product := 1
		for _, size := range a.shape {
			product *= size
		}
		if len(a.bytes)+len(a.floats) != product || product == 0 {
			t.Errorf("shape %v with %d and %d elements", a.shape, len(a.bytes), len(a.floats))
		}
	})
}

func FuzzNPZ(f *testing.F) {
	f.Add(npz(zip.Store, smallNPZ()...))
	f.Add(npz(zip.Deflate, smallNPZ()...))
	f.Add(npz(zip.Deflate, smallNPZ()[:4]...))
	f.Add(npz(zip.Deflate, "x_train.npy", arrayOf("|u1", []int{1 << 18}, make([]uint8, 1<<18))))
	f.Add(npz(zip.Store))
	f.Add(npz(zip.Deflate, numbersNPZ()...))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, regression := range []bool{false, true} {
			var d *Dataset
			var err error
			limit := newBudget(1 << 30)
			// Beside the arrays, as in FuzzNPY, there is the archive's directory: an
			// entry takes 46 bytes in the file and some 500 in memory.
			memorytest.Within(t, memorytest.Bound{PerByte: 8 * 5, Constant: 4 << 20}, func() int {
				d, err = decodeNPZ(bytes.NewReader(file), int64(len(file)), Options{Regression: regression}, limit)
				return len(file) + limit.spent()
			})
			if err != nil {
				var corrupt flate.CorruptInputError
				if !errors.Is(err, ErrInvalid) && !errors.As(err, &corrupt) && !errors.Is(err, io.EOF) {
					t.Errorf("untyped error %v", err)
				}
				continue
			}
			checkSamples(t, d)
			if regression && len(d.TargetNames) != d.Train.Outputs {
				t.Errorf("%d names of %d targets", len(d.TargetNames), d.Train.Outputs)
			}
		}
	})
}

// checkSamples wants the parts of a data set to be of one piece, before anything
// is standardised.
func checkSamples(t *testing.T, d *Dataset) {
	t.Helper()
	for _, part := range []Samples{d.Train, d.Test} {
		floats := featuresOf(d, part)
		if part.Features != max(d.Channels, 1)*d.Height*d.Width || len(part.Pixels)+len(floats) != part.Len()*part.Features {
			t.Fatalf("%dx%dx%d with %d features, %d labels, %d bytes and %d floats", d.Channels, d.Height, d.Width, part.Features, part.Len(), len(part.Pixels), len(floats))
		}
		for _, label := range part.Labels {
			if int(label) >= d.Classes {
				t.Fatalf("label %d of %d classes", label, d.Classes)
			}
		}
		for _, x := range floats {
			if !(math.Abs(x) <= maxMagnitude) && !math.IsNaN(x) {
				t.Fatalf("the feature %g", x)
			}
		}
		if part.Outputs > 0 && part.Labels != nil || len(part.rawTargets) != part.Len()*part.Outputs {
			t.Fatalf("%d labels and %d numbers to predict, %d a sample", len(part.Labels), len(part.rawTargets), part.Outputs)
		}
		for _, x := range part.rawTargets {
			if !(math.Abs(x) <= maxMagnitude) {
				t.Fatalf("the target %g", x)
			}
		}
	}
}

// upTo returns the first n whole numbers.
func upTo(n int) []int16 {
	numbers := make([]int16, n)
	for i := range numbers {
		numbers[i] = int16(i)
	}
	return numbers
}
