//go:build cgo && linux

package compute_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
)

// Results that only some calls have, beside lack of memory, which all have.
var (
	lost    = []vk.Result{vk.ErrorDeviceLost}
	results = map[string][]vk.Result{
		"vkCreateInstance": {
			vk.ErrorInitializationFailed, vk.ErrorLayerNotPresent, vk.ErrorExtensionNotPresent, vk.ErrorIncompatibleDriver,
		},
		"vkEnumeratePhysicalDevices":           {vk.ErrorInitializationFailed},
		"vkEnumerateDeviceExtensionProperties": {vk.ErrorLayerNotPresent},
		"vkCreateDevice": {
			vk.ErrorDeviceLost, vk.ErrorInitializationFailed, vk.ErrorExtensionNotPresent, vk.ErrorFeatureNotPresent, vk.ErrorTooManyObjects,
		},
		"vkAllocateMemory":         {vk.ErrorTooManyObjects},
		"vkMapMemory":              {vk.ErrorMemoryMapFailed},
		"vkCreateShaderModule":     {vk.ErrorInvalidShaderNv},
		"vkCreateComputePipelines": {vk.ErrorInvalidShaderNv},
		"vkCreateDescriptorPool":   {vk.ErrorFragmentation},
		"vkAllocateDescriptorSets": {vk.ErrorFragmentedPool, vk.ErrorOutOfPoolMemory},
		"vkQueueSubmit":            lost,
		"vkWaitForFences":          {vk.ErrorDeviceLost, vk.Timeout},
		"vkGetQueryPoolResults":    {vk.ErrorDeviceLost, vk.NotReady},
	}
	memory = []vk.Result{vk.ErrorOutOfHostMemory, vk.ErrorOutOfDeviceMemory}
	// What newer Vulkans call an error.
	unknown = []vk.Result{-13, -1000999999}
)

// kindOf returns the kind of error that a result is.
func kindOf(r vk.Result) error {
	switch {
	case r == vk.ErrorDeviceLost, r == vk.Timeout:
		return compute.ErrDeviceLost
	case slices.Contains(memory, r), r == vk.ErrorFragmentation, r == vk.ErrorFragmentedPool, r == vk.ErrorOutOfPoolMemory:
		return compute.ErrOutOfMemory
	}
	return nil
}

// Every call that can fail does so once with each result that it can have, in all
// that is ever done with a device: the error says which and of what kind, and
// nothing is left behind. Of that testdata/fault.c makes sure, and when every
// function lacks memory once, the validation layer, too.
func TestEveryFailure(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	folder := t.TempDir()
	library := filepath.Join(folder, "libfault.so")
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, "testdata/fault.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, output)
	}
	if !vktest.Alone(t, compute.LoaderVariable+"="+library) {
		return
	}
	type failing struct {
		call   int
		result vk.Result
	}
	var waits []failing
	try := func(f failing) (name string) {
		t.Helper()
		os.Setenv("FAULT", fmt.Sprintf("%d:%d", f.call, f.result))
		err := everything()
		if err == nil {
			return ""
		}
		var failure *compute.Error
		if !errors.As(err, &failure) || !strings.HasPrefix(failure.Call, "vk") || failure.Result != f.result {
			t.Fatalf("call %d gives %d: %v", f.call, f.result, err)
		}
		for _, kind := range []error{compute.ErrDeviceLost, compute.ErrOutOfMemory} {
			if errors.Is(err, kind) != (kindOf(f.result) == kind) {
				t.Errorf("call %d gives %d: errors.Is %v: %v", f.call, f.result, kind, err)
			}
		}
		return failure.Call
	}
	// At first each of the calls is reported by the device's loss, which none survives.
	seen := map[string]bool{}
	var first []int // call of each function
	for call := 0; ; call++ {
		name := try(failing{call, vk.ErrorDeviceLost})
		if name == "" {
			t.Logf("%d calls of %d functions fail", call, len(seen))
			if call < 45 || len(seen) < 25 {
				t.Errorf("only %d calls of %d functions failed: %v", call, len(seen), seen)
			}
			break
		}
		more := memory[1:]
		if !seen[name] { // once with each
			more = slices.Concat(memory, results[name], unknown)
			if name != "vkWaitForFences" {
				first = append(first, call)
			}
		}
		seen[name] = true
		for _, result := range more {
			f := failing{call, result}
			if name == "vkWaitForFences" {
				waits = append(waits, f)
				continue
			}
			if again := try(f); again != name {
				t.Errorf("call %d is %s, and %s when it gives %d", call, name, again, result)
			}
		}
	}
	for name := range results {
		if !seen[name] {
			t.Errorf("%s was never called", name)
		}
	}
	log := filepath.Join(folder, "log") // of the process that is alone
	variables, err := vktest.Validation(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value)
	}
	for _, call := range append(first, math.MaxInt32) { // the last fails nowhere
		name := try(failing{call, vk.ErrorOutOfDeviceMemory})
		if name == "vkEnumerateInstanceVersion" || name == "vkCreateInstance" { // no layer is loaded then
			continue
		}
		said, err := os.ReadFile(log) // which every instance begins anew
		switch {
		case errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true":
			t.Log("there is no validation layer here")
		case err != nil:
			t.Error(err)
		case len(said) > 0:
			t.Errorf("call %d fails: the validation layer says:\n%s", call, said)
		}
	}
	os.Unsetenv("VK_INSTANCE_LAYERS")
	// It is unknown what a device still does after a failed wait: all is left, the
	// instance too.
	for _, f := range waits {
		try(f)
	}
}

// everything does all that can be done with a device.
func everything() error {
	d, err := compute.Open(0)
	if err != nil {
		return err
	}
	defer d.Close()
	local, err := d.NewArena(compute.Local, 4096)
	if err != nil {
		return err
	}
	host, err := d.NewArena(compute.Host, 4096)
	if err != nil {
		return err
	}
	pipeline, err := d.Pipeline(next)
	if err != nil {
		return err
	}
	backwards, err := d.Pipeline(reverse)
	if err != nil {
		return err
	}
	a, b := local.Take(4096), host.Take(4096)
	if err := d.Write(a, make([]byte, 4096)); err != nil {
		return err
	}
	p := d.NewProgram()
	defer p.Free()
	p.Dispatch(pipeline, [3]int{16, 1, 1}, nil, a)
	p.Dispatch(backwards, [3]int{2, 1, 1}, nil, a.Part(0, 1024), a.Part(1024, 1024))
	p.Copy(a, b)
	if err := p.Record(true); err != nil {
		return err
	}
	if err := p.Run(2); err != nil {
		return err
	}
	return d.Read(a, make([]byte, 4096))
}
