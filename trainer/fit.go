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
// one's own: named data sets have the defaults. Errors are those of the data.
func Fit(c settings.Config, named func(setting string) bool) (settings.Config, string, error) {
	if !dataset.IsTable(c.Data) {
		return c, "", nil
	}
	if info, err := os.Stat(c.Data); err == nil && info.Size() > mostFitted {
		return c, "", nil
	}
	data, err := openData(c.Data, c.DataOptions())
	if err != nil {
		return c, "", err
	}
	c, chosen := c.Fit(data.Train.Len(), named)
	return c, chosen, nil
}
