package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMNISTNotFound(t *testing.T) {
	noUsualPlaces(t)
	option, variable := t.TempDir(), t.TempDir()
	t.Setenv(DirVariable, variable)
	partial := smallFiles()
	partial[testImages] = nil
	writeFolder(t, filepath.Join(variable, "mnist"), fileNames, partial)

	_, err := Open("mnist", Options{Dir: option})
	checkError(t, err, ErrNotFound,
		option+" (lacks train-images-idx3-ubyte[.gz], ",
		filepath.Join(option, "mnist")+" (no such folder)",
		variable+" (lacks ",
		filepath.Join(variable, "mnist")+" (lacks t10k-images-idx3-ubyte[.gz])",
		filepath.Join("nashprune", "mnist")+" (no such folder)",
		"nashprune data pull mnist",
	)
}

// What the advice says is so, for every name: a data set is found in a folder of its
// name in that of DirVariable. Where there is nowhere to look, that is said.
func TestNotFoundAdvice(t *testing.T) {
	noUsualPlaces(t)
	for _, name := range []string{mnistName, fashionName, cifarName, cifar100Name} {
		_, err := Open(name, Options{Dir: t.TempDir()})
		checkError(t, err, ErrNotFound, "give --data-dir or NASHPRUNE_DATA the folder in which its files lie in a folder "+name)
	}
	for _, variable := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(variable, "")
	}
	_, err := Open(mnistName, Options{})
	checkError(t, err, ErrNotFound, "looked in no folder, since none is named and there is no user's cache; ")
}

func TestMNISTOfOtherBytes(t *testing.T) {
	noUsualPlaces(t)
	dir := t.TempDir()
	writeFolder(t, dir, fileNames, smallFiles())
	_, err := Open("mnist", Options{Dir: dir})
	checkError(t, err, ErrInvalid, filepath.Join(dir, fileNames[trainImages]), "SHA-256", "expected "+mnistChecksums[trainImages])
}

// Each place is looked at only where those before it hold nothing.
func TestMNISTPlacesInOrder(t *testing.T) {
	noUsualPlaces(t)
	option, variable := t.TempDir(), t.TempDir()
	t.Setenv(DirVariable, variable)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{ // from the last to the first
		filepath.Join(cache, "nashprune", "mnist"),
		filepath.Join(cache, "nashprune"),
		filepath.Join(variable, "mnist"),
		variable,
		filepath.Join(option, "mnist"),
		option,
	} {
		writeFolder(t, dir, fileNames, smallFiles())
		if where, _, err := findMNIST(option); where != dir || err != nil {
			t.Errorf("found in %q (%v), want %q", where, err, dir)
		}
		if entry := List(option)[1]; entry.Where != dir || entry.Missing != "" {
			t.Errorf("listed in %q (%v), want %q", entry.Where, entry.Missing, dir)
		}
	}
}

func TestList(t *testing.T) {
	noUsualPlaces(t)
	entries := List("")
	if len(entries) != 5 || entries[4].Name != "cifar100" || entries[0].Name != "digits" || entries[1].Name != "mnist" || entries[2].Name != "fashion" || entries[3].Name != "cifar10" {
		t.Fatalf("got %v", entries)
	}
	if e := entries[0]; e.Where == "" || e.Missing != "" {
		t.Errorf("digits: where %q, missing %q", e.Where, e.Missing)
	}
	if e := entries[1]; e.Where != "" || !strings.HasPrefix(e.Missing, "looked in ") {
		t.Errorf("mnist: where %q, missing %q", e.Where, e.Missing)
	}
}

// TestMNIST reads the real files, which the repository does not hold.
func TestMNIST(t *testing.T) {
	if os.Getenv(DirVariable) == "" {
		t.Skipf("%s does not name the folder of MNIST", DirVariable)
	}
	d, err := Open("mnist", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := List("")[1]
	if d.Name != want.Name || d.Height != want.Height || d.Width != want.Width || d.Classes != want.Classes ||
		d.Train.Len() != want.Train || d.Test.Len() != want.Test {
		t.Errorf("%q has %d and %d images of %dx%d in %d classes, listed %+v",
			d.Name, d.Train.Len(), d.Test.Len(), d.Height, d.Width, d.Classes, want)
	}
	// The first labels of the training and the test file, well known.
	if d.Train.Labels[0] != 5 || d.Test.Labels[0] != 7 {
		t.Errorf("first labels are %d and %d, want 5 and 7", d.Train.Labels[0], d.Test.Labels[0])
	}
	const mean, deviation, tolerance = 0.1307, 0.3081, 0.00005 // as published, to four digits
	if d.Mean < mean-tolerance || d.Mean > mean+tolerance || d.Deviation < deviation-tolerance || d.Deviation > deviation+tolerance {
		t.Errorf("mean %v, deviation %v; want %v, %v", d.Mean, d.Deviation, mean, deviation)
	}
	checkMoments(t, d)
}

func BenchmarkOpenMNIST(b *testing.B) {
	if os.Getenv(DirVariable) == "" {
		b.Skipf("%s does not name the folder of MNIST", DirVariable)
	}
	for b.Loop() {
		if _, err := Open("mnist", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
