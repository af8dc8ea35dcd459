package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// linux looks at everything between a GPU and this program, from the outside in.
func (e *examination) linux() {
	cards := e.findCards()
	e.container(cards)
	e.windowsSubsystem()
	e.hardware(cards)
	e.deviceFiles(cards)
	e.loader()
	e.drivers(cards)
}

// card is a display adapter on the PCI bus.
type card struct {
	address, vendor, id string // "0000:01:00.0", "10de", "10de:2335"
	kernelDriver        string // "" if none is bound
}

// maker is who made a GPU and what drives it.
type maker struct {
	name    string
	modules []string  // kernel drivers that Vulkan works with
	words   []string  // of which one is in the file names of its Vulkan drivers
	driver  component // that brings them
}

// nvidia is the PCI vendor whose driver is unlike the others'.
const nvidia = "10de"

// makers are those whose GPUs have Vulkan drivers, by PCI vendor.
var makers = map[string]maker{
	nvidia: {"NVIDIA", []string{"nvidia", "nouveau"}, []string{"nvidia", "nouveau"}, nvidiaPackage},
	"1002": {"AMD", []string{"amdgpu"}, []string{"radeon", "amd"}, amdMesa},
	"8086": {"Intel", []string{"i915", "xe"}, []string{"intel"}, intelMesa},
	"1af4": {"virtio", []string{"virtio-pci", "virtio_gpu"}, []string{"virtio"}, virtioMesa},
}

func (c card) String() string {
	if c.address == "" {
		return makers[c.vendor].name + " GPU"
	}
	return fmt.Sprintf("%s GPU %s at %s", makers[c.vendor].name, c.id, c.address)
}

// findCards lists the display adapters of makers whose GPUs have Vulkan drivers,
// and notes the others.
func (e *examination) findCards() []card {
	var cards []card
	for _, folder := range e.glob("/sys/bus/pci/devices/*") {
		if !strings.HasPrefix(e.line(folder+"/class"), "0x03") { // display controllers
			continue
		}
		vendor := strings.TrimPrefix(e.line(folder+"/vendor"), "0x")
		c := card{path.Base(folder), vendor, vendor + ":" + strings.TrimPrefix(e.line(folder+"/device"), "0x"), ""}
		uevent, _ := e.read(folder + "/uevent") // absent: no driver is known
		for line := range strings.Lines(uevent) {
			if driver, ok := strings.CutPrefix(strings.TrimSpace(line), "DRIVER="); ok {
				c.kernelDriver = driver
			}
		}
		if _, ok := makers[vendor]; ok {
			cards = append(cards, c)
		} else {
			e.add(Note, "GPU", fmt.Sprintf("the display adapter %s at %s has no Vulkan driver", c.id, c.address))
		}
	}
	if len(cards) == 0 && e.nvidiaVersion() != "" { // containers may hide the bus
		cards = append(cards, card{vendor: nvidia, kernelDriver: "nvidia"})
	}
	return cards
}

func (e *examination) hardware(cards []card) {
	for _, c := range cards {
		known := makers[c.vendor]
		switch {
		case slices.Contains(known.modules, c.kernelDriver) && c.kernelDriver != "nouveau":
			e.add(OK, "GPU", fmt.Sprintf("%v, kernel driver %s", c, c.kernelDriver))
		case c.kernelDriver == "nouveau":
			e.add(Note, "GPU", fmt.Sprintf("%v, kernel driver nouveau: its Vulkan driver needs Mesa 24.1 or newer and a GPU of the series Turing or newer; NVIDIA's own driver takes more", c),
				e.install(nvidiaPackage)...)
		case strings.HasPrefix(c.kernelDriver, "vfio"):
			e.add(Problem, "GPU", fmt.Sprintf("%v is set aside for virtual machines (%s)", c, c.kernelDriver), "use it in such a machine, or bind its own driver again")
		case c.vendor == nvidia:
			e.add(Problem, "GPU", fmt.Sprintf("%v has no kernel driver", c), append(e.install(nvidiaPackage), "then restart; with Secure Boot the module must be signed")...)
		default:
			e.add(Problem, "GPU", fmt.Sprintf("%v has no kernel driver that Vulkan works with (it has %q)", c, c.kernelDriver),
				"a newer kernel or the GPU's firmware may be missing: "+e.command("sudo dmesg")+" | grep -i -E '"+strings.Join(known.modules, "|")+"|firmware'")
		}
	}
	switch {
	case len(cards) > 0 || e.exists("/dev/dxg"):
	case len(e.glob("/dev/dri/renderD*")) > 0:
		e.add(Note, "GPU", "no GPU on the PCI bus, but one elsewhere: /dev/dri has a device, as on single-chip systems")
	default:
		e.add(Problem, "GPU", "no GPU of NVIDIA, AMD or Intel on the PCI bus (/sys/bus/pci)", "in a virtual machine, have its host pass one through; otherwise train on the CPU")
	}
}

// renderFiles are the device files of Mesa's drivers.
const renderFiles = "/dev/dri/renderD*"

// deviceFiles looks whether the files that drivers talk through are there and may
// be used.
func (e *examination) deviceFiles(cards []card) {
	if slices.ContainsFunc(cards, func(c card) bool { return c.kernelDriver == "nvidia" }) {
		files := append(e.glob("/dev/nvidiactl"), e.glob("/dev/nvidia[0-9]*")...)
		if len(files) < 2 {
			e.add(Problem, "device file", "NVIDIA's kernel module is loaded, and /dev/nvidiactl and /dev/nvidia0 are not there", e.outside(nvidiaFlags, "sudo nvidia-modprobe -c 0")...)
		}
		e.mayOpen(files)
	}
	render := e.glob(renderFiles)
	mesa := slices.IndexFunc(cards, func(c card) bool {
		return c.kernelDriver != "nvidia" && slices.Contains(makers[c.vendor].modules, c.kernelDriver)
	})
	if mesa >= 0 && len(render) == 0 {
		e.add(Problem, "device file", fmt.Sprintf("%s is not there, which the driver of the %v needs", renderFiles, cards[mesa]),
			e.outside(renderFlags, "sudo dmesg | grep -i drm (tells what the kernel makes of the GPU)")...)
	}
	e.mayOpen(render)
}

// mayOpen tries to open device files as drivers do.
func (e *examination) mayOpen(files []string) {
	for _, file := range files {
		err := e.open(file)
		switch {
		case err == nil:
			e.add(OK, "device file", file+" can be opened")
		case errors.Is(err, fs.ErrPermission):
			e.forbidden(file)
		default:
			e.add(Problem, "device file", fmt.Sprintf("%s cannot be opened: %v", file, err), "restart, or load the GPU's kernel module again")
		}
	}
}

// forbidden says who may open a device file.
func (e *examination) forbidden(file string) {
	owner := ""
	if info, err := fs.Stat(e.files, e.inside(file)); err == nil {
		owner = e.group(info)
	}
	groups := e.groups()
	found := file + " may not be opened"
	switch {
	case e.kindOfContainer() != "" && (owner == "" || e.administrator || slices.Contains(groups, owner)):
		e.add(Problem, "device file", found+" in this container", e.outside(renderFlags, "")...)
	case owner == "" || owner == "root" || slices.Contains(groups, owner):
		e.add(Problem, "device file", found, "its mode or an access list keeps this user out: see ls -l "+file)
	default:
		add := "sudo usermod -aG " + owner + " $USER, then log in again"
		if e.kindOfContainer() != "" {
			add = "outside the container, add --group-add $(stat -c %g " + file + ") to docker run or podman run"
		}
		e.add(Problem, "device file", fmt.Sprintf("%s is for the group %s, and this user is in %s", file, owner, strings.Join(groups, ", ")), add)
	}
}

// nvidiaVersion returns the version of NVIDIA's kernel module, "" if it is not
// loaded.
func (m *machine) nvidiaVersion() string {
	if version := m.line("/sys/module/nvidia/version"); version != "" {
		return version
	}
	// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  ..."
	for word := range strings.FieldsSeq(m.line("/proc/driver/nvidia/version")) {
		if word[0] >= '1' && word[0] <= '9' && strings.Contains(word, ".") {
			return word
		}
	}
	return ""
}

// Ways to give a container a GPU, with Docker and Podman.
var (
	nvidiaFlags = map[string]string{
		"Docker": "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all (the host needs the NVIDIA Container Toolkit)",
		"Podman": "podman run --device nvidia.com/gpu=all -e NVIDIA_DRIVER_CAPABILITIES=all (the host needs the NVIDIA Container Toolkit)",
		"":       "give it the device files /dev/nvidia* and the driver's libraries",
	}
	renderFlags = map[string]string{
		"Docker": "docker run --device /dev/dri (AMD and Intel)",
		"Podman": "podman run --device /dev/dri (AMD and Intel)",
		"":       "give it the device files /dev/dri (AMD and Intel)",
	}
)

// podsNeed is what gives a pod of Kubernetes a GPU.
const podsNeed = "in the pod: a limit such as nvidia.com/gpu: 1, amd.com/gpu: 1 or gpu.intel.com/i915: 1, and for NVIDIA the variable NVIDIA_DRIVER_CAPABILITIES=all"

// outside returns what to start a container with, or the command that helps on a
// system of its own.
func (e *examination) outside(flags map[string]string, command string) []string {
	kind := e.kindOfContainer()
	switch {
	case kind == "":
		return []string{e.command(command)}
	case kind == "Kubernetes":
		return []string{podsNeed}
	case flags[kind] == "":
		kind = ""
	}
	return []string{"outside the container: " + flags[kind]}
}

// kindOfContainer returns what this runs in, "" for a system of its own.
func (m *machine) kindOfContainer() string {
	groups, _ := m.read("/proc/1/cgroup") // absent: no container that this file names
	switch {
	case m.env("KUBERNETES_SERVICE_HOST") != "" || strings.Contains(groups, "kubepods"):
		return "Kubernetes"
	case m.exists("/run/.containerenv") || strings.Contains(groups, "libpod"):
		return "Podman"
	case m.exists("/.dockerenv") || strings.Contains(groups, "docker"):
		return "Docker"
	case strings.Contains(groups, "lxc"):
		return "LXC"
	case strings.Contains(groups, "containerd"):
		return "containerd"
	}
	return ""
}

// container reports that this runs in one, and what to start it with as long as it has no
// GPU.
func (e *examination) container(cards []card) {
	kind := e.kindOfContainer()
	if kind == "" {
		return
	}
	var advice []string
	if given := len(e.glob(renderFiles))+len(e.glob("/dev/nvidia[0-9]*")) > 0; !e.Usable && !given {
		nvidia := func(c card) bool { return c.vendor == nvidia }
		if len(cards) == 0 || slices.ContainsFunc(cards, nvidia) {
			advice = e.outside(nvidiaFlags, "")
		}
		if len(cards) == 0 || !slices.ContainsFunc(cards, nvidia) {
			advice = append(advice, e.outside(renderFlags, "")...)
		}
		advice = slices.Compact(advice) // pods need the same for all
	}
	e.add(Note, "container", "this is a container ("+kind+"): it has the devices that it was started with", advice...)
	const capabilities = "NVIDIA_DRIVER_CAPABILITIES"
	if value := e.env(capabilities); value != "" && !containsWord(value, "all") && !containsWord(value, "graphics") {
		e.add(Problem, "container", fmt.Sprintf("%s=%s leaves Vulkan out", capabilities, value), e.outside(nvidiaFlags, "")...)
	}
}

// containsWord reports whether a list with commas has a word.
func containsWord(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

// windowsSubsystem reports WSL, where the GPU is behind Windows.
func (e *examination) windowsSubsystem() {
	if !e.exists("/dev/dxg") {
		return
	}
	e.add(Note, "GPU", "this is WSL: the GPU belongs to Windows, and only Mesa's driver dzn reaches it from here, which few distributions build",
		"run nashprune's build for Windows: it takes the GPU's own driver")
}
