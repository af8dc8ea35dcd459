package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLicenses: every module whose code is in the program has its licence there, in its version.
func TestLicenses(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags=glfw", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, modules := succeed(t, "version", "--licenses"), 0
	for module := range strings.Lines(string(out)) {
		if module = strings.TrimSpace(module); module == "" {
			continue
		}
		modules++
		path, version, _ := strings.Cut(module, " ")
		if !strings.Contains(text, "\n"+path) || !strings.Contains(text, " "+version+": ") {
			t.Errorf("no licence of %s: run make licenses", module)
		}
	}
	if modules < 5 || strings.Count(text, "Permission") < 3 {
		t.Errorf("%d modules", modules)
	}
}
