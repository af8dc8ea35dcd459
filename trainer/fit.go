package trainer

import (
	"fmt"
	"os"

	"nashprune/trainer/dataset"
	"nashprune/trainer/settings"
)

// mostFitted is the size in bytes from which a file of data is taken for large enough, so that
// it need not be read for its number of samples alone.
const mostFitted = 64 << 20

// A Fitter gives configurations settings by the size of their data. It reads data once, however
// many runs it has.
type Fitter map[string]int // training samples of data with its options

// Fit returns the configuration with the settings that are not named as the size of the data asks
// for, see [settings.Config.Fit], and these settings, as flags. It is for tables and arrays of
// one's own: named data sets have the defaults. Of data that cannot be read a run says why.
func (f Fitter) Fit(c settings.Config, named func(setting string) bool) (settings.Config, string) {
	if !dataset.IsTable(c.Data) {
		return c, ""
	}
	options := c.DataOptions() // without those that do not change how many samples there are
	options.Seed, options.Normalise, options.NormaliseBytes = 0, nil, nil
	key := fmt.Sprintf("%s %+v", c.Data, options)
	if _, known := f[key]; !known {
		if info, err := os.Stat(c.Data); err != nil || info.Size() > mostFitted {
			return c, ""
		}
		data, err := openData(c.Data, options)
		if err != nil {
			return c, ""
		}
		f[key] = data.Train.Len()
	}
	return c.Fit(f[key], named)
}
