package report

import (
	"io"
	"path/filepath"

	"nashprune/trainer/atomicfile"
)

// PictureFile is the name of the picture in a run folder.
const PictureFile = "run.svg"

// SavePicture draws the picture of a finished run into its folder. One without training has
// none, since nothing in it takes time.
func SavePicture(dir string) (drawn bool, err error) {
	run, err := ReadRun(dir)
	if err != nil || run.Config.Epochs == 0 {
		return false, err
	}
	return true, atomicfile.Write(filepath.Join(dir, PictureFile), func(w io.Writer) error { return Picture(w, run) })
}
