//go:build glfw && cgo && linux

package window

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-gl/glfw/v3.3/glfw"

	"nashprune/gpu/internal/compute"
	"nashprune/gpu/internal/vktest"
)

// TestMain runs the tests on a display of their own, under validation of every instance.
func TestMain(m *testing.M) {
	runtime.LockOSThread() // with the thread that starts it the display ends
	if err := startDisplay(); err != nil {
		fmt.Fprintln(os.Stderr, "tests are skipped, since there is no display:", err)
		if os.Getenv("CI") == "true" {
			os.Exit(1)
		}
		os.Exit(0)
	}
	vktest.Main(m)
}

// startDisplay starts Xvfb, unless a process before this one has, and asks GLFW for the
// extensions that instances need there.
func startDisplay() error {
	const started = "NASHPRUNE_TEST_DISPLAY"
	if os.Getenv(started) == "" {
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		command := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp")
		command.ExtraFiles = []*os.File{write}
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := command.Start(); err != nil {
			return fmt.Errorf("install the Debian package xvfb: %w", err)
		}
		write.Close()
		number, err := bufio.NewReader(read).ReadString('\n')
		if err != nil {
			return fmt.Errorf("Xvfb: %w", err)
		}
		os.Setenv("DISPLAY", ":"+strings.TrimSpace(number))
		os.Setenv(started, "1")
	}
	if err := glfw.Init(); err != nil {
		return err
	}
	defer glfw.Terminate()
	compute.SurfaceExtensions = (*glfw.Window)(nil).GetRequiredInstanceExtensions()
	if compute.SurfaceExtensions == nil {
		return fmt.Errorf("the Vulkan loader has no surfaces for it")
	}
	return nil
}

// openWindow opens a window that this goroutine may use, and that ends with the test.
func openWindow(t *testing.T, save func([]byte) (string, error)) *Window {
	t.Helper()
	runtime.LockOSThread()
	w, err := Open(t.Context(), save)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
