package settings

import (
	"strings"
	"testing"
)

func TestCheckConfigText(t *testing.T) {
	for _, c := range []struct {
		text string
		fits bool
	}{
		{"", true},
		{"data = \"../images\"\nlearning-rate = 0.001\n" + strings.Repeat("  # ... [see above]\n", 1000), true},
		{strings.Repeat("a.", maxNesting), true},
		{"a" + strings.Repeat(".a", maxNesting+1) + " = 1", false},
		{"[a" + strings.Repeat(".a", maxNesting) + "]", false},
		{"a = " + strings.Repeat("[\n", maxNesting+1), false},
		{"a = " + strings.Repeat("{a=", maxNesting+1), false},
	} {
		if err := checkNesting([]byte(c.text), maxNesting); (err == nil) != c.fits {
			t.Errorf("%.40q: %v", c.text, err)
		}
	}
}
