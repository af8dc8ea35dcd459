package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// plants returns a CSV file of three classes in order, whose features have scales
// far from each other, with each feature times a factor.
func plants(perClass int, factor float64) string {
	var b strings.Builder
	b.WriteString("height,weight,same,species\n")
	for class, name := range []string{"rose", "aster", "lily"} {
		for i := range perClass {
			noise := math.Sin(float64(7*i + 3*class))
			fmt.Fprintf(&b, "%g,%g,%g,%s\n", factor*(1e6+float64(class)+0.3*noise), factor*(1e-3*float64(class*class)+1e-4*noise), factor*5, name)
		}
	}
	return b.String()
}

// trainOn returns the words of a small run on some data, and then some.
func trainOn(data string, more ...string) []string {
	return append(strings.Fields("train --data "+data+" --model mlp:9-7 --batch 7 --epochs 12 --rounds 4 --keep 8 --learning-rate 0.02"), more...)
}

func resultOf(t *testing.T, args ...string) record.Result {
	t.Helper()
	var result record.Result
	if err := json.Unmarshal([]byte(succeed(t, append(args, "--json")...)), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func evalOf(t *testing.T, args ...string) record.EvalResult {
	t.Helper()
	var result record.EvalResult
	if err := json.Unmarshal([]byte(succeed(t, append(append([]string{"eval"}, args...), "--json")...)), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// TestTables: a table trains, prunes, is evaluated again to the last digit on the
// test part that was drawn, and keeps the names of its classes and the scales of
// its features.
func TestTables(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(40, 1)))
	run := resultOf(t, trainOn("plants.csv", "--validation", "0.2", "--baseline", "--out", "out")...)
	if d := run.Data; d.Train != 77 || d.Validation != 19 || d.Test != 24 || d.Label != "species" || strings.Join(d.ClassNames, " ") != "aster lily rose" {
		t.Errorf("data %+v", d)
	}
	if *run.Pruned.Accuracy < 90 || *run.Dense.Accuracy < 90 {
		t.Errorf("%g and %g %% of classes that are far apart", *run.Pruned.Accuracy, *run.Dense.Accuracy)
	}
	again := evalOf(t, "out")
	if again.Samples != 24 || *again.Network.Accuracy != *run.Pruned.Accuracy || *again.Network.Loss != *run.Pruned.Loss {
		t.Errorf("evaluated again on %d samples: %g %% at loss %g", again.Samples, *again.Network.Accuracy, *again.Network.Loss)
	}
	if text := succeed(t, "eval", "out"); !strings.Contains(text, "rose") {
		t.Errorf("no names of classes in %s", text)
	}
	if text := succeed(t, "explain", "out"); !strings.Contains(text, "Undecided: no round was checked") || !strings.Contains(text, "of the validation part (held out)") {
		t.Errorf("no certificate in %s", text)
	}
	if text := succeed(t, "explain", "out", "--player", "0:1"); !strings.HasPrefix(text, "Player 0:1, ") {
		t.Errorf("no player in %s", text)
	}
	var player record.CertifiedPlayer
	if err := json.Unmarshal([]byte(succeed(t, "explain", "out", "--player", "0:1", "--json")), &player); err != nil || player.Index != 1 {
		t.Errorf("%+v, %v", player, err)
	}
	if _, err := record.ReadCertificate(strings.NewReader(succeed(t, "explain", "out", "--json"))); err != nil {
		t.Error(err)
	}

	// Another file is evaluated whole, its words are the same classes though some are
	// missing, and its features are not standardised by themselves.
	lines := strings.SplitAfter(plants(40, 1), "\n")
	writeFile(t, "lilies.csv", []byte(lines[0]+strings.Join(lines[81:121], "")))
	if lilies := evalOf(t, "out", "--data", "lilies.csv"); lilies.Samples != 40 || lilies.Network.ByClass[1].Samples != 40 || *lilies.Network.Accuracy < 90 {
		t.Errorf("lilies: %+v", lilies)
	}
	// Columns are taken by name: in another order they are no other data.
	var moved strings.Builder
	for _, line := range strings.Fields(plants(40, 1)) {
		fields := strings.Split(line, ",")
		fmt.Fprintf(&moved, "%s,%s,%s,%s\n", fields[2], fields[3], fields[0], fields[1])
	}
	writeFile(t, "moved.csv", []byte(moved.String()))
	if a, b := evalOf(t, "out", "--data", "plants.csv"), evalOf(t, "out", "--data", "moved.csv"); *a.Network.Loss != *b.Network.Loss {
		t.Errorf("loss %g, and %g with columns in another order", *a.Network.Loss, *b.Network.Loss)
	}
	writeFile(t, "larger.csv", []byte(plants(40, 100)))
	if larger := evalOf(t, "out", "--data", "larger.csv"); *larger.Network.Accuracy > 50 {
		t.Errorf("%g %% of plants a hundred times larger", *larger.Network.Accuracy)
	}
	if part := evalOf(t, "out", "--data", "plants.csv", "--test-fraction", "0.2"); *part.Network.Loss != *run.Pruned.Loss {
		t.Errorf("another part is drawn: loss %g", *part.Network.Loss)
	}
}

// TestImageArchive: images of an archive train at a size of their own, the run is evaluated
// again to the last digit, and other images are brought to the size of the network, with
// its classes by name.
func TestImageArchive(t *testing.T) {
	t.Chdir(t.TempDir())
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	add := func(name string, side, class, number int) {
		m := image.NewNRGBA(image.Rect(0, 0, side, side))
		for i := range side * side {
			level := uint8(40 + (i*7919+number*104729)%97)
			m.Set(i%side, i/side, color.NRGBA{level, uint8(90 * class), 255 - level, 255})
		}
		entry, err := w.Create(name)
		if err == nil {
			err = png.Encode(entry, m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for class, name := range []string{"ape", "bee", "cow"} {
		for i := range 30 {
			add(fmt.Sprintf("zoo/train/%s/%d.png", name, i), 8+class, class, i)
		}
		add("zoo/test/"+name+"/1.png", 9, class, 31)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "zoo.zip", archive.Bytes())
	code, stdout, stderr := execute(t, trainOn("zoo.zip", "--out", "out")...)
	refused(t, exitFailed, "--image-size HxW", code, stdout, stderr)
	run := resultOf(t, trainOn("zoo.zip", "--image-size", "6x5", "--out", "out")...)
	if d := run.Data; d.Name != "images:zoo" || d.Train != 90 || d.Test != 3 || strings.Join(d.ClassNames, " ") != "ape bee cow" {
		t.Errorf("data %+v", d)
	}
	if *run.Pruned.Accuracy < 90 {
		t.Errorf("%g %% of classes of other colours", *run.Pruned.Accuracy)
	}
	if again := evalOf(t, "out"); again.Samples != 3 || *again.Network.Loss != *run.Pruned.Loss {
		t.Errorf("evaluated again on %d samples at loss %g, and before at %g", again.Samples, *again.Network.Loss, *run.Pruned.Loss)
	}
	_, metadata, err := safetensors.LoadModel("out/pruned.safetensors")
	if err != nil || metadata.Channels != 3 || metadata.Height != 6 || metadata.Width != 5 || len(metadata.ChannelMeans) != 3 || len(metadata.ChannelDeviations) != 3 {
		t.Errorf("%+v, %v", metadata, err)
	}
	// A network brings images to the size that it reads.
	pruned := resultOf(t, strings.Fields("prune out/pruned.safetensors --data zoo.zip --epochs 0 --batch 7 --rounds 1 --keep 6 --out again")...)
	if pruned.Pruned.Kept != 6 || *pruned.Dense.Loss != *run.Pruned.Loss {
		t.Errorf("of 8 players %d are left, and the dense loss is %g, before %g", pruned.Pruned.Kept, *pruned.Dense.Loss, *run.Pruned.Loss)
	}
	// A part of the classes, in images of yet another size.
	archive.Reset()
	w = zip.NewWriter(&archive)
	add("cow/1.png", 17, 2, 5)
	add("bee/1.png", 16, 1, 5)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "more.zip", archive.Bytes())
	if more := evalOf(t, "out", "--data", "more.zip"); more.Samples != 2 || *more.Network.Accuracy != 100 || more.Network.ByClass[1].Samples != 1 || more.Network.ByClass[2].Samples != 1 {
		t.Errorf("%+v", more)
	}
	code, stdout, stderr = execute(t, "eval", "out/pruned.safetensors", "--data", "digits:train=20,test=10")
	refused(t, exitUsage, "the network does not know the class", code, stdout, stderr)
}

// TestTestFile: a file of test samples is what the run and eval evaluate on.
func TestTestFile(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "train.csv", []byte(plants(30, 1)))
	writeFile(t, "test.csv", []byte(plants(5, 1)))
	run := resultOf(t, trainOn("train.csv", "--test", "test.csv", "--label", "species", "--out", "out")...)
	if run.Data.Train != 90 || run.Data.Test != 15 {
		t.Errorf("data %+v", run.Data)
	}
	if again := evalOf(t, "out"); again.Samples != 15 || *again.Network.Loss != *run.Pruned.Loss {
		t.Errorf("evaluated again: %+v", again)
	}
}

// TestLabelIsTold: the user learns which column holds the labels where it was
// guessed, and only there.
func TestLabelIsTold(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(10, 1)))
	_, _, stderr := execute(t, trainOn("plants.csv", "--out", "guessed")...)
	if !strings.Contains(stderr, `labels: the column "species" of plants.csv`) {
		t.Errorf("stderr is %q", stderr)
	}
	if _, _, stderr := execute(t, trainOn("plants.csv", "--label", "species", "--out", "named")...); strings.Contains(stderr, "labels:") {
		t.Errorf("stderr is %q", stderr)
	}
}

// TestConfigReproducesTable: the config.toml of a run draws the same test part.
func TestConfigReproducesTable(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	succeed(t, trainOn("plants.csv", "--test-fraction", "0.3", "--label", "species", "--out", "first")...)
	succeed(t, "train", "--config", "first/config.toml", "--out", "second")
	sameFile(t, "first/config.toml", "second/config.toml")
	sameFile(t, "first/pruned.safetensors", "second/pruned.safetensors")
}

// writeNPZ writes x_train and y_train: n samples of features of a type.
func writeNPZ(t *testing.T, path, descr string, n, features int) {
	t.Helper()
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	array := func(name, descr, shape string, data []byte) {
		w, err := archive.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
		_, err = w.Write(append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header))), header...))
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var x, y []byte
	for i := range n {
		y = append(y, byte(i%3))
		for f := range features {
			value := byte(20*(i%3)) + byte((i*31+f*17)%13)
			if descr == "|u1" {
				x = append(x, value)
			} else {
				x = binary.LittleEndian.AppendUint32(x, math.Float32bits(float32(value)))
			}
		}
	}
	array("x_train", descr, fmt.Sprintf("(%d, %d)", n, features), x)
	array("y_train", "|u1", fmt.Sprintf("(%d,)", n), y)
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, file.Bytes())
}

// TestArrays: arrays of bytes and of floats train and are evaluated, and a network
// of the one is not evaluated on the other.
func TestArrays(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, descr := range map[string]string{"bytes": "|u1", "floats": "<f4"} {
		writeNPZ(t, name+".npz", descr, 90, 5)
		run := resultOf(t, trainOn(name+".npz", "--out", name)...)
		if run.Data.Train != 72 || run.Data.Test != 18 || *run.Pruned.Accuracy < 90 {
			t.Errorf("%s: %+v, %g %%", name, run.Data, *run.Pruned.Accuracy)
		}
		if again := evalOf(t, name); *again.Network.Loss != *run.Pruned.Loss {
			t.Errorf("%s: evaluated again at loss %g", name, *again.Network.Loss)
		}
	}
	for model, data := range map[string]string{"bytes": "floats.npz", "floats": "bytes.npz"} {
		code, stdout, stderr := execute(t, "eval", model, "--data", data)
		refused(t, exitUsage, "was trained on", code, stdout, stderr)
	}
}

// TestDrawnDigits: digits of another kind are found again by the name in the
// model file.
func TestDrawnDigits(t *testing.T) {
	t.Chdir(t.TempDir())
	run := resultOf(t, trainOn("digits:side=12,train=200,test=50,difficulty=0.5", "--out", "out")...)
	if run.Data.Train != 200 || run.Data.Test != 50 || run.Dense.Shape[0] != 144 {
		t.Errorf("%+v", run)
	}
	if err := os.Rename("out/pruned.safetensors", "alone.safetensors"); err != nil {
		t.Fatal(err)
	}
	if again := evalOf(t, "alone.safetensors"); *again.Network.Loss != *run.Pruned.Loss {
		t.Errorf("evaluated again: %+v", again)
	}
}

// TestDataRefuses: mistakes with data are one line each.
func TestDataRefuses(t *testing.T) {
	atImages(t)
	for _, name := range []string{"HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, t.TempDir())
	}
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	writeFile(t, "hole.csv", []byte("a,b,class\n1,2,x\n1,,y\n"))
	writeFile(t, "text.npz", []byte("some text"))
	succeed(t, trainOn("plants.csv", "--out", "run")...)
	if err := os.Mkdir("alone", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("run/pruned.safetensors", "alone/model"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "two.csv", []byte("a,species\n1,rose\n"))
	writeFile(t, "tulips.csv", []byte("height,weight,same,species\n1,2,3,tulip\n"))
	for _, c := range []struct {
		args  string
		code  int
		words string
	}{
		{"train --data hole.csv --label b", exitFailed, `line 3, column "b": the label is missing`},
		{"train --data text.npz", exitFailed, "not an NPZ file"},
		{"train --data missing.csv", exitFailed, "no such file"},
		{"train --data plants.csv --label colour", exitUsage, `no column "colour"`},
		{"train --data plants.csv --label height", exitFailed, `column "height": 1.0000001970959796e+06 is a fraction`},
		{"train --data ./images --label a", exitUsage, "only CSV files have columns"},
		{"train --data ./images --test plants.csv", exitUsage, "only CSV files take one"},
		{"train --data ./images --test-fraction 0.1", exitUsage, "a test part of its own"},
		{"train --data plants.csv --test-fraction 1", exitUsage, "--test-fraction is 1"},
		{"train --data plants.csv --test-fraction nan", exitUsage, "--test-fraction is NaN"},
		{"train --data plants.csv --test plants.csv --test-fraction 0.1", exitUsage, "give one of them"},
		{"train --data plants.csv --max-data-bytes 100", exitFailed, "more than the 100 bytes"},
		{"train --data ./images --max-data-bytes 100", exitFailed, "more than the 100 bytes"},
		{"train --data plants.csv --max-data-bytes -1", exitUsage, "--max-data-bytes"},
		{"train --data plants.csv --max-data-bytes 18446744073709551615", exitUsage, "largest number in TOML"},
		{"train --data digits --image-size 20", exitUsage, `--image-size is "20"; it must be a height and a width in pixels, such as 64x64`},
		{"train --data digits --image-size 20x20", exitUsage, "it is for images in folders"},
		{"train --data pets.zip", exitFailed, "no such file"},
		{"train --data cifar100", exitFailed, "nashprune data pull cifar100"},
		{"train --data digits:colour=red", exitUsage, "without a value"},
		{"train --data digits:side=3", exitUsage, "side is \"3\""},
		{"train --data fashion", exitFailed, "nashprune data pull fashion"},
		{"train --data cifar10", exitFailed, "nashprune data pull cifar10"},
		{"eval alone/model", exitUsage, "name its file with --data"},
		{"eval alone/model --data two.csv", exitUsage, `a feature "height", and no column is called so`},
		{"eval alone/model --data tulips.csv", exitUsage, `does not know the class "tulip"`},
		{"eval alone/model --data digits:train=20,test=10", exitUsage, "its features are bytes"},
		{"eval alone/model --test-fraction 0.5", exitUsage, "goes with --data"},
		{"eval alone/model --data plants.csv --test-fraction 2", exitUsage, "test fraction of 2"},
		{"eval alone/model --data plants.csv --max-data-bytes 9", exitFailed, "more than the 9 bytes"},
		{"data pull", exitUsage, "takes the name of one data set"},
		{"data pull digits", exitUsage, "can be pulled"},
		{"data pull mnist fashion", exitUsage, "takes the name of one data set"},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			if args[0] == "train" {
				args = append(args, "--out", "out")
			}
			code, stdout, stderr := execute(t, args...)
			refused(t, c.code, c.words, code, stdout, stderr)
			if _, err := os.Stat("out"); err == nil {
				t.Error("the folder of the run was made")
			}
		})
	}
}
