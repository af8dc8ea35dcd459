//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/vkshim"
)

var apiVersion = uint32(vk.MakeVersion(1, 1, 0))

// shared is the one Vulkan instance of all open devices. The binding has one table of
// functions for the whole process, which is thus filled only while it is not in use.
var shared struct {
	sync.Mutex
	loaded   bool // the loader
	instance vk.Instance
	users    int
	surface  *Surface // that is open, if any
}

// acquireInstance returns the shared instance, which releaseInstance gives back.
func acquireInstance() (vk.Instance, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		instance, err := createInstance()
		if err != nil {
			return nil, err
		}
		shared.instance = instance
	}
	shared.users++
	return shared.instance, nil
}

func releaseInstance() {
	shared.Lock()
	defer shared.Unlock()
	if shared.users--; shared.users == 0 {
		vk.DestroyInstance(shared.instance, nil)
		shared.instance = nil
	}
}

func createInstance() (vk.Instance, error) {
	if !shared.loaded {
		address, err := vkshim.Load(os.Getenv(LoaderVariable))
		if err != nil {
			return nil, fmt.Errorf("no Vulkan loader: %w", err)
		}
		vk.SetGetInstanceProcAddr(address)
		if err := vk.Init(); err != nil {
			return nil, fmt.Errorf("the Vulkan loader: %w", err)
		}
		shared.loaded = true
	}
	version, result := vkshim.InstanceVersion()
	if err := failed("vkEnumerateInstanceVersion", result); err != nil {
		return nil, err
	}
	if version < apiVersion {
		return nil, fmt.Errorf("the Vulkan loader is of version %s: it takes 1.1", versionString(max(version, uint32(vk.MakeVersion(1, 0, 0)))))
	}
	const enumeration = "VK_KHR_portability_enumeration"
	portability := runtime.GOOS == "darwin" && vkshim.InstanceHasExtension(enumeration)
	extensions := slices.Clone(SurfaceExtensions)
	if portability {
		extensions = append(extensions, enumeration)
	}
	instance, result := vkshim.CreateInstance(apiVersion, portability, extensions)
	if result == vk.ErrorIncompatibleDriver {
		return nil, fmt.Errorf("no Vulkan driver was found: %w", failed("vkCreateInstance", result))
	} else if err := failed("vkCreateInstance", result); err != nil {
		return nil, err
	}
	if err := vk.InitInstance(instance); err != nil {
		vk.DestroyInstance(instance, nil)
		return nil, fmt.Errorf("the Vulkan loader: %w", err)
	}
	return instance, nil
}

// List describes the devices that [Open] takes. The error says what is missing
// where there is none, and otherwise which devices are left out and why, so that
// both may be returned.
func List() ([]Info, error) {
	instance, err := acquireInstance()
	if err != nil {
		return nil, err
	}
	defer releaseInstance()
	candidates, err := enumerate(instance)
	var devices []Info
	for _, c := range candidates {
		devices = append(devices, c.info)
	}
	return devices, err
}

// enumerate returns the devices that can be used, and says which cannot.
func enumerate(instance vk.Instance) ([]candidate, error) {
	var count uint32
	if err := failed("vkEnumeratePhysicalDevices", vk.EnumeratePhysicalDevices(instance, &count, nil)); err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, errors.New("no Vulkan driver has a device")
	}
	physical := make([]vk.PhysicalDevice, count)
	if result := vk.EnumeratePhysicalDevices(instance, &count, physical); result < 0 {
		return nil, failed("vkEnumeratePhysicalDevices", result)
	}
	var candidates []candidate
	var unfit []error
	for _, p := range physical[:count] {
		c, err := examine(instance, p)
		if err != nil {
			unfit = append(unfit, err)
			continue
		}
		c.info.Index = len(candidates)
		candidates = append(candidates, c)
	}
	return candidates, errors.Join(unfit...)
}

// versionString writes a Vulkan version as people do.
func versionString(v uint32) string {
	return fmt.Sprintf("%d.%d.%d", v>>22&0x7f, v>>12&0x3ff, v&0xfff)
}
