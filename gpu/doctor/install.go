package doctor

import "strings"

// component is a part of Vulkan that a distribution packages.
type component string

const (
	loaderPackage component = "the Vulkan loader"
	nvidiaPackage component = "NVIDIA's driver"
	nvidiaVulkan  component = "the Vulkan part of NVIDIA's driver"
	nvidiaX11     component = "the library of X11 that NVIDIA's driver loads even without a screen"
	amdMesa       component = "Mesa's driver for AMD"
	intelMesa     component = "Mesa's driver for Intel"
	nvidiaMesa    component = "Mesa's driver for NVIDIA"
	virtioMesa    component = "Mesa's driver for virtio-gpu"
	anyMesa       component = "Mesa's drivers"
)

// distributions are the ones whose packages are known, by their ID in /etc/os-release, in
// the order in which they are printed.
var distributions = []string{"debian", "ubuntu", "fedora", "arch"}

// distributionNames are what people call them.
var distributionNames = map[string]string{"debian": "Debian", "ubuntu": "Ubuntu", "fedora": "Fedora", "arch": "Arch"}

const (
	aptMesa = "sudo apt install mesa-vulkan-drivers"
	dnfMesa = "sudo dnf install mesa-vulkan-drivers"
)

// installation holds the command that installs a component, by distribution.
// VERSION stands for the major version of NVIDIA's kernel module.
var installation = map[component]map[string]string{
	loaderPackage: {
		"debian": "sudo apt install libvulkan1", "ubuntu": "sudo apt install libvulkan1",
		"fedora": "sudo dnf install vulkan-loader", "arch": "sudo pacman -S vulkan-icd-loader",
	},
	nvidiaPackage: {
		"debian": "sudo apt install nvidia-driver (with the components contrib and non-free in /etc/apt/sources.list)",
		"ubuntu": "sudo ubuntu-drivers install",
		"fedora": "sudo dnf install akmod-nvidia (with RPM Fusion: https://rpmfusion.org/Configuration)",
		"arch":   "sudo pacman -S nvidia-open nvidia-utils (GPUs before Turing: see the wiki's page NVIDIA)",
	},
	nvidiaVulkan: {
		"debian": "sudo apt install nvidia-vulkan-icd",
		"ubuntu": "sudo apt install libnvidia-gl-VERSION (libnvidia-gl-VERSION-server if the rest of the driver is of that series)",
		"fedora": "sudo dnf install xorg-x11-drv-nvidia-libs (with RPM Fusion: https://rpmfusion.org/Configuration)",
		"arch":   "sudo pacman -S nvidia-utils",
	},
	nvidiaX11: {
		"debian": "sudo apt install libxext6", "ubuntu": "sudo apt install libxext6",
		"fedora": "sudo dnf install libXext", "arch": "sudo pacman -S libxext",
	},
	amdMesa:    {"debian": aptMesa, "ubuntu": aptMesa, "fedora": dnfMesa, "arch": "sudo pacman -S vulkan-radeon"},
	intelMesa:  {"debian": aptMesa, "ubuntu": aptMesa, "fedora": dnfMesa, "arch": "sudo pacman -S vulkan-intel"},
	nvidiaMesa: {"debian": aptMesa, "ubuntu": aptMesa, "fedora": dnfMesa, "arch": "sudo pacman -S vulkan-nouveau"},
	virtioMesa: {"debian": aptMesa, "ubuntu": aptMesa, "fedora": dnfMesa, "arch": "sudo pacman -S vulkan-virtio"},
	anyMesa: {
		"debian": aptMesa, "ubuntu": aptMesa, "fedora": dnfMesa,
		"arch": "sudo pacman -S vulkan-radeon (AMD), vulkan-intel (Intel) or vulkan-swrast (software)",
	},
}

// install returns the command that installs a component on this distribution, or
// on every one that is known where this is none of them.
func (m *machine) install(c component) []string {
	if d := m.distribution(); d != "" {
		return []string{m.command(installation[c][d])}
	}
	var all []string
	for _, d := range distributions {
		all = append(all, distributionNames[d]+": "+m.command(installation[c][d]))
	}
	return all
}

// command returns a command as this user would give it.
func (m *machine) command(text string) string {
	if m.administrator { // containers seldom have sudo
		text = strings.TrimPrefix(text, "sudo ")
	}
	version := "VERSION"
	if major, _, ok := strings.Cut(m.nvidiaVersion(), "."); ok {
		version = major
	}
	return strings.ReplaceAll(text, "VERSION", version)
}

// distribution returns which of the known distributions this is or is like, ""
// if none.
func (m *machine) distribution() string {
	text, err := m.read("/etc/os-release")
	if err != nil {
		if text, err = m.read("/usr/lib/os-release"); err != nil {
			return ""
		}
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			fields[key] = strings.ToLower(strings.Trim(value, `"'`))
		}
	}
	for id := range strings.FieldsSeq(fields["ID"] + " " + fields["ID_LIKE"]) {
		if _, known := distributionNames[id]; known {
			return id
		}
	}
	return ""
}
