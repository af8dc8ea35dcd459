package dataset

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// tree is the files of a folder or an archive.
type tree interface {
	// each calls visit with the path of every file, in an order that is always the same,
	// and a function that opens it, which is of use until visit returns. Paths have
	// slashes and begin below the folder or in the archive. What is read counts towards
	// the budget.
	each(limit *budget, visit func(name string, open opener) error) error
	Close() error
}

type opener func() (io.ReadCloser, error)

// openTree opens a folder or, by its name, an archive.
func openTree(name string) (tree, error) {
	if fileKind(name) != imageArchive {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, err
		}
		return folderTree{root}, nil
	}
	file, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		info, err := file.Stat()
		if err != nil {
			file.Close()
			return nil, err
		}
		return zipTree{file, info.Size(), file}, nil
	}
	return tarTree{file, file}, nil
}

// ignored reports whether a file or a folder is what systems put beside files: hidden, or
// the forks of macOS.
func ignored(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case strings.HasPrefix(part, ".") && part != ".", part == "__MACOSX", part == "Thumbs.db", part == "desktop.ini":
			return true
		}
	}
	return false
}

var errLink = fmt.Errorf("%w: no file but a link, or a device: put the image itself in its place", ErrInvalid)

// entryName returns the path of an entry of an archive. Paths are only compared, and those
// that lead out of the archive are refused.
func entryName(name string) (string, error) {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("%.80q: %w: it leads out of the archive", name, ErrInvalid)
	}
	return clean, nil
}

// folderTree is a folder. Links within it are followed to files, and none out of it.
type folderTree struct{ *os.Root }

func (t folderTree) each(limit *budget, visit func(string, opener) error) error {
	files := t.FS()
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ignored(name) && entry.IsDir():
			return fs.SkipDir
		case ignored(name) || entry.IsDir():
			return nil
		}
		if info, err := fs.Stat(files, name); err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("%s: %w", name, errLink)
		}
		return visit(name, func() (io.ReadCloser, error) {
			file, err := files.Open(name)
			if err != nil {
				return nil, err
			}
			return limited{limit.reader(file), file}, nil
		})
	})
}

// limited reads within a budget.
type limited struct {
	io.Reader
	io.Closer
}

// zipTree is an archive of zip.
type zipTree struct {
	file io.ReaderAt
	size int64
	io.Closer
}

func (t zipTree) each(limit *budget, visit func(string, opener) error) error {
	archive, err := zip.NewReader(t.file, t.size)
	if err != nil {
		return archiveError(err)
	}
	for _, entry := range archive.File {
		name, err := entryName(entry.Name)
		switch mode := entry.Mode(); {
		case err != nil:
			return err
		case ignored(name) || mode.IsDir():
			continue
		case !mode.IsRegular():
			return fmt.Errorf("%s: %w", name, errLink)
		}
		err = visit(name, func() (io.ReadCloser, error) {
			const encrypted = 0x1
			if entry.Flags&encrypted != 0 {
				return nil, fmt.Errorf("%w: it is encrypted", ErrInvalid)
			}
			r, err := entry.Open()
			if err != nil {
				return nil, archiveError(err)
			}
			return limited{limit.reader(r), r}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tarTree is an archive of tar, compressed with gzip or not.
type tarTree struct {
	file io.ReadSeeker
	io.Closer
}

func (t tarTree) each(limit *budget, visit func(string, opener) error) error {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := inflated(t.file)
	if err != nil {
		return readError(err, "gzip header")
	}
	archive := tar.NewReader(limit.reader(r))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return archiveError(err)
		}
		name, err := entryName(header.Name)
		switch kind := header.Typeflag; {
		case err != nil:
			return err
		case ignored(name), kind == tar.TypeDir, kind == tar.TypeXGlobalHeader:
			continue
		case kind != tar.TypeReg:
			return fmt.Errorf("%s: %w", name, errLink)
		}
		if err := visit(name, func() (io.ReadCloser, error) { return io.NopCloser(archive), nil }); err != nil {
			return err
		}
	}
}

// archiveError turns an error of reading an archive into one about the data.
func archiveError(err error) error {
	switch {
	case errors.Is(err, ErrInvalid):
		return err
	case errors.Is(err, zip.ErrAlgorithm):
		return fmt.Errorf("%w: compressed in another way than by deflate", ErrInvalid)
	}
	return fmt.Errorf("%w: the archive is damaged, or no archive: %w", ErrInvalid, err)
}
