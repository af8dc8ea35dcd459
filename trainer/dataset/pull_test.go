package dataset

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nashprune/trainer/download"
	"nashprune/trainer/memorytest"
)

// smallRecords is how many records the files of the tests' CIFAR-10 have.
const smallRecords = 3

// smallCIFAR returns CIFAR-10 with small files.
func smallCIFAR() cifarSet {
	c := cifar10
	c.records = slices.Repeat([]int{smallRecords}, len(c.files))
	return c
}

// smallCIFAR100 returns CIFAR-100 with small files.
func smallCIFAR100() cifarSet {
	c := cifar100
	c.records = []int{smallRecords, 1}
	return c
}

// cifar100File returns a file of a number of records, of fine labels 99, 98 and so on
// and coarse labels from 0 up, each with all its reds 1, greens 2 and blues 3.
func cifar100File(records int) []byte {
	var file []byte
	for i := range records {
		file = append(file, byte(i), byte(99-i))
		for colour := range byte(cifarColours) {
			file = append(file, bytes.Repeat([]byte{colour + 1}, cifarSide*cifarSide)...)
		}
	}
	return file
}

// cifarFile returns a file of a number of records.
func cifarFile(records, first int) []byte {
	numbers := make([]byte, 256+cifar10.record())
	for i := range numbers {
		numbers[i] = byte(i)
	}
	file := make([]byte, records*cifar10.record())
	for i := range records {
		copy(file[i*cifar10.record():][:cifar10.record()], numbers[(first+7*i)%256:])
		file[i*cifar10.record()] = byte((first + i) % cifar10.classes[0])
	}
	return file
}

// tarOf returns a gzipped tar archive of entries, each a name and its content in
// turn.
func tarOf(entries ...any) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		content := entries[i+1].([]byte)
		err := w.WriteHeader(&tar.Header{Name: entries[i].(string), Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return zipped(b.Bytes())
}

// cifarEntries returns what a good archive holds.
func cifarEntries() []any {
	entries := []any{cifar10.folder + "/readme.html", []byte("<html>")}
	for i, name := range cifar10.files {
		entries = append(entries, cifar10.folder+"/"+name, cifarFile(smallRecords, i))
	}
	return entries
}

// smallSources returns small data sets on a server, and what it serves by path.
func smallSources(url string) (s sources, served map[string][]byte) {
	served = map[string][]byte{"/cifar": tarOf(cifarEntries()...)}
	s = sources{
		mnist: url + "/mnist/", fashion: url + "/fashion/", cifar: []cifarSet{smallCIFAR(), smallCIFAR100()},
	}
	hundred := &s.cifar[1]
	served["/cifar100"] = tarOf(hundred.folder+"/train.bin", cifar100File(smallRecords), hundred.folder+"/test.bin", cifar100File(1))
	hundred.url, hundred.checksum, hundred.bytes = url+"/cifar100", sum256(served["/cifar100"]), int64(len(served["/cifar100"]))
	s.cifar[0].url, s.cifar[0].checksum, s.cifar[0].bytes = url+"/cifar", sum256(served["/cifar"]), int64(len(served["/cifar"]))
	for i, file := range smallFiles() {
		packed := zipped(file)
		s.mnistSums[i] = sum256(file)
		sum := md5.Sum(packed)
		s.fashionSums[i] = hex.EncodeToString(sum[:])
		served["/mnist/"+fileNames[i]+".gz"], served["/fashion/"+fileNames[i]+".gz"] = packed, packed
	}
	return s, served
}

// clientOf returns a client that trusts a certificate.
func clientOf(certificate *x509.Certificate) *download.Client {
	client := download.NewClient()
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	client.HTTP.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
	client.Pause = time.Millisecond
	return client
}

// pullFrom returns the sources and a client for small data sets on a server on
// loopback. change may put others into the place of the files that it serves.
func pullFrom(t *testing.T, change func(served map[string][]byte)) (sources, *download.Client, *atomic.Int64) {
	t.Helper()
	noUsualPlaces(t)
	_, served := smallSources("")
	if change != nil {
		change(served)
	}
	requests := new(atomic.Int64)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		content, ok := served[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(server.Close)
	s, _ := smallSources(server.URL)
	return s, clientOf(server.Certificate()), requests
}

// silent are events without a receiver.
var silent = PullEvents{Waiting: func(Pulled) {}, Fetching: func(Pulled) {}}

func sum256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestPull: a data set is fetched once, found by its checksums to be there the
// next time, and fetched again in the part that is damaged.
func TestPull(t *testing.T) {
	for name, files := range map[string]int64{mnistName: 4, fashionName: 4, cifarName: 1} {
		t.Run(name, func(t *testing.T) {
			s, client, requests := pullFrom(t, nil)
			told := 0
			pull := func() Pulled {
				t.Helper()
				pulled, err := s.pull(t.Context(), name, client, PullEvents{Waiting: silent.Waiting, Fetching: func(p Pulled) {
					told++
					if p.Source == "" || !strings.HasPrefix(p.URL, "https://") {
						t.Errorf("told %+v", p)
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				return pulled
			}
			pulled := pull()
			if !pulled.Fetched || requests.Load() != files || told != 1 {
				t.Errorf("%+v after %d requests, told %d times", pulled, requests.Load(), told)
			}
			if entry := entryOf(name); entry.Where != pulled.Where || entry.Missing != "" {
				t.Errorf("listed as %+v", entry)
			}
			if again := pull(); again.Fetched || requests.Load() != files || told != 1 {
				t.Errorf("the second time %+v after %d requests", again, requests.Load())
			}
			damaged := filepath.Join(pulled.Where, fileNames[testImages]+".gz")
			if name == cifarName {
				damaged = filepath.Join(pulled.Where, cifar10.files[2])
			}
			content, err := os.ReadFile(damaged)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(damaged, changed(content, len(content)-9, content[len(content)-9]+1), 0o600); err != nil {
				t.Fatal(err)
			}
			if third := pull(); !third.Fetched || requests.Load() != files+1 {
				t.Errorf("after damage %+v after %d requests", third, requests.Load())
			}
			if got, err := os.ReadFile(damaged); err != nil || !bytes.Equal(got, content) {
				t.Errorf("it is not mended: %v", err)
			}
			onlyData(t, pulled.Where)
		})
	}
}

func entryOf(name string) Entry {
	for _, e := range List("") {
		if e.Name == name {
			return e
		}
	}
	return Entry{}
}

// onlyData wants a folder to hold no file that is half there or no longer of use.
func onlyData(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".partial") || strings.HasPrefix(e.Name(), ".") || e.Name() == cifar10.archive {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// What is pulled is what Open reads.
func TestPulledCIFAR(t *testing.T) {
	s, client, _ := pullFrom(t, nil)
	pulled, err := s.pull(t.Context(), cifarName, client, silent)
	if err != nil {
		t.Fatal(err)
	}
	// Open reads files of the published size alone.
	_, err = Open(cifarName, Options{})
	checkError(t, err, ErrInvalid, cifar10.files[0], "truncated: the file ends within its record 3 of 10000")
	var part Samples
	file, err := os.Open(filepath.Join(pulled.Where, cifar10.files[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := cifar10.decode(&part, file, smallRecords); err != nil || part.Len() != smallRecords || part.Labels[0] != 1 || len(part.Pixels) != smallRecords*cifarFeatures {
		t.Errorf("%d samples, %v", part.Len(), err)
	}
}

// TestCIFAR100 pulls and reads CIFAR-100, with either labels.
func TestCIFAR100(t *testing.T) {
	s, client, _ := pullFrom(t, nil)
	pulled, err := s.pull(t.Context(), cifar100Name, client, silent)
	if err != nil || !pulled.Fetched || pulled.Classes != 100 {
		t.Fatalf("%+v, %v", pulled, err)
	}
	onlyData(t, pulled.Where)
	for _, c := range []struct {
		set     cifarSet
		classes int
		labels  []uint8
	}{{smallCIFAR100(), 100, []uint8{99, 98, 97}}, {smallCIFAR100().coarse(), 20, []uint8{0, 1, 2}}} {
		d, err := c.set.open("", newBudget(0))
		if err != nil || d.Classes != c.classes || !slices.Equal(d.Train.Labels, c.labels) || d.Test.Len() != 1 || !slices.Equal(d.Shape(), []int{3, 32, 32}) {
			t.Fatalf("label %d: %v", c.set.label, err)
		}
		if row := d.Train.Pixels[cifarFeatures:][:cifarFeatures]; row[0] != 1 || row[1024] != 2 || row[3071] != 3 {
			t.Errorf("label %d: other pixels", c.set.label)
		}
	}
	// Open reads files of the published size alone, under either name.
	for _, name := range []string{cifar100Name, coarseName} {
		_, err = Open(name, Options{})
		checkError(t, err, ErrInvalid, "train.bin", "truncated: the file ends within its record 3 of 50000")
	}
	// Both labels are looked at, though one is learned.
	for at, want := range map[int]string{0: "label 20; labels are 0 to 19", 1: "label 100; labels are 0 to 99"} {
		file := changed(cifar100File(2), at, byte(cifar100.classes[at]))
		checkError(t, cifar100.decode(new(Samples), bytes.NewReader(file), 2), ErrInvalid, want)
	}
	_, err = Open("cifar100:fine", Options{})
	checkError(t, err, ErrUnknown, "cifar100")
}

func TestOpenCIFAR(t *testing.T) {
	noUsualPlaces(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, cifar10.folder)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var sums strings.Builder
	for i, name := range cifar10.files {
		content := cifarFile(cifar10.records[0], i)
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum256(content), name)
	}
	// An archive that a user unpacked has no sums.
	var part Samples
	none, err := cifar10.readSums(folder)
	if err == nil {
		err = cifar10.readFile(&part, 0, filepath.Join(folder, cifar10.files[0]), none[cifar10.files[0]], newBudget(1<<28))
	}
	if err != nil || part.Len() != cifar10.records[0] {
		t.Errorf("without sums: %d samples, %v", part.Len(), err)
	}
	sumsPath := filepath.Join(folder, sumsFile)
	if err := os.WriteFile(sumsPath, []byte(sums.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(cifarName, Options{Dir: dir})
	if err != nil || d.Train.Len() != 50000 || d.Test.Len() != 10000 || d.Train.Features != 3072 || !slices.Equal(d.Shape(), []int{3, 32, 32}) || d.Classes != 10 || d.Test.Labels[0] != 5 {
		t.Fatalf("%v", err)
	}
	for text, want := range map[string]string{
		strings.ReplaceAll(sums.String(), sums.String()[:64], strings.Repeat("0", 64)): "its SHA-256 is " + sums.String()[:64],
		"nonsense\n": "no SHA-256 of data_batch_1.bin",
	} {
		if err := os.WriteFile(sumsPath, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := cifar10.read(folder, newBudget(1<<28))
		checkError(t, err, ErrInvalid, want)
	}
}

func TestPullErrors(t *testing.T) {
	for _, c := range []struct {
		name, set string
		change    func(served map[string][]byte)
		want      error
		words     string
	}{
		{"unknown", "digits", nil, ErrUnknown, "mnist, fashion, cifar10 and cifar100 can be pulled"},
		{"gone", mnistName, func(served map[string][]byte) { clear(served) }, download.ErrRefused, "404"},
		{"other digits", mnistName, func(served map[string][]byte) {
			for name := range served {
				served[name] = zipped(idx(idxUnsignedByte, []uint32{1, 1, 1}, 1))
			}
		}, download.ErrUnsound, "SHA-256 of the uncompressed file"},
		{"no IDX file", mnistName, func(served map[string][]byte) {
			for name := range served {
				served[name] = []byte("<html>Sign in to this network</html>")
			}
		}, download.ErrUnsound, "not an IDX file"},
		{"a bomb", mnistName, func(served map[string][]byte) {
			const piece = 1 << 20 // packed once: gzip files may follow each other
			bomb := append(zipped(idx(idxUnsignedByte, []uint32{1 << 29, 1, 1})), bytes.Repeat(zipped(make([]byte, piece)), mostIDXUnpack/piece)...)
			for name := range served {
				served[name] = bomb
			}
		}, download.ErrUnsound, "more than the"},
		{"other clothes", fashionName, func(served map[string][]byte) {
			served["/fashion/"+fileNames[testLabels]+".gz"] = zipped([]byte("x"))
		}, download.ErrUnsound, "its MD5 is"},
		{"other size", cifarName, func(served map[string][]byte) { served["/cifar"] = append(served["/cifar"], 0) }, download.ErrTooLarge, "at most"},
		{"other archive", cifarName, func(served map[string][]byte) {
			served["/cifar"] = changed(served["/cifar"], 100, served["/cifar"][100]+1)
		}, download.ErrUnsound, "its SHA-256 is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client, _ := pullFrom(t, c.change)
			pulled, err := s.pull(t.Context(), c.set, client, silent)
			checkError(t, err, c.want, c.words)
			if pulled.Where == "" {
				return
			}
			entries, err := os.ReadDir(pulled.Where)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if strings.HasPrefix(e.Name(), fileNames[testLabels]) || strings.HasSuffix(e.Name(), ".bin") {
					t.Errorf("%s is there", e.Name())
				}
			}
		})
	}
}

func TestPullIntoNowhere(t *testing.T) {
	s, client, _ := pullFrom(t, nil)
	cache, err := cacheFolder()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cache, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	if _, err := s.pull(t.Context(), mnistName, client, silent); err == nil {
		t.Error("no error")
	}
}

// Of any archive nothing but the six files is written, into the folder.
func TestUnpackCIFAR(t *testing.T) {
	good := cifarEntries()
	renamed := func(from, to string) []any {
		entries := cifarEntries()
		for i := 0; i < len(entries); i += 2 {
			if entries[i] == cifar10.folder+"/"+from {
				entries[i] = to
			}
		}
		return entries
	}
	labelled := cifarFile(smallRecords, 0)
	labelled[cifar10.record()] = byte(cifar10.classes[0])
	var crowd []any
	for i := range mostTarEntries + 1 {
		crowd = append(crowd, fmt.Sprint(i), []byte{})
	}
	for _, c := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"good", tarOf(good...), ""},
		{"more beside", tarOf(append(cifarEntries(), "../../escape", []byte("x"), "/etc/escape", []byte("x"), "data_batch_1.bin", []byte("x"))...), ""},
		{"one missing", tarOf(good[:len(good)-2]...), "holds 5 of the 6 files"},
		{"outside", tarOf(renamed("test_batch.bin", "../test_batch.bin")...), "holds 5 of the 6"},
		{"through the folder", tarOf(renamed("test_batch.bin", cifar10.folder+"/../../test_batch.bin")...), "holds 5 of the 6"},
		{"twice", tarOf(append(cifarEntries(), good[2:]...)...), "comes twice"},
		{"other size", tarOf(append(renamed("data_batch_1.bin", "x"), cifar10.folder+"/data_batch_1.bin", []byte("x"))...), "has 1 bytes instead of"},
		{"label 10", tarOf(append(renamed("data_batch_1.bin", "x"), cifar10.folder+"/data_batch_1.bin", labelled)...), "has label 10"},
		{"a crowd", tarOf(crowd...), "more than 64 files"},
		{"no gzip", []byte("some text that is long enough"), "corrupt gzip"},
		{"no tar", zipped(bytes.Repeat([]byte("x"), 2048)), "not a tar archive"},
		{"cut", tarOf(good...)[:100], "truncated"},
		{"empty", nil, "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			folder := filepath.Join(parent, "inner", "cifar10")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			err := smallCIFAR().unpack(t.Context(), bytes.NewReader(c.archive), folder)
			if c.want != "" {
				checkError(t, err, ErrInvalid, c.want)
			} else if err != nil {
				t.Fatal(err)
			}
			_, sums := os.Stat(filepath.Join(folder, sumsFile))
			if (sums == nil) != (c.want == "") {
				t.Errorf("checksums: %v", sums)
			}
			for _, dir := range []string{parent, filepath.Join(parent, "inner")} {
				if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
					t.Errorf("%s holds %v (%v)", dir, entries, err)
				}
			}
			onlyData(t, folder)
		})
	}
}

func TestUnpackStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := smallCIFAR().unpack(ctx, bytes.NewReader(tarOf(cifarEntries()...)), t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzCIFAR(f *testing.F) {
	f.Add(tarOf(cifarEntries()...))
	f.Add(tarOf(cifarEntries()[:6]...))
	f.Add(tarOf("../x", []byte("y")))
	f.Add(zipped(bytes.Repeat([]byte{0}, 1<<16)))
	f.Add(cifarFile(2, 1))
	f.Add(cifar100File(2))
	f.Add(tarOf(cifar100.folder+"/train.bin", cifar100File(smallRecords), cifar100.folder+"/test.bin", cifar100File(1)))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, set := range []cifarSet{smallCIFAR(), smallCIFAR100()} {
			var err error
			files := 0
			limit := newBudget(mostCIFARUnpack)
			// A file is read into room that doubles, and its records once more; the
			// headers of tar that extend others become strings and maps.
			memorytest.Within(t, memorytest.Bound{PerByte: 16, Constant: 1 << 20}, func() int {
				err = set.eachFile(bytes.NewReader(file), limit, func(string, []byte) error { files++; return nil })
				return limit.spent()
			})
			if err == nil && files != len(set.files) {
				t.Errorf("%d files", files)
			}
			if err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("untyped error %v", err)
			}
			var part Samples
			memorytest.Within(t, memorytest.Bound{PerByte: 8, Constant: 1 << 20}, func() int {
				err = set.decode(&part, bytes.NewReader(file), 2)
				return len(file)
			})
			if err == nil && (part.Len() != 2 || len(part.Pixels) != 2*cifarFeatures) || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("%d samples, %v", part.Len(), err)
			}
			for _, label := range part.Labels {
				if int(label) >= set.classes[set.label] {
					t.Errorf("label %d", label)
				}
			}
		}
	})
}
