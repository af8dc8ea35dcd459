package safetensors

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is what a safetensors file holds, or several with an index. All floats are float32,
// with the type that they had.
type File struct {
	Metadata map[string]string // of the first file
	Tensors  []Tensor
	Digest   string // SHA-256 of the file, or of the index and the files in their order, in hexadecimal
}

const (
	// IndexSuffix is that of a file which says in which of several files each tensor is.
	IndexSuffix = ".safetensors.index.json"

	folderFile = "model.safetensors" // in a folder, as its index is called, too
	maxShards  = 10000
)

// IsFile reports whether [ReadFile] reads a path: a .safetensors file, an index, or a folder.
func IsFile(path string) bool {
	info, err := os.Stat(path)
	return strings.HasSuffix(path, ".safetensors") || strings.HasSuffix(path, IndexSuffix) || err == nil && info.IsDir()
}

// ReadFile reads the file of a path, all the files of an index, or those of a folder that
// holds model.safetensors.index.json or model.safetensors. It takes the memory of the numbers
// as float32 and little more. Errors name the file, and are those of [Read].
func ReadFile(path string) (*File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder := path
		path = filepath.Join(folder, strings.TrimSuffix(folderFile, ".safetensors")+IndexSuffix)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			path = filepath.Join(folder, folderFile)
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s: the folder has no %s and no index of one: name a file in it: %w", folder, folderFile, err)
			}
		}
	}
	f, sum := new(File), sha256.New()
	var err error
	if strings.HasSuffix(path, IndexSuffix) {
		err = f.readShards(path, sum)
	} else {
		f.Metadata, f.Tensors, err = readPart(path, sum)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.Digest = hex.EncodeToString(sum.Sum(nil))
	return f, nil
}

// readPart reads one file, and adds its bytes to a sum.
func readPart(path string, sum hash.Hash) (map[string]string, []Tensor, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := info.Size()
	if !info.Mode().IsRegular() { // a pipe says nothing of its size
		size = -1
	}
	return read(io.TeeReader(file, sum), size, true)
}

// readShards reads an index and the files that it names.
func (f *File) readShards(path string, sum hash.Hash) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxHeader+1))
	if err != nil {
		return err
	}
	shards, places, err := decodeIndex(text)
	if err != nil {
		return err
	}
	sum.Write(text)
	for i, name := range shards {
		metadata, tensors, err := readPart(filepath.Join(filepath.Dir(path), name), sum)
		if err != nil {
			return fmt.Errorf("%.80q: %w", name, err)
		}
		if i == 0 {
			f.Metadata = metadata
		}
		for _, t := range tensors {
			if places[t.Name] != name {
				return fmt.Errorf("%.80q holds tensor %.40q, which the index does not name there", name, t.Name)
			}
			delete(places, t.Name)
		}
		f.Tensors = append(f.Tensors, tensors...)
	}
	for name, shard := range places {
		return fmt.Errorf("tensor %.40q is missing in %.80q, where the index names it", name, shard)
	}
	return nil
}

// decodeIndex returns the files of an index in order, and the file of each tensor.
func decodeIndex(text []byte) (shards []string, places map[string]string, err error) {
	var index struct {
		Places map[string]string `json:"weight_map"`
	}
	if len(text) > maxHeader {
		return nil, nil, fmt.Errorf("the index has more than %d bytes", maxHeader)
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, nil, fmt.Errorf("the index is no JSON with a weight_map of names: %w", err)
	}
	for _, name := range index.Places {
		if name != filepath.Base(name) || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
			return nil, nil, fmt.Errorf("the index names the file %.80q; it must be one beside the index", name)
		}
		shards = append(shards, name)
	}
	slices.Sort(shards)
	shards = slices.Compact(shards)
	if len(shards) == 0 || len(shards) > maxShards {
		return nil, nil, fmt.Errorf("the index names %d files; it must name 1 to %d", len(shards), maxShards)
	}
	return shards, index.Places, nil
}
