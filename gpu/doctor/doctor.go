// Package doctor finds out why the backend of package gpu sees no GPU, and says what to
// do about it. It works in every build and changes nothing.
package doctor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path"
	"runtime"
	"slices"
	"strings"

	"nashprune/gpu"
	"nashprune/trainer/backend"
)

// Diagnosis is what stands between this program and a GPU.
type Diagnosis struct {
	Usable   bool      `json:"usable"` // a GPU, not a software device, can be used
	Findings []Finding `json:"findings"`
}

// Level says what a finding means for the use of a GPU.
type Level string

const (
	OK      Level = "ok"
	Note    Level = "note"
	Problem Level = "problem"
)

// Finding is one thing that was looked at.
type Finding struct {
	Level   Level    `json:"level"`
	Subject string   `json:"subject"` // build, container, GPU, device file, loader, driver or Vulkan
	Found   string   `json:"found"`
	Advice  []string `json:"advice,omitempty"` // what to do, one way or one command each
}

// Diagnose looks at the build, the hardware, the loader and the drivers, and at what
// Vulkan itself says.
func Diagnose() Diagnosis { return thisMachine().diagnose() }

// machine is what a diagnosis looks at.
type machine struct {
	goos, goarch  string
	cgo           bool
	administrator bool
	files         fs.FS  // from "/"
	directory     string // that relative paths start from
	env           func(name string) string
	isSet         func(name string) bool   // a variable, also to nothing
	open          func(path string) error  // opens a device file for reading and writing, as drivers do
	group         func(fs.FileInfo) string // the group that a file belongs to, "" if unknown
	groups        func() []string          // of this process
	inventory     func() ([]backend.Device, map[string]error)
}

func thisMachine() *machine {
	directory, err := os.Getwd()
	if err != nil {
		directory = "/"
	}
	return &machine{
		goos: runtime.GOOS, goarch: runtime.GOARCH, cgo: builtWithCgo, administrator: os.Geteuid() == 0,
		files: os.DirFS("/"), directory: directory, env: os.Getenv, isSet: func(name string) bool { _, set := os.LookupEnv(name); return set },
		open: func(path string) error {
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			return file.Close()
		},
		group: fileGroup, groups: processGroups, inventory: backend.Inventory,
	}
}

// processGroups returns the names of the groups that this process is in, their
// numbers where they have no names.
func processGroups() []string {
	numbers, err := os.Getgroups()
	if err != nil {
		return nil
	}
	var names []string
	for _, number := range append(numbers, os.Getegid()) {
		if name := groupName(fmt.Sprint(number)); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func groupName(number string) string {
	if group, err := user.LookupGroupId(number); err == nil {
		return group.Name
	}
	return number
}

// examination is a diagnosis in the making.
type examination struct {
	*machine
	Diagnosis
}

func (m *machine) diagnose() Diagnosis {
	e := &examination{machine: m}
	devices, missing := m.inventory()
	devices = slices.DeleteFunc(devices, func(d backend.Device) bool { return d.Driver != gpu.DriverName })
	e.Usable = slices.ContainsFunc(devices, func(d backend.Device) bool { return d.Kind != backend.SoftwareGPU })
	e.build()
	switch m.goos {
	case "linux":
		e.linux()
	case "windows":
		e.add(Note, "driver", "on Windows the loader, vulkan-1.dll, and the driver come together",
			"install the newest driver for your GPU from NVIDIA, AMD or Intel; the one that Windows Update brings may lack Vulkan")
	case "darwin":
		e.add(Note, "driver", "macOS has no Vulkan of its own; MoltenVK runs it on Metal",
			"brew install vulkan-loader molten-vk", "or install the Vulkan SDK from https://vulkan.lunarg.com")
	case "freebsd":
		e.add(Note, "driver", "on FreeBSD loader and drivers are packages",
			m.command("sudo pkg install vulkan-loader mesa-dri drm-kmod (AMD and Intel)"), m.command("sudo pkg install vulkan-loader nvidia-driver (NVIDIA)"))
	}
	e.vulkan(devices, missing[gpu.DriverName])
	if e.Usable { // so nothing that was found stands in the way
		for i := range e.Findings {
			if e.Findings[i].Level == Problem {
				e.Findings[i].Level = Note
			}
		}
	}
	return e.Diagnosis
}

func (e *examination) add(level Level, subject, found string, advice ...string) {
	e.Findings = append(e.Findings, Finding{level, subject, found, advice})
}

func (e *examination) build() {
	switch {
	case !gpu.Supported(e.goos):
		e.add(Problem, "build", fmt.Sprintf("this backend runs on Linux, Windows, macOS and FreeBSD, and this is %s", e.goos))
	case !e.cgo:
		e.add(Problem, "build", "built without cgo, which Vulkan needs", "install a C compiler, and build with "+gpu.Rebuild)
	default:
		e.add(OK, "build", "built with cgo: Vulkan can be reached")
	}
}

// vulkan reports what the backend itself says.
func (e *examination) vulkan(devices []backend.Device, err error) {
	for _, d := range devices {
		level, found := OK, fmt.Sprintf("%s is %s (%s)", d.ID(), d.Name, d.Kind)
		if d.DriverInfo != "" {
			found += ", driver " + d.DriverInfo
		}
		if d.Kind == backend.SoftwareGPU {
			level, found = Note, found+": it runs on the CPU and is used only when named"
		}
		e.add(level, "Vulkan", found)
	}
	switch {
	case e.Usable || !e.cgo || !gpu.Supported(e.goos): // the build was reported already
	case err != nil:
		e.add(Problem, "Vulkan", err.Error(), e.seeLog()...)
	default:
		e.add(Problem, "Vulkan", "it lists no GPU", e.seeLog()...)
	}
}

// seeLog returns how to make the loader talk.
func (e *examination) seeLog() []string {
	for _, f := range e.Findings {
		if f.Level == Problem {
			return []string{"see to the problems above first"}
		}
	}
	return []string{"VK_LOADER_DEBUG=error,warn nashprune devices (the loader then says what it tries)"}
}

// inside returns the name of a path in files.
func (m *machine) inside(name string) string {
	if !path.IsAbs(name) {
		name = path.Join(m.directory, name)
	}
	if name = strings.TrimPrefix(path.Clean(name), "/"); name == "" {
		return "."
	}
	return name
}

func (m *machine) exists(name string) bool {
	_, err := fs.Stat(m.files, m.inside(name))
	return err == nil
}

// glob returns the paths that a pattern fits.
func (m *machine) glob(pattern string) []string {
	names, err := fs.Glob(m.files, m.inside(pattern))
	if err != nil { // a pattern from the environment
		return nil
	}
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names
}

// maxFile bounds what is read of any file, in bytes.
const maxFile = 1 << 20

// read returns what a file holds, "" for what is no regular file.
func (m *machine) read(name string) (string, error) {
	name = m.inside(name)
	info, err := fs.Stat(m.files, name)
	if err != nil {
		return "", plain(err)
	}
	if !info.Mode().IsRegular() { // a pipe would never end
		return "", errors.New("it is not a file")
	}
	file, err := m.files.Open(name)
	if err != nil {
		return "", plain(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return string(content), err
}

// plain leaves the path out of an error that is printed beside it.
func plain(err error) error {
	if at := new(fs.PathError); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// line returns the first line of a file, "" where there is none.
func (m *machine) line(name string) string {
	text, err := m.read(name)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(first)
}
