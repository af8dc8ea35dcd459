//go:build cgo && linux

package vktest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
)

func TestMain(m *testing.M) { vktest.Main(m) }

// what says what the test that runs in processes of its own does.
const what = "NASHPRUNE_VKTEST_WHAT"

func TestMainSaysWhatIsWrong(t *testing.T) {
	noDevice, noLayer, mistake := "VK_DRIVER_FILES=/nonexistent", "VK_LAYER_PATH=/nonexistent", what+"=mistake"
	const bounds = "NASHPRUNE_GPU_ASSISTED=1"
	for _, c := range []struct {
		variables []string
		passes    bool
		says      string
	}{
		{[]string{"CI=true"}, true, ""},
		{[]string{"CI="}, true, ""},
		{[]string{"CI=true", mistake}, false, "SYNC-HAZARD-WRITE-AFTER-WRITE"},
		{[]string{"CI=", mistake}, false, "SYNC-HAZARD-WRITE-AFTER-WRITE"},
		{[]string{"CI=true", bounds}, true, ""},
		{[]string{"CI=true", bounds, what + "=overrun"}, false, "access out of bounds"},
		{[]string{"CI=true", noDevice}, false, "Vulkan cannot be used here: no Vulkan driver"},
		{[]string{"CI=", noDevice}, true, "tests are skipped, since Vulkan cannot be used here: no Vulkan driver"},
		{[]string{"CI=true", noLayer}, false, "tests ran without validation"},
		{[]string{"CI=", noLayer}, true, "tests ran without validation"},
		{[]string{"CI=", what + "=failure"}, false, "on purpose"},
	} {
		command := exec.Command(os.Args[0], "-test.run=^TestInProcessOfItsOwn$")
		command.Env = append(os.Environ(), c.variables...)
		output, err := command.CombinedOutput()
		if (err == nil) != c.passes || !strings.Contains(string(output), c.says) || c.says == "" && string(output) != "PASS\n" {
			t.Errorf("with %v: %v\n%s", c.variables, err, output)
		}
	}
}

func TestInProcessOfItsOwn(t *testing.T) {
	switch os.Getenv(what) {
	case "failure":
		t.Error("on purpose")
	case "overrun":
		if err := vktest.Overrun(); err != nil {
			t.Fatal(err)
		}
	case "mistake":
		compute.OverlookHazards = true
		d, err := compute.Open(0)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		a, err := d.NewArena(compute.Local, 64)
		if err != nil {
			t.Fatal(err)
		}
		b, p := a.Take(64), d.NewProgram()
		p.Fill(b, 1)
		p.Fill(b, 2)
		if err := p.Record(false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAlone(t *testing.T) {
	if !vktest.Alone(t, "NASHPRUNE_VKTEST_ALONE=yes") {
		if os.Getenv("NASHPRUNE_VKTEST_ALONE") != "" {
			t.Error("the variable is in this process")
		}
		return
	}
	if os.Getenv("NASHPRUNE_VKTEST_ALONE") != "yes" || os.Getenv("VK_INSTANCE_LAYERS") != "" {
		t.Errorf("the environment is %v", os.Environ())
	}
}
