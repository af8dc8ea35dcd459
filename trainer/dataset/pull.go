package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/download"
	"nashprune/trainer/filelock"
)

// lockSuffix ends the name of the file beside the folder of a data set by which one
// process at a time pulls it.
const lockSuffix = ".lock"

// Where data sets come from.
const (
	mnistSource   = "https://ossci-datasets.s3.amazonaws.com/mnist/"
	fashionSource = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
)

const (
	mostIDXBytes    = 64 << 20 // gzipped; the largest file takes 26 MB
	mostIDXUnpack   = 1 << 26  // bytes; the largest file takes 47 MB
	mostTarEntries  = 64       // of an archive of CIFAR, which has at most eight and a folder
	mostCIFARUnpack = 1 << 28  // bytes; it has 185 MB
)

// Pulled says what [Pull] did.
type Pulled struct {
	Entry
	URL     string // the file, or the folder of files, on the server
	Fetched bool   // false where it was there already, and sound
}

// sources says where each file comes from. Tests put their own in its place.
type sources struct {
	mnist, fashion string
	mnistSums      files // SHA-256, uncompressed
	fashionSums    files // MD5, gzipped
	cifar          []cifarSet
	folder         string // for data sets; empty: the one in the user's cache
}

var published = sources{mnist: mnistSource, fashion: fashionSource, mnistSums: mnistChecksums, fashionSums: fashionChecksums, cifar: []cifarSet{cifar10, cifar100}}

// cifarOf returns the data set of CIFAR of a name; false if it is none.
func (s sources) cifarOf(name string) (cifarSet, bool) {
	i := slices.IndexFunc(s.cifar, func(c cifarSet) bool { return c.name == name })
	if i < 0 {
		return cifarSet{}, false
	}
	return s.cifar[i], true
}

// PullEvents receive what happens during [Pull].
type PullEvents struct {
	Waiting  func(Pulled) // another process pulls the same data set, and this one waits
	Fetching func(Pulled) // the data set is not there, or not sound, and will be fetched
}

// Pull puts mnist, fashion, cifar10 or cifar100 into a folder for data sets, or where dir is empty
// into the one in the user's cache, where [Open] finds it, and verifies it by its published checksums before it is used. What is there
// already and sound stays. One process at a time pulls a data set; others wait for
// it and find what it has fetched. Errors wrap [ErrUnknown] for other names, those
// of package download, and [ErrInvalid].
func Pull(ctx context.Context, name, dir string, client *download.Client, events PullEvents) (Pulled, error) {
	from := published
	from.folder = dir
	return from.pull(ctx, name, client, events)
}

func (s sources) pull(ctx context.Context, name string, client *download.Client, events PullEvents) (Pulled, error) {
	urls := map[string]string{mnistName: s.mnist, fashionName: s.fashion}
	for _, c := range s.cifar {
		urls[c.name] = c.url
	}
	url, ok := urls[name]
	if !ok {
		return Pulled{}, fmt.Errorf("%w %q: %s, %s, %s and %s can be pulled", ErrUnknown, name, mnistName, fashionName, cifarName, cifar100Name)
	}
	cache := s.folder
	if cache == "" {
		var err error
		if cache, err = cacheFolder(); err != nil {
			return Pulled{}, fmt.Errorf("there is no folder for the user's cache: %w", err)
		}
	}
	entries := List("")
	pulled := Pulled{Entry: entries[slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })], URL: url}
	pulled.Where, pulled.Missing = filepath.Join(cache, name), ""
	if s.sound(name, pulled.Where) {
		return pulled, nil
	}
	if err := os.MkdirAll(pulled.Where, 0o755); err != nil {
		return pulled, atomicfile.Advised(err)
	}
	unlock, err := filelock.Wait(ctx, pulled.Where+lockSuffix, func() { events.Waiting(pulled) })
	if err != nil {
		return pulled, err
	}
	defer unlock()
	if s.sound(name, pulled.Where) { // the process that had the lock fetched it
		return pulled, nil
	}
	pulled.Fetched = true
	events.Fetching(pulled)
	if c, ok := s.cifarOf(name); ok {
		return pulled, c.pull(ctx, client, pulled.Where)
	}
	return pulled, s.pullFiles(ctx, client, pulled)
}

// sound reports whether a folder holds what pull writes.
func (s sources) sound(name, folder string) bool {
	if c, ok := s.cifarOf(name); ok {
		return c.sound(folder)
	}
	for i := range fileNames {
		if s.checkIDX(name, i, idxPath(folder, i)) != nil {
			return false
		}
	}
	return true
}

// idxPath returns the path of one of the four gzipped IDX files of a data set.
func idxPath(folder string, i int) string { return filepath.Join(folder, fileNames[i]+".gz") }

// checkIDX says what is wrong with one of the four files of mnist or fashion.
func (s sources) checkIDX(name string, i int, path string) error {
	if name == fashionName {
		return checkFile(path, md5.New(), s.fashionSums[i], newBudget(mostIDXBytes))
	}
	dimensions := imageDimensions
	if i%2 == 1 {
		dimensions = labelDimensions
	}
	a, err := readIDX(path, dimensions, newBudget(mostIDXUnpack))
	if err != nil {
		return err
	}
	return verify(a, path, s.mnistSums[i])
}

// pullFiles fetches the four gzipped IDX files that are not there or not sound.
func (s sources) pullFiles(ctx context.Context, client *download.Client, p Pulled) error {
	for i, name := range fileNames {
		path := idxPath(p.Where, i)
		check := func(path string) error { return s.checkIDX(p.Name, i, path) }
		if check(path) == nil {
			continue
		}
		err := client.Get(ctx, download.File{URL: p.URL + name + ".gz", Path: path, Most: mostIDXBytes, Check: check})
		if err != nil {
			return err
		}
	}
	return nil
}

// pull fetches the archive, and unpacks it once it is verified. An archive
// that could not be unpacked, as on a full disk, stays for the next time.
func (c cifarSet) pull(ctx context.Context, client *download.Client, folder string) error {
	archive := filepath.Join(folder, c.archive)
	check := func(path string) error { return checkFile(path, sha256.New(), c.checksum, newBudget(c.bytes)) }
	if check(archive) != nil {
		err := client.Get(ctx, download.File{URL: c.url, Path: archive, Most: c.bytes, Size: c.bytes, Check: check})
		if err != nil {
			return err
		}
	}
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := c.unpack(ctx, file, folder); err != nil && !c.sound(folder) {
		return fmt.Errorf("unpack %s: %w", archive, err)
	}
	file.Close() // Windows removes no open file
	return os.Remove(archive)
}

// sound reports whether a folder holds what pull writes.
func (c cifarSet) sound(folder string) bool {
	sums, err := c.readSums(folder)
	if err != nil || sums == nil {
		return false
	}
	for _, name := range c.files {
		if checkFile(filepath.Join(folder, name), sha256.New(), sums[name], newBudget(0)) != nil {
			return false
		}
	}
	return true
}

// unpack writes the files of the data set from its archive to a folder, each
// whole or not at all, and their checksums last. Names in the archive are
// compared, never used.
func (c cifarSet) unpack(ctx context.Context, r io.Reader, folder string) error {
	sums := map[string]string{}
	err := c.eachFile(r, newBudget(mostCIFARUnpack), func(name string, content []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		sums[name] = hex.EncodeToString(sum[:])
		return atomicfile.Write(filepath.Join(folder, name), func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
	})
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(folder, sumsFile), func(w io.Writer) error {
		for _, name := range c.files {
			if _, err := fmt.Fprintf(w, "%s  %s\n", sums[name], name); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachFile calls visit with the name and the content of each of the files in an archive,
// which have as many records and are labelled as they should be. It is an error if one is missing or comes twice.
func (c cifarSet) eachFile(r io.Reader, limit *budget, visit func(name string, content []byte) error) error {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return readError(err, "gzip header")
	}
	archive := tar.NewReader(limit.reader(unzipped))
	seen := map[string]bool{}
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return tarError(err)
		}
		if entries == mostTarEntries {
			return fmt.Errorf("%w: more than %d files in the archive", ErrInvalid, mostTarEntries)
		}
		name := path.Base(header.Name)
		file := slices.Index(c.files, name)
		if file < 0 || header.Name != c.folder+"/"+name || header.Typeflag != tar.TypeReg {
			continue
		}
		size := c.records[file] * c.record()
		if seen[name] || header.Size != int64(size) {
			return fmt.Errorf("%w: %s has %d bytes instead of %d, or comes twice", ErrInvalid, name, header.Size, size)
		}
		seen[name] = true
		content, err := readGrowing(archive, size)
		if err != nil {
			return tarError(err)
		}
		if err := c.decode(new(Samples), bytes.NewReader(content), c.records[file]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := visit(name, content); err != nil {
			return err
		}
	}
	if len(seen) != len(c.files) {
		return fmt.Errorf("%w: the archive holds %d of the %d files", ErrInvalid, len(seen), len(c.files))
	}
	return nil
}

func tarError(err error) error {
	if errors.Is(err, tar.ErrHeader) {
		return fmt.Errorf("%w: not a tar archive, or a damaged one", ErrInvalid)
	}
	return readError(err, "archive")
}
