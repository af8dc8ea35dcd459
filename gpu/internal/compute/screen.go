//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	vk "github.com/vulkan-go/vulkan"

	"nashprune/gpu/internal/vkshim"
)

// SurfaceExtensions are the extensions that the instance is made with, for a surface. Set them
// before anything else of this package is used.
var SurfaceExtensions []string

const swapchainExtension = "VK_KHR_swapchain"

// Surface is where devices show pictures. As long as it is open, devices are opened on queues
// that can do so, if they have any.
type Surface struct{ surface vk.Surface }

// OpenSurface opens the one surface. Create makes it with an instance and returns its handle.
func OpenSurface(create func(instance unsafe.Pointer) (uint64, error)) (*Surface, error) {
	instance, err := acquireInstance()
	if err != nil {
		return nil, err
	}
	handle, err := create(unsafe.Pointer(instance))
	if err != nil {
		releaseInstance()
		return nil, err
	}
	s := &Surface{vkshim.Surface(handle)}
	shared.Lock()
	shared.surface = s
	shared.Unlock()
	return s, nil
}

// Close gives the surface back. Screens on it are closed by then.
func (s *Surface) Close() {
	shared.Lock()
	shared.surface = nil
	instance := shared.instance
	shared.Unlock()
	vk.DestroySurface(instance, s.surface, nil)
	releaseInstance()
}

// presenting says which of a device's families of queues can show pictures on the surface.
func presenting(instance vk.Instance, physical vk.PhysicalDevice, families int) ([]bool, error) {
	presents := make([]bool, families)
	shared.Lock()
	s := shared.surface
	shared.Unlock()
	if s == nil {
		return presents, nil
	}
	has, result := vkshim.DeviceHasExtension(instance, physical, swapchainExtension)
	if err := failed("vkEnumerateDeviceExtensionProperties", result); err != nil || !has {
		return presents, err
	}
	for i := range presents {
		var supported vk.Bool32
		if err := failed("vkGetPhysicalDeviceSurfaceSupportKHR", vk.GetPhysicalDeviceSurfaceSupport(physical, uint32(i), s.surface, &supported)); err != nil {
			return nil, err
		}
		presents[i] = supported != 0
	}
	return presents, nil
}

// Screen shows pictures of a device on the surface, by a swapchain.
type Screen struct {
	device        *Device
	surface       *Surface
	format        vk.Format
	swapchain     vk.Swapchain
	images        []vk.Image
	copied        []vk.Semaphore // by image: it may be presented
	acquired      vk.Semaphore   // the next image may be written
	copying       submission
	width, height int
}

// formats are those of pictures, 8 bits a colour. Numbers are copied as they are, so it is the
// same whether a format says that they are sRGB.
var formats = []vk.Format{vk.FormatB8g8r8a8Unorm, vk.FormatR8g8b8a8Unorm, vk.FormatB8g8r8a8Srgb, vk.FormatR8g8b8a8Srgb}

// NewScreen returns a screen, which has to be fitted.
func (d *Device) NewScreen(s *Surface) (*Screen, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	if !d.info.Presents {
		return nil, fmt.Errorf("%s cannot show pictures on this display", d.info.Name)
	}
	shared.Lock()
	listed, result := vkshim.SurfaceFormats(shared.instance, d.physical, s.surface)
	shared.Unlock()
	if err := failed("vkGetPhysicalDeviceSurfaceFormatsKHR", result); err != nil {
		return nil, err
	}
	known := slices.IndexFunc(formats, func(f vk.Format) bool { return slices.Contains(listed, f) })
	if known < 0 {
		return nil, fmt.Errorf("%s shows pictures in the formats %v on this display, and none has 8 bits a colour", d.info.Name, listed)
	}
	screen := &Screen{device: d, surface: s, format: formats[known]}
	copying, err := d.newSubmission()
	if err == nil {
		copying.work = "a picture"
		screen.copying = copying
		screen.acquired, err = d.newSemaphore()
	}
	if err != nil {
		screen.Close()
		return nil, err
	}
	return screen, nil
}

func (d *Device) newSemaphore() (vk.Semaphore, error) {
	info := vk.SemaphoreCreateInfo{SType: vk.StructureTypeSemaphoreCreateInfo}
	defer info.Free()
	var s vk.Semaphore
	return s, failed("vkCreateSemaphore", vk.CreateSemaphore(d.device, &info, nil, &s))
}

// BlueFirst reports whether the bytes of a pixel are blue, green, red and 255. Else red is
// first.
func (s *Screen) BlueFirst() bool {
	return s.format == vk.FormatB8g8r8a8Unorm || s.format == vk.FormatB8g8r8a8Srgb
}

// Fit makes the swapchain anew, after the window has changed. It returns the size of pictures
// in pixels: that of the surface or, where it has none, the one that is given. Both are 0 where
// the window shows nothing now.
func (s *Screen) Fit(width, height int) (int, int, error) {
	d := s.device
	if d.broken != nil {
		return 0, 0, d.broken
	}
	var can vk.SurfaceCapabilities
	if err := failed("vkGetPhysicalDeviceSurfaceCapabilitiesKHR", vk.GetPhysicalDeviceSurfaceCapabilities(d.physical, s.surface.surface, &can)); err != nil {
		return 0, 0, err
	}
	can.Deref()
	defer can.Free()
	for _, extent := range []*vk.Extent2D{&can.CurrentExtent, &can.MinImageExtent, &can.MaxImageExtent} {
		extent.Deref()
	}
	if can.SupportedUsageFlags&vk.ImageUsageFlags(vk.ImageUsageTransferDstBit) == 0 {
		return 0, 0, errors.New("the surface takes no pictures by copying")
	}
	extent := vk.Extent2D{Width: can.CurrentExtent.Width, Height: can.CurrentExtent.Height} // which C has no copy of
	if extent.Width == vk.MaxUint32 {
		extent.Width = min(max(uint32(width), can.MinImageExtent.Width), can.MaxImageExtent.Width)
		extent.Height = min(max(uint32(height), can.MinImageExtent.Height), can.MaxImageExtent.Height)
	}
	if extent.Width == 0 || extent.Height == 0 {
		return 0, 0, nil
	}
	mode, err := s.mode()
	if err != nil {
		return 0, 0, err
	}
	count := can.MinImageCount + 1
	if can.MaxImageCount > 0 {
		count = min(count, can.MaxImageCount)
	}
	alpha := can.SupportedCompositeAlpha & -can.SupportedCompositeAlpha // the first, which is to be opaque
	info := vk.SwapchainCreateInfo{
		SType: vk.StructureTypeSwapchainCreateInfo, Surface: s.surface.surface,
		MinImageCount: count, ImageFormat: s.format, ImageColorSpace: vk.ColorSpaceSrgbNonlinear,
		ImageExtent: extent, ImageArrayLayers: 1, ImageUsage: vk.ImageUsageFlags(vk.ImageUsageTransferDstBit),
		PreTransform: can.CurrentTransform, CompositeAlpha: vk.CompositeAlphaFlagBits(alpha),
		PresentMode: mode, Clipped: vk.True, OldSwapchain: s.swapchain,
	}
	defer info.Free()
	var swapchain vk.Swapchain
	err = failed("vkCreateSwapchainKHR", vk.CreateSwapchain(d.device, &info, nil, &swapchain))
	s.drop() // the one before is of no use in either case
	if err != nil {
		return 0, 0, err
	}
	s.swapchain = swapchain
	var images uint32
	if err := failed("vkGetSwapchainImagesKHR", vk.GetSwapchainImages(d.device, swapchain, &images, nil)); err != nil {
		return 0, 0, err
	}
	s.images = make([]vk.Image, images)
	if err := failed("vkGetSwapchainImagesKHR", vk.GetSwapchainImages(d.device, swapchain, &images, s.images)); err != nil {
		return 0, 0, err
	}
	for range images {
		semaphore, err := d.newSemaphore()
		if err != nil {
			return 0, 0, err
		}
		s.copied = append(s.copied, semaphore)
	}
	s.width, s.height = int(extent.Width), int(extent.Height)
	return s.width, s.height, nil
}

// mode returns the way of presenting that never waits, or else the one that all have.
func (s *Screen) mode() (vk.PresentMode, error) {
	modes := make([]vk.PresentMode, 16)
	count := uint32(len(modes))
	if result := vk.GetPhysicalDeviceSurfacePresentModes(s.device.physical, s.surface.surface, &count, modes); result < 0 {
		return 0, failed("vkGetPhysicalDeviceSurfacePresentModesKHR", result)
	}
	if slices.Contains(modes[:count], vk.PresentModeMailbox) {
		return vk.PresentModeMailbox, nil
	}
	return vk.PresentModeFifo, nil
}

// acquiring is how long a picture waits for its turn, in nanoseconds. Windows that are not
// seen have none.
const acquiring = 100e6

// Show shows a picture: 4 bytes a pixel, row by row, in the size that Fit returned. It reports
// whether the screen still fits the window. A picture that finds no turn is left out.
func (s *Screen) Show(picture Buffer) (fits bool, err error) {
	d := s.device
	if err := d.check(picture); err != nil {
		return false, err
	}
	if s.swapchain == vk.NullSwapchain {
		return false, nil
	}
	if picture.size != 4*s.width*s.height {
		return false, fmt.Errorf("a picture of %d bytes on a screen of %d x %d pixels", picture.size, s.width, s.height)
	}
	var image uint32
	result := vk.AcquireNextImage(d.device, s.swapchain, acquiring, s.acquired, vk.NullFence, &image)
	fits = result == vk.Success
	switch result {
	case vk.Success, vk.Suboptimal:
	case vk.Timeout, vk.NotReady:
		return true, nil
	case vk.ErrorOutOfDate:
		return false, nil
	default:
		return false, failed("vkAcquireNextImageKHR", result)
	}
	if err := d.begin(s.copying); err != nil {
		return false, err
	}
	d.shim.Show(s.copying.commands, picture.arena.buffer, picture.offset, s.images[image], s.width, s.height)
	if err := d.end(s.copying); err != nil {
		return false, err
	}
	result, call := d.submit(&s.copying, 1, s.acquired, s.copied[image])
	if result == vk.Success {
		result, call = d.shim.Wait(s.copying.fence, uint64(d.patience)), "vkWaitForFences"
	}
	if result != vk.Success {
		return false, d.lost(&s.copying, 1, result, call)
	}
	switch result := s.present(image); result {
	case vk.Success:
		return fits, nil
	case vk.Suboptimal, vk.ErrorOutOfDate:
		return false, nil
	default:
		return false, failed("vkQueuePresentKHR", result)
	}
}

// present shows an image that is ready. The queue is for one goroutine at a time.
func (s *Screen) present(image uint32) vk.Result {
	info := vk.PresentInfo{
		SType:              vk.StructureTypePresentInfo,
		WaitSemaphoreCount: 1, PWaitSemaphores: []vk.Semaphore{s.copied[image]},
		SwapchainCount: 1, PSwapchains: []vk.Swapchain{s.swapchain}, PImageIndices: []uint32{image},
	}
	defer info.Free()
	s.device.mutex.Lock()
	defer s.device.mutex.Unlock()
	return vk.QueuePresent(s.device.queue, &info)
}

// drop gives the swapchain back when the queue is done with it.
func (s *Screen) drop() {
	d := s.device
	if s.swapchain == vk.NullSwapchain || d.hung.Load() {
		return
	}
	d.mutex.Lock()
	vk.QueueWaitIdle(d.queue) // an error of it will come again
	d.mutex.Unlock()
	for _, semaphore := range s.copied {
		vk.DestroySemaphore(d.device, semaphore, nil)
	}
	vk.DestroySwapchain(d.device, s.swapchain, nil)
	s.swapchain, s.images, s.copied = vk.NullSwapchain, nil, nil
}

// Close gives the screen back, before its device and its surface.
func (s *Screen) Close() {
	s.drop()
	if d := s.device; !d.hung.Load() {
		vk.DestroySemaphore(d.device, s.acquired, nil)
		d.freeSubmission(s.copying)
	}
}
