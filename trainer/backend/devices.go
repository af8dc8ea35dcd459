package backend

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Device is something that a network can be trained on.
type Device struct {
	Driver     string     `json:"driver"`
	Index      int        `json:"index"` // among the devices of the driver
	Name       string     `json:"name"`
	Kind       DeviceKind `json:"kind"`
	BLAS       string     `json:"blas,omitempty"`        // what multiplies matrices, on CPUs
	DriverInfo string     `json:"driver_info,omitempty"` // what a GPU's driver says of itself: name and version
	Kernels    string     `json:"kernels,omitempty"`     // which of its kernel sets computes, where it has several (see [Device.WithKernels])
}

// Computes says what the device computes with: the library of a CPU, the driver and
// the kernels of a GPU.
func (d Device) Computes() string {
	words := d.BLAS + d.DriverInfo // a device has one of them
	if d.Kernels != "" {
		words += ", kernels " + d.Kernels
	}
	return words
}

// name names the device with the library of a CPU.
func (d Device) name() string {
	if d.BLAS == "" {
		return d.Name
	}
	return d.Name + ", " + d.BLAS
}

// ID is how users name exactly this device: DRIVER:N.
func (d Device) ID() string { return fmt.Sprintf("%s:%d", d.Driver, d.Index) }

// DeviceKind says what a device is made of.
type DeviceKind string

const (
	DiscreteGPU   DeviceKind = "discrete-gpu"
	IntegratedGPU DeviceKind = "integrated-gpu"
	VirtualGPU    DeviceKind = "virtual-gpu"
	CPU           DeviceKind = "cpu"
	SoftwareGPU   DeviceKind = "software-gpu" // a graphics driver that runs on the CPU
)

// preference is the order in which "auto" looks for a device. A software GPU runs
// on the same processor as the CPU backend and is used only when asked for by name.
var preference = []DeviceKind{DiscreteGPU, IntegratedGPU, VirtualGPU, CPU}

// ErrNoDevice is wrapped by errors about devices that do not exist.
var ErrNoDevice = errors.New("no such device")

var drivers = map[string]Driver{}

// Register makes a driver available. It panics when the name is taken. Call it
// from an init function.
func Register(d Driver) {
	if _, taken := drivers[d.Name()]; taken {
		panic("trainer: two drivers are named " + d.Name())
	}
	drivers[d.Name()] = d
}

// Inventory lists the devices of every registered driver, and by driver why
// there is none, or which others cannot be used.
func Inventory() (devices []Device, missing map[string]error) {
	missing = map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(drivers)) {
		found, err := drivers[name].Devices()
		if err != nil {
			missing[name] = err
		}
		devices = append(devices, found...)
	}
	return devices, missing
}

// Choice is the device that a user's words mean, and why it is that one.
type Choice struct {
	Device
	Reason string `json:"reason"`
}

// String names the device, with the library of a CPU, and says why it is that one.
func (c Choice) String() string {
	return fmt.Sprintf("%s, %s (%s)", c.ID(), c.name(), c.Reason)
}

// FindAgain returns the device for which same holds: the one that a user's words mean, as
// in [ChooseDevice], or else the first of all. The error is of the kind [ErrNoDevice] and
// names the devices that exist.
func FindAgain(words string, same func(Device) bool) (Device, error) {
	if device, err := FindDevice(words); err == nil && same(device) {
		return device, nil // and no other driver is asked
	}
	devices, missing := Inventory()
	if i := slices.IndexFunc(devices, same); i >= 0 {
		return devices[i], nil
	}
	return Device{}, fmt.Errorf("%w; there is %s", ErrNoDevice, describe(devices, missing))
}

// FindDevice returns the device that a user's words mean, as [ChooseDevice] does.
func FindDevice(words string) (Device, error) {
	choice, err := ChooseDevice(words)
	return choice.Device, err
}

// ChooseDevice returns the device that a user's words mean: "auto" (the fastest
// kind there is, and never a software GPU), a driver's name (the fastest kind
// that it has), DRIVER:N (its device number N), N (GPU number N, the fastest kinds first), or a part of the name of a device
// or of the library that multiplies its matrices, in any case. Errors are of the kind
// [ErrNoDevice] and name the devices that exist.
func ChooseDevice(words string) (Choice, error) {
	wanted := strings.ToLower(strings.TrimSpace(words))
	if name, _, _ := strings.Cut(wanted, ":"); drivers[name] != nil { // and no other driver is asked
		devices, err := drivers[name].Devices()
		if len(devices) == 0 && err != nil {
			return Choice{}, fmt.Errorf("%w: %q is not available: %w", ErrNoDevice, words, err)
		}
		return choose(words, devices, nil, func(d Device) bool { return wanted == d.Driver || wanted == d.ID() })
	}
	devices, missing := Inventory()
	if wanted == "" || wanted == "auto" {
		return chooseFastest(devices, missing)
	}
	if n, err := strconv.Atoi(wanted); err == nil && n >= 0 { // else part of a name, such as 4090
		gpus := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Kind == CPU })
		if slices.SortStableFunc(gpus, byPreference); n < len(gpus) {
			return Choice{gpus[n], fmt.Sprintf("GPU %d of %d, from 0", n, len(gpus))}, nil
		}
	}
	return choose(words, devices, missing, func(d Device) bool { return strings.Contains(strings.ToLower(d.Name+" "+d.BLAS), wanted) })
}

// chooseFastest returns the first device of the kind that "auto" prefers.
func chooseFastest(devices []Device, missing map[string]error) (Choice, error) {
	candidates := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return rank(d) == len(preference) })
	if len(candidates) == 0 {
		return Choice{}, fmt.Errorf("%w that is chosen without being named; there is %s", ErrNoDevice, describe(devices, missing))
	}
	slices.SortStableFunc(candidates, byPreference)
	first := candidates[0]
	if first.Kind != CPU {
		return Choice{first, fmt.Sprintf("auto: the first %s", first.Kind)}, nil
	}
	reason := "auto: no GPU was found"
	if why := reasons(missing); why != "" {
		reason += " (" + why + ")"
	}
	for _, d := range devices {
		if d.Kind == SoftwareGPU {
			return Choice{first, reason + "; software devices such as " + d.ID() + " are used only when named"}, nil
		}
	}
	return Choice{first, reason}, nil
}

// choose returns the device that auto would prefer among those that fit what the
// user said in words.
func choose(words string, devices []Device, missing map[string]error, fits func(Device) bool) (Choice, error) {
	fitting := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return !fits(d) })
	if len(fitting) == 0 {
		return Choice{}, fmt.Errorf("%w: %q; there is %s", ErrNoDevice, words, describe(devices, missing))
	}
	slices.SortStableFunc(fitting, byPreference)
	reason := fmt.Sprintf("%q", words)
	if len(fitting) > 1 {
		reason = fmt.Sprintf("the first of %d that %q fits, also %s", len(fitting), words, list(fitting[1:]))
	}
	return Choice{fitting[0], reason}, nil
}

// byPreference puts the kinds that "auto" looks for in their order, and those
// that it never takes last.
func byPreference(a, b Device) int { return rank(a) - rank(b) }

func rank(d Device) int {
	if i := slices.Index(preference, d.Kind); i >= 0 {
		return i
	}
	return len(preference)
}

// describe says in one line what devices there are and which drivers have none.
func describe(devices []Device, missing map[string]error) string {
	text := "none"
	if len(devices) > 0 {
		text = list(devices)
	}
	if why := reasons(missing); why != "" {
		text += "; " + why
	}
	return text
}

// list names devices; the CPU is there once for each library that multiplies its
// matrices, by which alone its devices differ.
func list(devices []Device) string {
	var known []string
	for _, d := range devices {
		known = append(known, fmt.Sprintf("%s (%s)", d.ID(), d.name()))
	}
	return strings.Join(known, ", ")
}

// reasons says why drivers have no devices, in the order of their names.
func reasons(missing map[string]error) string {
	var why []string
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		why = append(why, fmt.Sprintf("%s: %v", name, missing[name]))
	}
	return strings.Join(why, "; ")
}

// Open places a data set and a state on the device.
func (d Device) Open(data *dataset.Dataset, o EngineOptions, s *State) (Engine, error) {
	driver, ok := drivers[d.Driver]
	if !ok {
		return nil, fmt.Errorf("%w: driver %q is not part of this build", ErrNoDevice, d.Driver)
	}
	if err := d.Runs(s.Network.Graph); err != nil {
		return nil, err
	}
	if !o.Inference {
		return driver.Open(d, data, o, s)
	}
	engine, err := driver.Open(d, data, o, &State{Network: s.Network})
	if err != nil {
		return nil, err
	}
	return inference{engine}, nil
}

// Runs says which operator of a graph, by its node, the device cannot run; nil: it
// runs all.
func (d Device) Runs(g *network.Graph) error {
	known := drivers[d.Driver].Operators()
	for _, node := range g.Nodes {
		if kind := node.Op.Kind(); !slices.Contains(known, kind) {
			return Usagef("node %s is of kind %s, which %s does not run; take another --device", node.Name, kind, d.ID())
		}
	}
	return nil
}
