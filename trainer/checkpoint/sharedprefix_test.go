package checkpoint

import (
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestPrefixesAreSharedByPlacement: where the samples are changes no result, so runs
// that differ in it share a prefix; the seed and the network change all of them.
func TestPrefixesAreSharedByPlacement(t *testing.T) {
	g := networktest.Perceptron(4, 3, 2).Graph
	path := func(change func(*settings.Config)) string {
		t.Helper()
		c := settings.Default()
		change(&c)
		path, err := SharedPrefixPath("folder", c, record.Data{}, g, backend.Device{}, "")
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	anywhere := path(func(*settings.Config) {})
	for _, placement := range []backend.Placement{backend.Resident, backend.Streamed} {
		if other := path(func(c *settings.Config) { c.DataOnDevice = placement }); other != anywhere {
			t.Errorf("with %s samples it is %s, else %s", placement, other, anywhere)
		}
	}
	if other := path(func(c *settings.Config) { c.Seed++ }); other == anywhere {
		t.Errorf("with another seed it is %s, too", other)
	}
	g = networktest.Perceptron(4, 2, 2).Graph
	if other := path(func(*settings.Config) {}); other == anywhere {
		t.Errorf("with another network it is %s, too", other)
	}
}
