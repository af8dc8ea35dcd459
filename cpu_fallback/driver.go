package cpufallback

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

// DriverName is what users call this backend.
const DriverName = "cpu"

type driver struct{}

var _ backend.Driver = driver{}

func init() { backend.Register(driver{}) }

func (driver) Name() string { return DriverName }

// gonumName is how a device is called whose matrix products are gonum's.
const gonumName = "gonum"

// Devices lists the processor once for each library that can multiply matrices:
// with OpenBLAS, where the system has it, and with gonum.
func (driver) Devices() ([]backend.Device, error) {
	libraries := []string{gonumName}
	if found, err := findOpenBLAS(); err == nil {
		libraries = []string{found.version, gonumName}
	}
	var devices []backend.Device
	for i, library := range libraries {
		devices = append(devices, backend.Device{Driver: DriverName, Index: i, Name: processorName(), Kind: backend.CPU, BLAS: library})
	}
	return devices, nil
}

func (driver) Open(device backend.Device, d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	plan, err := driver{}.Plan(device, d, o, s.Network.Graph)
	if err == nil {
		err = plan.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", device.ID(), err)
	}
	if device.BLAS == gonumName {
		return open[float32](gonum32{}, d, o, s)
	}
	found, err := findOpenBLAS()
	if err != nil {
		return nil, err
	}
	return open[float32](found, d, o, s)
}

// OpenOracle opens an engine that computes in float64. Its state goes to the host
// as float32, so that Pull then Push rounds it.
func OpenOracle(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	return open[float64](gonum64{}, d, o, s)
}

// processorName returns what the processor calls itself, where the system says, and its
// architecture otherwise, with the number of cores in use.
func processorName() string {
	name := runtime.GOARCH
	if file, err := os.Open("/proc/cpuinfo"); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	if threads := runtime.GOMAXPROCS(0); threads > 1 {
		return fmt.Sprintf("%s, %d threads", name, threads)
	}
	return name + ", 1 thread"
}
