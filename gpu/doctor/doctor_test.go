package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
)

// files are the texts of a machine's files, by path.
type files map[string]string

// library is the head of a shared library for amd64, foreign for 386.
const (
	library = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00"
	foreign = "\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x03\x00"
)

// multiarch is where Debian keeps libraries.
const multiarch = "/usr/lib/x86_64-linux-gnu/"

// pci returns the files of a display adapter.
func pci(address, vendor, device, driver string) files {
	folder := "/sys/bus/pci/devices/" + address + "/"
	return files{
		folder + "class": "0x030000\n", folder + "vendor": "0x" + vendor + "\n", folder + "device": "0x" + device + "\n",
		folder + "uevent": "DRIVER=" + driver + "\nPCI_CLASS=30000\n",
	}
}

// icd returns a manifest with the library that it names.
func icd(name, library_ string) files {
	return files{
		"/usr/share/vulkan/icd.d/" + name: fmt.Sprintf(`{"file_format_version": "1.0.0", "ICD": {"library_path": %q, "api_version": "1.3"}}`, library_),
		multiarch + library_:              library,
	}
}

// together joins files; later ones win.
func together(all ...files) files {
	joined := files{}
	for _, f := range all {
		maps.Copy(joined, f)
	}
	return joined
}

var (
	debian      = files{"/etc/os-release": "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"}
	ubuntu      = files{"/etc/os-release": "ID=ubuntu\nID_LIKE=debian\n"}
	mint        = files{"/etc/os-release": "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"}
	fedora      = files{"/etc/os-release": "ID=fedora\n"}
	rocky       = files{"/etc/os-release": "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"}
	arch        = files{"/usr/lib/os-release": "ID=arch\n"}
	manjaro     = files{"/etc/os-release": "ID=manjaro\nID_LIKE=arch\n"}
	alpine      = files{"/etc/os-release": "ID=alpine\n"}
	withLoader  = files{multiarch + loaderName: library}
	docker      = files{"/.dockerenv": ""}
	module      = files{"/sys/module/nvidia/version": "535.261.03\n"}
	nvidiaFiles = files{"/dev/nvidiactl": "", "/dev/nvidia0": "", "/dev/nvidia-uvm": ""}
	render      = files{"/dev/dri/renderD128": "", "/dev/dri/card0": ""}

	nvidiaCard = pci("0000:01:00.0", "10de", "2335", "nvidia")
	amdCard    = pci("0000:03:00.0", "1002", "744c", "amdgpu")
	intelCard  = pci("0000:00:02.0", "8086", "46a6", "i915")
	aspeed     = pci("0000:04:00.0", "1a03", "2000", "ast")

	nvidiaICD = together(icd("nvidia_icd.json", "libGLX_nvidia.so.0"), files{multiarch + "libXext.so.6": library})
	radeonICD = icd("radeon_icd.x86_64.json", "libvulkan_radeon.so")
	intelICD  = icd("intel_icd.x86_64.json", "libvulkan_intel.so")
	lvpICD    = icd("lvp_icd.x86_64.json", "libvulkan_lvp.so")
)

var (
	llvmpipe = backend.Device{Driver: gpu.DriverName, Name: "llvmpipe", Kind: backend.SoftwareGPU, DriverInfo: "Mesa 22.3.6"}
	h200     = backend.Device{Driver: gpu.DriverName, Name: "NVIDIA H200", Kind: backend.DiscreteGPU}
	cpu      = backend.Device{Driver: "cpu", Name: "Ryzen", Kind: backend.CPU}
)

// fake returns a machine for Linux on amd64 with the given files.
func fake(all ...files) *machine {
	root := fstest.MapFS{}
	for name, text := range together(all...) {
		root[name[1:]] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return &machine{
		goos: "linux", goarch: "amd64", cgo: true, files: root, directory: "/work",
		env:       func(string) string { return "" },
		isSet:     func(string) bool { return false },
		open:      func(string) error { return nil },
		group:     func(fs.FileInfo) string { return "render" },
		groups:    func() []string { return []string{"users", "wheel"} },
		inventory: func() ([]backend.Device, map[string]error) { return []backend.Device{cpu}, nil },
	}
}

func (m *machine) withEnvironment(variables files) *machine {
	m.env = func(name string) string { return variables[name] }
	m.isSet = func(name string) bool { _, set := variables[name]; return set }
	return m
}

func (m *machine) withDevices(devices ...backend.Device) *machine {
	m.inventory = func() ([]backend.Device, map[string]error) { return append(devices, cpu), nil }
	return m
}

// opening makes device files fail to open.
func (m *machine) opening(err error) *machine {
	m.open = func(name string) error { return &fs.PathError{Op: "open", Path: name, Err: err} }
	return m
}

func (m *machine) asAdministrator() *machine {
	m.administrator = true
	return m
}

func (m *machine) on(goos string, cgo bool) *machine {
	m.goos, m.cgo = goos, cgo
	return m
}

// text is a finding on one line, for comparison.
func text(f Finding) string {
	return fmt.Sprintf("%s %s: %s => %s", f.Level, f.Subject, f.Found, strings.Join(f.Advice, " | "))
}

// TestDiagnose: each situation has findings that hold all the words of a line,
// and none that hold the words of unwanted.
func TestDiagnose(t *testing.T) {
	missingLoader := func(m *machine) *machine {
		m.inventory = func() ([]backend.Device, map[string]error) {
			return []backend.Device{cpu}, map[string]error{gpu.DriverName: errors.New("libvulkan.so.1: cannot open shared object file")}
		}
		return m
	}
	radeon := together(withLoader, amdCard, render, radeonICD)
	geforce := together(withLoader, nvidiaCard, module, nvidiaFiles, nvidiaICD)
	for name, c := range map[string]struct {
		machine  *machine
		usable   bool
		wanted   []string // words that a finding has, "..." between
		unwanted []string
	}{
		"all is well with NVIDIA": {
			fake(debian, geforce).withDevices(h200), true,
			[]string{
				"ok build", "ok GPU: NVIDIA GPU 10de:2335 at 0000:01:00.0, kernel driver nvidia", "ok device file: /dev/nvidiactl can", "ok device file: /dev/nvidia0 can",
				"ok loader: ...libvulkan.so.1", "ok driver: /usr/share/vulkan/icd.d/nvidia_icd.json", "ok Vulkan: vulkan:0 is NVIDIA H200 (discrete-gpu)",
			}, []string{"problem", "note"},
		},
		"a GPU works, whatever else does not": {
			fake(debian, geforce, amdCard).withDevices(h200, llvmpipe), true,
			[]string{"note driver: no Vulkan driver for the AMD GPU", "note device file: /dev/dri"}, []string{"problem"},
		},
		"software only": {
			fake(debian, withLoader, lvpICD, radeonICD).withDevices(llvmpipe), false,
			[]string{
				"problem GPU: no GPU of NVIDIA", "ok driver: ...lvp_icd...radeon_icd",
				"note Vulkan: vulkan:0 is llvmpipe (software-gpu), driver Mesa 22.3.6...only when named", "problem Vulkan: it lists no GPU",
			}, nil,
		},
		"no loader on Debian": {missingLoader(fake(debian, amdCard, render, radeonICD)), false,
			[]string{"problem loader: ...libvulkan.so.1...no folder... => sudo apt install libvulkan1", "problem Vulkan: libvulkan.so.1: cannot open...see to the problems above"},
			[]string{"dnf"}},
		"no loader on Ubuntu": {fake(ubuntu, amdCard), false, []string{"problem loader... => sudo apt install libvulkan1"}, nil},
		"no loader on Mint":   {fake(mint, amdCard), false, []string{"problem loader... => sudo apt install libvulkan1"}, []string{"Fedora"}},
		"no loader on Fedora": {fake(fedora, amdCard), false, []string{"problem loader... => sudo dnf install vulkan-loader"}, []string{"apt"}},
		"no loader on Rocky":  {fake(rocky, amdCard), false, []string{"problem loader... => sudo dnf install vulkan-loader"}, nil},
		"no loader on Arch":   {fake(arch, amdCard), false, []string{"problem loader... => sudo pacman -S vulkan-icd-loader"}, nil},
		"no loader on Manjaro": {fake(manjaro, amdCard), false,
			[]string{"problem loader... => sudo pacman -S vulkan-icd-loader"}, nil},
		"no loader elsewhere": {fake(alpine, amdCard), false,
			[]string{"problem loader...Debian: sudo apt install libvulkan1 | Ubuntu: sudo apt install libvulkan1 | Fedora: sudo dnf install vulkan-loader | Arch: sudo pacman -S vulkan-icd-loader"}, nil},
		"no loader and no name of the system": {fake(amdCard), false, []string{"problem loader...Debian: ...Arch: "}, nil},
		"root needs no sudo":                  {fake(debian, amdCard).asAdministrator(), false, []string{"problem loader... => apt install libvulkan1"}, []string{"sudo"}},
		"a loader for 32 bits": {
			fake(debian, radeon, files{multiarch + loaderName: foreign}), false,
			[]string{"problem loader: ...another processor (EM_386)"}, nil,
		},
		"a loader that is none": {fake(debian, radeon, files{multiarch + loaderName: "text"}), false, []string{"problem loader: ...not a library"}, nil},
		"a loader in a configured folder": {
			fake(debian, files{"/etc/ld.so.conf": "include ld.so.conf.d/*.conf # all\n", "/etc/ld.so.conf.d/sdk.conf": "/opt/sdk/lib\n", "/opt/sdk/lib/" + loaderName: library}), false,
			[]string{"ok loader: /opt/sdk/lib/libvulkan.so.1"}, nil,
		},
		"files that include each other": {fake(debian, files{"/etc/ld.so.conf": "include /etc/ld.so.conf\n"}), false, []string{"problem loader"}, nil},
		"a loader in LD_LIBRARY_PATH": {
			fake(debian, files{"/home/me/lib/" + loaderName: library}).withEnvironment(files{"LD_LIBRARY_PATH": "/nowhere:/home/me/lib"}), false,
			[]string{"ok loader: /home/me/lib/libvulkan.so.1"}, nil,
		},
		"another loader": {
			fake(debian, radeon, files{"/opt/libvulkan.so": library}).withEnvironment(files{compute.LoaderVariable: "/opt/libvulkan.so"}), false,
			[]string{"ok loader: /opt/libvulkan.so, named by NASHPRUNE_VULKAN_LOADER"}, nil,
		},
		"another loader, not there": {
			fake(debian, radeon).withEnvironment(files{compute.LoaderVariable: "/nonexistent"}), false,
			[]string{"problem loader: NASHPRUNE_VULKAN_LOADER names /nonexistent: there is no such file => unset NASHPRUNE_VULKAN_LOADER"}, []string{"apt"},
		},
		"no driver for AMD":             {fake(debian, withLoader, amdCard, render, lvpICD), false, []string{"problem driver: no Vulkan driver for the AMD GPU 1002:744c at 0000:03:00.0 => sudo apt install mesa-vulkan-drivers"}, nil},
		"no driver for AMD on Arch":     {fake(arch, withLoader, amdCard, render), false, []string{"problem driver... => sudo pacman -S vulkan-radeon"}, []string{"vulkan-intel"}},
		"no driver for Intel on Arch":   {fake(arch, withLoader, intelCard, render), false, []string{"problem driver... => sudo pacman -S vulkan-intel"}, nil},
		"no driver for Intel on Fedora": {fake(fedora, withLoader, intelCard, render), false, []string{"problem driver... => sudo dnf install mesa-vulkan-drivers"}, nil},
		"one of two GPUs has its driver": {
			fake(debian, radeon, intelCard, intelICD).withDevices(backend.Device{Driver: gpu.DriverName, Name: "Intel Arc", Kind: backend.IntegratedGPU}), true,
			[]string{"ok GPU: Intel GPU 8086:46a6 at 0000:00:02.0, kernel driver i915", "ok driver: ...intel_icd...radeon_icd"}, []string{"no Vulkan driver"},
		},
		"no driver at all": {fake(arch, withLoader), false, []string{"problem driver: no Vulkan driver is installed...vulkan-swrast"}, nil},
		"no kernel driver for NVIDIA on Debian": {
			fake(debian, withLoader, pci("0000:01:00.0", "10de", "2335", "")), false,
			[]string{"problem GPU: NVIDIA GPU...has no kernel driver => sudo apt install nvidia-driver...non-free"}, []string{"problem device file"},
		},
		"no kernel driver for NVIDIA on Ubuntu": {fake(ubuntu, withLoader, pci("0000:01:00.0", "10de", "2335", "")), false, []string{"problem GPU... => sudo ubuntu-drivers install"}, nil},
		"no kernel driver for NVIDIA on Fedora": {fake(fedora, withLoader, pci("0000:01:00.0", "10de", "2335", "")), false, []string{"problem GPU... => sudo dnf install akmod-nvidia...RPM Fusion"}, nil},
		"no kernel driver for NVIDIA on Arch":   {fake(arch, withLoader, pci("0000:01:00.0", "10de", "2335", "")), false, []string{"problem GPU... => sudo pacman -S ...nvidia-utils"}, nil},
		"nouveau": {fake(debian, withLoader, render, pci("0000:01:00.0", "10de", "2335", "nouveau")), false,
			[]string{"note GPU: ...nouveau...Mesa 24.1...nvidia-driver", "problem driver: no Vulkan driver for the NVIDIA...mesa-vulkan-drivers"}, []string{"nvidiactl"}},
		"set aside":                {fake(debian, withLoader, pci("0000:01:00.0", "10de", "2335", "vfio-pci")), false, []string{"problem GPU: ...set aside for virtual machines"}, nil},
		"no kernel driver for AMD": {fake(debian, withLoader, pci("0000:03:00.0", "1002", "744c", "")), false, []string{"problem GPU: AMD...no kernel driver...amdgpu|firmware"}, nil},
		"a server's own adapter": {fake(debian, withLoader, aspeed), false,
			[]string{"note GPU: the display adapter 1a03:2000 at 0000:04:00.0 has no Vulkan driver", "problem GPU: no GPU of NVIDIA"}, nil},
		"a single-chip system": {fake(debian, withLoader, render), false, []string{"note GPU: no GPU on the PCI bus, but one elsewhere"}, []string{"problem GPU"}},
		"NVIDIA without its Vulkan part on Debian": {
			fake(debian, withLoader, lvpICD, nvidiaCard, module, nvidiaFiles), false,
			[]string{"problem driver: ...NVIDIA's kernel module 535.261.03 is loaded, but nothing like nvidia_icd.json... => sudo apt install nvidia-vulkan-icd"}, []string{"docker"},
		},
		"NVIDIA without its Vulkan part on Ubuntu": {fake(ubuntu, withLoader, nvidiaCard, module, nvidiaFiles), false, []string{"problem driver... => sudo apt install libnvidia-gl-535 (libnvidia-gl-535-server"}, nil},
		"NVIDIA without its Vulkan part on Arch":   {fake(arch, withLoader, nvidiaCard, module, nvidiaFiles), false, []string{"problem driver... => sudo pacman -S nvidia-utils"}, nil},
		"NVIDIA's version elsewhere": {
			fake(ubuntu, withLoader, nvidiaCard, nvidiaFiles, files{"/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version: 12\n"}), false,
			[]string{"problem driver...module 550.54.14... => sudo apt install libnvidia-gl-550"}, nil,
		},
		"NVIDIA without libXext": {
			fake(debian, withLoader, nvidiaCard, module, nvidiaFiles, icd("nvidia_icd.json", "libGLX_nvidia.so.0")), false,
			[]string{"problem driver: ...libXext.so.6... => sudo apt install libxext6"}, nil,
		},
		"NVIDIA without device files": {fake(debian, withLoader, nvidiaCard, module, nvidiaICD), false, []string{"problem device file: ...not there => sudo nvidia-modprobe -c 0"}, []string{"docker"}},
		"a container without NVIDIA": {
			fake(debian, docker, withLoader, nvidiaCard, module), false,
			[]string{
				"note container: this is a container (Docker)...docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all", "problem device file...outside the container: docker run --gpus all",
				"problem driver: ...535.261.03...outside the container: docker run --gpus all",
			}, []string{"modprobe", "--device /dev/dri"},
		},
		"a container without AMD": {
			fake(debian, docker, withLoader, amdCard), false,
			[]string{"note container...docker run --device /dev/dri", "problem device file: /dev/dri/renderD* is not there...--device /dev/dri"}, []string{"--gpus"},
		},
		"a container without anything": {fake(debian, docker), false, []string{"note container...--gpus all...--device /dev/dri"}, nil},
		"a container with a GPU":       {fake(debian, docker, geforce).withDevices(h200), true, []string{"note container: this is a container"}, []string{"--gpus"}},
		"capabilities that leave Vulkan out": {
			fake(debian, docker, withLoader, nvidiaCard, module, nvidiaFiles).withEnvironment(files{"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}), false,
			[]string{"problem container: NVIDIA_DRIVER_CAPABILITIES=compute,utility leaves Vulkan out...CAPABILITIES=all"}, nil,
		},
		"capabilities that do not": {
			fake(debian, docker, geforce).withEnvironment(files{"NVIDIA_DRIVER_CAPABILITIES": "compute,graphics"}), false, nil, []string{"leaves Vulkan out"},
		},
		"the bus is hidden": {fake(debian, docker, withLoader, module, nvidiaFiles), false, []string{"ok GPU: NVIDIA GPU, kernel driver nvidia", "problem driver: no Vulkan driver for the NVIDIA GPU"}, nil},
		"Podman":            {fake(debian, files{"/run/.containerenv": ""}), false, []string{"note container: this is a container (Podman)...podman run --device nvidia.com/gpu=all"}, nil},
		"Kubernetes by its variable": {
			fake(debian, docker, nvidiaCard).withEnvironment(files{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}), false,
			[]string{"note container: this is a container (Kubernetes)...nvidia.com/gpu: 1"}, []string{"docker run"},
		},
		"Kubernetes by its groups": {fake(debian, files{"/proc/1/cgroup": "0::/kubepods/besteffort/pod1\n"}), false, []string{"note container: ...(Kubernetes)...nvidia.com/gpu: 1"}, nil},
		"LXC":                      {fake(debian, files{"/proc/1/cgroup": "1:cpu:/lxc/one\n"}), false, []string{"note container: ...(LXC)...outside the container: give it the device files /dev/nvidia*"}, []string{"docker"}},
		"no container":             {fake(debian, files{"/proc/1/cgroup": "0::/init.scope\n"}), false, nil, []string{"container"}},
		"WSL": {fake(ubuntu, withLoader, lvpICD, files{"/dev/dxg": ""}).withDevices(llvmpipe), false,
			[]string{"note GPU: this is WSL...dzn...build for Windows"}, []string{"problem GPU"}},
		"not in the group": {
			fake(debian, radeon).opening(fs.ErrPermission), false,
			[]string{"problem device file: /dev/dri/renderD128 is for the group render, and this user is in users, wheel => sudo usermod -aG render $USER"}, nil,
		},
		"not in the group, in a container": {
			fake(debian, docker, radeon).opening(fs.ErrPermission), false,
			[]string{"problem device file...--group-add $(stat -c %g /dev/dri/renderD128)"}, []string{"usermod"},
		},
		"root, and not allowed by the container": {
			fake(debian, docker, radeon).asAdministrator().opening(fs.ErrPermission), false,
			[]string{"problem device file: /dev/dri/renderD128 may not be opened in this container...docker run --device /dev/dri"}, []string{"usermod"},
		},
		"a dead GPU": {fake(debian, radeon).opening(errors.New("no such device or address")), false, []string{"problem device file: /dev/dri/renderD128 cannot be opened: ...no such device or address"}, nil},
		"a manifest without its library": {
			fake(debian, withLoader, amdCard, render, files{"/usr/share/vulkan/icd.d/radeon_icd.json": `{"ICD": {"library_path": "/usr/lib/gone.so"}}`}), false,
			[]string{"problem driver: /usr/share/vulkan/icd.d/radeon_icd.json names the driver /usr/lib/gone.so: there is no such file", "problem driver: no Vulkan driver for the AMD"}, nil,
		},
		"a relative library": {
			fake(debian, radeon, files{"/etc/vulkan/icd.d/mine_amd.json": `{"ICD": {"library_path": "../lib/mine.so"}}`, "/etc/vulkan/lib/mine.so": library}), false,
			[]string{"ok driver: ...mine_amd.json"}, []string{"problem driver"},
		},
		"a manifest for 32 bits": {
			fake(debian, radeon, files{"/usr/share/vulkan/icd.d/radeon_icd.i686.json": `{"ICD": {"library_path": "/usr/lib/i386-linux-gnu/libvulkan_radeon.so"}}`, "/usr/lib/i386-linux-gnu/libvulkan_radeon.so": foreign}), false,
			[]string{"note driver: /usr/share/vulkan/icd.d/radeon_icd.i686.json: ...another processor"}, []string{"problem driver"},
		},
		"a damaged manifest":      {fake(debian, radeon, files{"/etc/vulkan/icd.d/a.json": "{"}), false, []string{"problem driver: /etc/vulkan/icd.d/a.json: it is not the JSON"}, nil},
		"a manifest of nothing":   {fake(debian, radeon, files{"/etc/vulkan/icd.d/a.json": "{}"}), false, []string{"problem driver: ...names no library_path"}, nil},
		"a manifest of a list":    {fake(debian, radeon, files{"/etc/vulkan/icd.d/a.json": `{"ICD": [1]}`}), false, []string{"problem driver: ...not the JSON"}, nil},
		"a manifest of megabytes": {fake(debian, radeon, files{"/etc/vulkan/icd.d/a.json": strings.Repeat(" ", maxFile+1)}), false, []string{"problem driver: ...more than 1048576 bytes"}, nil},
		"drivers elsewhere": {
			fake(debian, withLoader, amdCard, render, files{
				"/home/me/.local/share/vulkan/icd.d/radeon.json": `{"ICD": {"library_path": "/home/me/radeon.so"}}`, "/home/me/radeon.so": library,
				"/opt/share/vulkan/icd.d/amd.json": `{"ICD": {"library_path": "/home/me/radeon.so"}}`,
				"/work/extra/lvp.json":             `{"ICD": {"library_path": "/home/me/radeon.so"}}`,
			}).withEnvironment(files{"HOME": "/home/me", "XDG_DATA_DIRS": "/opt/share", "VK_ADD_DRIVER_FILES": "extra"}), false,
			[]string{"ok driver: /work/extra/lvp.json, /home/me/.local/share/vulkan/icd.d/radeon.json, /opt/share/vulkan/icd.d/amd.json"}, []string{"problem driver"},
		},
		"a variable names other drivers": {
			fake(debian, radeon, lvpICD).withEnvironment(files{"VK_DRIVER_FILES": "", "VK_ICD_FILENAMES": "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "VK_ADD_DRIVER_FILES": "/nowhere.json"}), false,
			[]string{"note driver: VK_DRIVER_FILES is set and empty...=> unset VK_DRIVER_FILES", "ok driver: /usr/share/vulkan/icd.d/lvp_icd.x86_64.json =>", "problem driver: no Vulkan driver for the AMD...among those that VK_ICD_FILENAMES names => unset VK_ICD_FILENAMES"}, []string{"nowhere"},
		},
		"a variable names no driver": {
			fake(debian, radeon).withEnvironment(files{"VK_DRIVER_FILES": "/nowhere.json"}), false,
			[]string{"problem driver: /nowhere.json: file does not exist => unset VK_DRIVER_FILES"}, nil,
		},
		"a variable names an empty folder": {
			fake(debian, withLoader, radeonICD).withEnvironment(files{"VK_DRIVER_FILES": "/nowhere"}), false,
			[]string{"problem driver: VK_DRIVER_FILES names no driver that can be loaded...unset VK_DRIVER_FILES"}, []string{"apt"},
		},
		"a variable leaves drivers out": {fake(debian, radeon).withEnvironment(files{"VK_LOADER_DRIVERS_DISABLE": "*radeon*"}), false, []string{"note driver: VK_LOADER_DRIVERS_DISABLE=*radeon*"}, nil},
		"all there and nothing seen":    {fake(debian, radeon), false, []string{"problem Vulkan: it lists no GPU => VK_LOADER_DEBUG"}, nil},
		"built without cgo":             {fake(debian, radeon).on("linux", false), false, []string{"problem build: built without cgo...CGO_ENABLED=1 go build ./cmd/nashprune"}, []string{"problem Vulkan"}},
		"Windows":                       {fake().on("windows", true), false, []string{"note driver: ...vulkan-1.dll", "problem Vulkan"}, []string{"apt"}},
		"macOS":                         {fake().on("darwin", true), false, []string{"note driver: ...MoltenVK... => brew install vulkan-loader molten-vk"}, []string{"apt"}},
		"FreeBSD":                       {fake().on("freebsd", true), false, []string{"note driver...pkg install vulkan-loader"}, []string{"apt"}},
		"another system":                {fake().on("openbsd", true), false, []string{"problem build: ...this is openbsd"}, []string{"problem Vulkan"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := c.machine.diagnose()
			if d.Usable != c.usable {
				t.Errorf("usable is %v", d.Usable)
			}
			if !d.Usable && !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Level == Problem && (len(f.Advice) > 0 || f.Subject == "build") }) {
				t.Error("no problem with advice")
			}
			var lines []string
			for _, f := range d.Findings {
				lines = append(lines, text(f))
			}
			for _, want := range c.wanted {
				if !slices.ContainsFunc(lines, func(line string) bool { return has(line, want) }) {
					t.Errorf("no finding like %q", want)
				}
			}
			for _, words := range c.unwanted {
				if strings.Contains(strings.Join(lines, "\n"), words) {
					t.Errorf("a finding with %q", words)
				}
			}
			if t.Failed() {
				t.Log("\n" + strings.Join(lines, "\n"))
			}
		})
	}
}

// has reports whether a line begins with the first of the words and has the others in
// their order.
func has(line, words string) bool {
	for i, part := range strings.Split(words, "...") {
		at := strings.Index(line, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		line = line[at+len(part):]
	}
	return true
}

// TestDiagnoseIsFairToAnyFile: nothing that the files of a machine hold ends the
// diagnosis.
func TestDiagnoseIsFairToAnyFile(t *testing.T) {
	for _, text := range []string{"", "\x00", "\xff\xfe", "0x", "=\n\"", strings.Repeat("x", maxFile+2), "include [", "{\"ICD\":null}"} {
		m := fake(debian, nvidiaCard, module, render, radeonICD)
		for name, file := range m.files.(fstest.MapFS) {
			if !strings.HasSuffix(name, "class") {
				file.Data = []byte(text)
			}
		}
		if d := m.diagnose(); d.Usable || len(d.Findings) < 3 {
			t.Errorf("%.20q: %+v", text, d)
		}
	}
}

// TestThisMachine: the real one can be looked at.
func TestThisMachine(t *testing.T) {
	d := Diagnose()
	if len(d.Findings) < 2 || d.Findings[0].Subject != "build" || (d.Findings[0].Level == OK) != builtWithCgo {
		t.Errorf("%+v", d)
	}
	for _, f := range d.Findings {
		t.Log(text(f))
	}
}
