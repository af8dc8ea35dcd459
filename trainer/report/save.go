package report

import (
	"io"
	"path/filepath"

	"nashprune/trainer/atomicfile"
)

// PictureFile is the name of the picture in a run folder.
const PictureFile = "run.svg"

// SavePicture draws the picture of a finished run into its folder.
func SavePicture(dir string) error {
	run, err := ReadRun(dir)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, PictureFile), func(w io.Writer) error { return Picture(w, run) })
}
