package doctor

import (
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"nashprune/gpu/internal/compute"
)

// loaderName is what the loader is called on Linux.
const loaderName = "libvulkan.so.1"

// loader looks for the library that finds the drivers.
func (e *examination) loader() {
	if name := e.env(compute.LoaderVariable); name != "" {
		if file, err := e.findLibrary(name); err != nil {
			e.add(Problem, "loader", fmt.Sprintf("%s names %s: %v", compute.LoaderVariable, name, err), "unset "+compute.LoaderVariable+", or name a Vulkan loader by it")
		} else {
			e.add(OK, "loader", fmt.Sprintf("%s, named by %s", file, compute.LoaderVariable))
		}
		return
	}
	if file, err := e.findLibrary(loaderName); err != nil {
		e.add(Problem, "loader", fmt.Sprintf("the Vulkan loader, %s: %v", loaderName, err), e.install(loaderPackage)...)
	} else {
		e.add(OK, "loader", file)
	}
}

// findLibrary returns the file that the system would load for a library's name or
// path.
func (m *machine) findLibrary(name string) (file string, err error) {
	candidates, err := []string{name}, errors.New("there is no such file")
	if !strings.Contains(name, "/") {
		candidates, err = nil, errors.New("it is in no folder of libraries")
		for _, folder := range m.libraryFolders() {
			candidates = append(candidates, path.Join(folder, name))
		}
	}
	for _, candidate := range candidates {
		if !m.exists(candidate) {
			continue
		}
		if err = m.checkLibrary(candidate); err == nil {
			return candidate, nil
		}
	}
	return "", err
}

// libraryFolders lists the folders in which the system looks for libraries, in
// that order.
func (m *machine) libraryFolders() []string {
	folders := strings.Split(m.env("LD_LIBRARY_PATH"), ":")
	folders = append(folders, m.configuredFolders("/etc/ld.so.conf", 0)...)
	folders = append(folders, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")
	for _, pattern := range []string{"/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*"} { // of Debian
		folders = append(folders, m.glob(pattern)...)
	}
	return slices.DeleteFunc(folders, func(folder string) bool { return folder == "" })
}

// maxIncludes bounds how deep files of folders may include one another.
const maxIncludes = 4

// configuredFolders returns the folders that ld.so.conf names.
func (m *machine) configuredFolders(file string, depth int) []string {
	text, err := m.read(file)
	if err != nil || depth > maxIncludes {
		return nil
	}
	var folders []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if pattern, ok := strings.CutPrefix(line, "include "); ok {
			pattern = strings.TrimSpace(pattern)
			if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(file), pattern)
			}
			for _, included := range m.glob(pattern) {
				folders = append(folders, m.configuredFolders(included, depth+1)...)
			}
		} else if line != "" {
			folders = append(folders, line)
		}
	}
	return folders
}

// elfMachines are the processors of Go's architectures, as libraries name them.
var elfMachines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "386": elf.EM_386, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM,
	"riscv64": elf.EM_RISCV, "loong64": elf.EM_LOONGARCH, "ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390,
}

// errForeign is wrapped by errors about libraries for other processors.
var errForeign = errors.New("a library for another processor")

// checkLibrary says why a file cannot be loaded into this program, as far as its
// head tells.
func (m *machine) checkLibrary(name string) error {
	file, err := m.files.Open(m.inside(name))
	if err != nil {
		return plain(err)
	}
	defer file.Close()
	var head [20]byte // up to and with e_machine
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", name)
	}
	if _, err := io.ReadFull(file, head[:]); err != nil || string(head[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return fmt.Errorf("%s is not a library", name)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	kind := elf.Machine(order.Uint16(head[18:]))
	if wanted, ok := elfMachines[m.goarch]; ok && kind != wanted {
		return fmt.Errorf("%s is %w (%v)", name, errForeign, kind)
	}
	return nil
}

// manifest is a file that names a Vulkan driver.
type manifest struct {
	file, library string
}

// of reports whether the driver is for a maker's GPUs.
func (f manifest) of(m maker) bool {
	names := strings.ToLower(path.Base(f.file) + " " + path.Base(f.library))
	return slices.ContainsFunc(m.words, func(word string) bool { return strings.Contains(names, word) })
}

// drivers looks for the files that name drivers and for what they name.
func (e *examination) drivers(cards []card) {
	for _, variable := range driverVariables {
		if e.isSet(variable) && e.env(variable) == "" {
			e.add(Note, "driver", variable+" is set and empty, which some loaders take for no driver at all", "unset "+variable)
		}
	}
	files, source := e.manifestFiles()
	repair := "remove it, or install again the package that it belongs to"
	if source != "" {
		repair = "unset " + source + ", or name the file of a driver that is there"
	}
	var good []manifest
	for _, file := range files {
		f, err := e.readManifest(file)
		if err != nil {
			e.add(Problem, "driver", fmt.Sprintf("%s: %v", file, err), repair)
			continue
		}
		switch _, err := e.findLibrary(f.library); {
		case err == nil:
			good = append(good, f)
		case errors.Is(err, errForeign): // distributions ship those for 32 bits, too
			e.add(Note, "driver", fmt.Sprintf("%s: %v", file, err))
		default:
			e.add(Problem, "driver", fmt.Sprintf("%s names the driver %s: %v", file, f.library, err), repair)
		}
	}
	if len(good) > 0 {
		var names []string
		for _, f := range good {
			names = append(names, f.file)
		}
		e.add(OK, "driver", strings.Join(names, ", "))
	}
	for _, variable := range []string{"VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE"} {
		if value := e.env(variable); value != "" {
			e.add(Note, "driver", fmt.Sprintf("%s=%s leaves drivers out", variable, value), "unset "+variable)
		}
	}
	if e.missingDrivers(cards, good, source) || len(good) > 0 {
		return
	}
	if source != "" {
		e.add(Problem, "driver", source+" names no driver that can be loaded, and others are not looked at", "unset "+source)
		return
	}
	e.add(Problem, "driver", "no Vulkan driver is installed (no files in vulkan/icd.d)", e.install(anyMesa)...)
}

// missingDrivers reports GPUs without a driver, and returns whether there are any. The
// variable named source, if any, says where drivers are looked for.
func (e *examination) missingDrivers(cards []card, good []manifest, source string) bool {
	found := false
	told := map[string]bool{}
	for _, c := range cards {
		m := makers[c.vendor]
		wanted := m
		if c.kernelDriver == "nouveau" {
			wanted.words, wanted.driver = []string{"nouveau"}, nvidiaMesa
		} else if c.vendor == nvidia {
			wanted.words = []string{"nvidia"}
			if e.nvidiaVersion() != "" {
				wanted.driver = nvidiaVulkan
			}
		}
		if told[c.vendor] || !slices.Contains(m.modules, c.kernelDriver) || slices.ContainsFunc(good, func(f manifest) bool { return f.of(wanted) }) {
			continue
		}
		told[c.vendor], found = true, true
		what := fmt.Sprintf("no Vulkan driver for the %v", c)
		advice := e.install(wanted.driver)
		if wanted.driver == nvidiaVulkan {
			what += fmt.Sprintf(": NVIDIA's kernel module %s is loaded, but nothing like nvidia_icd.json is there", e.nvidiaVersion())
			if e.kindOfContainer() != "" { // the toolkit brings it in from the host
				advice = e.outside(nvidiaFlags, "")
			}
		}
		if source != "" {
			what, advice = what+" among those that "+source+" names", []string{"unset " + source}
		}
		e.add(Problem, "driver", what, advice...)
	}
	for _, f := range good {
		if strings.Contains(f.library, "libGLX_nvidia") {
			if _, err := e.findLibrary("libXext.so.6"); err != nil {
				e.add(Problem, "driver", fmt.Sprintf("NVIDIA's driver loads libXext.so.6 even without a screen: %v", err), e.install(nvidiaX11)...)
				found = true
			}
		}
	}
	return found
}

// driverVariables keep the loader from looking for drivers in the usual folders.
var driverVariables = []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}

// manifestFiles lists the files in which the loader looks for drivers, and the
// variable that says so, if one keeps it from the usual folders.
func (m *machine) manifestFiles() (files []string, source string) {
	for _, variable := range driverVariables {
		if value := m.env(variable); value != "" {
			return m.manifestsAt(strings.Split(value, ":")), variable
		}
	}
	places := strings.Split(m.env("VK_ADD_DRIVER_FILES"), ":")
	for _, folder := range m.dataFolders() {
		places = append(places, path.Join(folder, "vulkan/icd.d"))
	}
	return slices.DeleteFunc(m.manifestsAt(places), func(file string) bool { return !m.exists(file) }), ""
}

// manifestsAt returns the files that are named and those in folders that are.
func (m *machine) manifestsAt(places []string) []string {
	var files []string
	add := func(file string) {
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	for _, place := range places {
		switch {
		case place == "":
		case path.Ext(place) == ".json":
			add(place)
		default:
			for _, file := range m.glob(path.Join(place, "*.json")) {
				add(file)
			}
		}
	}
	return files
}

// dataFolders lists the folders below which the loader looks, in its order.
func (m *machine) dataFolders() []string {
	home := m.env("HOME")
	below := func(folder string) string {
		if home == "" {
			return ""
		}
		return path.Join(home, folder)
	}
	var folders []string
	for _, f := range []struct{ variable, otherwise string }{
		{"XDG_CONFIG_HOME", below(".config")},
		{"XDG_CONFIG_DIRS", "/etc/xdg"},
		{"", "/usr/local/etc:/etc"},
		{"XDG_DATA_HOME", below(".local/share")},
		{"XDG_DATA_DIRS", "/usr/local/share:/usr/share"},
	} {
		list := m.env(f.variable)
		if list == "" {
			list = f.otherwise
		}
		folders = append(folders, strings.Split(list, ":")...)
	}
	return slices.DeleteFunc(folders, func(folder string) bool { return folder == "" })
}

// readManifest returns what a file says of a driver.
func (m *machine) readManifest(file string) (manifest, error) {
	text, err := m.read(file)
	if err != nil {
		return manifest{}, err
	}
	var content struct {
		ICD struct {
			Library string `json:"library_path"`
		}
	}
	if err := json.Unmarshal([]byte(text), &content); err != nil {
		return manifest{}, fmt.Errorf("it is not the JSON that it should be: %w", err)
	}
	library := content.ICD.Library
	if library == "" {
		return manifest{}, errors.New("it names no library_path")
	}
	if strings.Contains(library, "/") && !path.IsAbs(library) {
		library = path.Join(path.Dir(file), library)
	}
	return manifest{file, library}, nil
}
