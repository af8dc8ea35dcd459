//go:build cgo && linux

package compute_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
	"nashprune/trainer"
)

// Every call that can fail does so once, in all that is ever done with a device:
// the error says which and of what kind, and nothing is left behind (of which
// testdata/fault.c makes sure).
func TestEveryFailure(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libfault.so")
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, "testdata/fault.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, output)
	}
	if !vktest.Alone(t, compute.LoaderVariable+"="+library) {
		return
	}
	for result, kind := range map[string]error{"-2": trainer.ErrOutOfMemory, "-4": trainer.ErrDeviceLost} {
		seen := map[string]bool{}
		call := 0
		for ; ; call++ {
			os.Setenv("FAULT", fmt.Sprintf("%d:%s", call, result))
			err := everything()
			if err == nil {
				break
			}
			var failure *compute.Error
			if !errors.Is(err, kind) || !errors.As(err, &failure) || !strings.HasPrefix(failure.Call, "vk") {
				t.Errorf("call %d gives %s: %v", call, result, err)
				continue
			}
			seen[failure.Call] = true
		}
		t.Logf("%d calls of %d functions gave %s", call, len(seen), result)
		if call < 40 || len(seen) < 22 {
			t.Errorf("only %d calls of %d functions failed: %v", call, len(seen), seen)
		}
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
	p.Barrier()
	p.Dispatch(backwards, [3]int{2, 1, 1}, nil, a.Part(0, 1024), a.Part(1024, 1024))
	p.Barrier()
	p.Copy(a, b)
	if err := p.Record(true); err != nil {
		return err
	}
	if err := p.Run(2); err != nil {
		return err
	}
	return d.Read(a, make([]byte, 4096))
}
