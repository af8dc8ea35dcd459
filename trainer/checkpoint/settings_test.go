package checkpoint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// TestCheckpointsOfAnEarlierProgram: a checkpoint without a setting that this program has
// takes its default; a setting that this program does not have is named.
func TestCheckpointsOfAnEarlierProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), record.CheckpointFile)
	want := ledgerCheckpoint(t, 6)
	describe := func(old, by string) error {
		t.Helper()
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		metadata, tensors, err := safetensors.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		text := strings.Replace(metadata[checkpointKey], old, by, 1)
		if text == metadata[checkpointKey] {
			t.Fatalf("there is no %s in %s", old, text)
		}
		metadata[checkpointKey] = text
		if metadata[checksumKey], err = checksum(text, tensors); err != nil {
			t.Fatal(err)
		}
		if file, err = os.Create(path); err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := safetensors.Write(file, metadata, tensors); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err == nil && got.Config != want.Config {
			t.Errorf("without %s the configuration is %+v", old, got.Config)
		}
		return err
	}
	for _, field := range []string{`"Patience":0,`, `"Schedule":"cosine",`} { // the second is decided on from the game
		if err := describe(field, ""); err != nil {
			t.Errorf("without %s: %v", field, err)
		}
	}
	if err := describe(`"Patience":0,`, `"Colour":3,`); err == nil || !strings.Contains(err.Error(), `"Colour"`) {
		t.Errorf("with another setting: %v", err)
	}
}
