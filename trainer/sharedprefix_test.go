package trainer

import "testing"

// TestPrefixesAreSharedByPlacement: where the samples are changes no result, so runs
// that differ in it share a prefix; the seed changes all of them.
func TestPrefixesAreSharedByPlacement(t *testing.T) {
	path := func(change func(*Config)) string {
		t.Helper()
		c := DefaultConfig()
		change(&c)
		path, err := sharedPrefixPath("folder", c, ResultData{}, Device{}, "")
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	anywhere := path(func(*Config) {})
	for _, placement := range []Placement{Resident, Streamed} {
		if other := path(func(c *Config) { c.DataOnDevice = placement }); other != anywhere {
			t.Errorf("with %s samples it is %s, else %s", placement, other, anywhere)
		}
	}
	if other := path(func(c *Config) { c.Seed++ }); other == anywhere {
		t.Errorf("with another seed it is %s, too", other)
	}
}
