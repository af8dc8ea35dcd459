package trainer

import (
	"os"

	"nashprune/trainer/dataset"
	"nashprune/trainer/settings"
)

// mostFitted is the size in bytes from which a file of data is taken for large enough, so that
// it need not be read for its number of samples alone.
const mostFitted = 64 << 20

// Fit returns the configuration with the settings that are not named as the size of the data asks
// for, see [settings.Config.Fit], and these settings, as flags. It is for tables and arrays of
// one's own: named data sets have the defaults. Of data that cannot be read a run says why.
func Fit(c settings.Config, named func(setting string) bool) (settings.Config, string) {
	if info, err := os.Stat(c.Data); !dataset.IsTable(c.Data) || err != nil || info.Size() > mostFitted {
		return c, ""
	}
	data, err := openData(c.Data, c.DataOptions())
	if err != nil {
		return c, ""
	}
	return c.Fit(data.Train.Len(), named)
}
