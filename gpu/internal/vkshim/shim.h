// What shim.go calls. Handles that Vulkan calls dispatchable are pointers, all
// others 64-bit numbers, on every platform. A shim_* function that returns
// int32_t returns a VkResult.

#ifndef NASHPRUNE_VKSHIM_H
#define NASHPRUNE_VKSHIM_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t shim_handle;

// shim_load opens the library and returns its vkGetInstanceProcAddr, or NULL
// with the system's words in message.
void *shim_load(const char *library, char *message, size_t size);

// Before there is a device. shim_instance_version is 0 where the loader is too
// old to tell; lists are written up to count entries, and the number that there
// are is returned.
typedef struct { uint32_t flags, timestamp_bits; } shim_queue_family;
typedef struct {
	uint32_t subgroup_size;
	uint64_t allocation; // the largest, in bytes
	char driver_name[256], driver_info[256]; // empty before Vulkan 1.2
} shim_properties;

int32_t shim_instance_version(uint32_t *version);
int shim_instance_has_extension(const char *name);
// portability lists devices which are not wholly Vulkan's; it takes an extension.
int32_t shim_create_instance(uint32_t version, int portability, uint32_t count, char **extensions, void **instance);
int32_t shim_device_has_extension(void *instance, void *physical, const char *name, int *has);
uint32_t shim_queue_families(void *instance, void *physical, shim_queue_family *families, uint32_t count);
void shim_physical_properties(void *instance, void *physical, int driver, shim_properties *properties);
int32_t shim_create_device(void *instance, void *physical, uint32_t family, uint32_t count, char **extensions, void **device);
// Formats of the colour space sRGB, up to count, which becomes the number of them.
int32_t shim_surface_formats(void *instance, void *physical, shim_handle surface, int32_t *formats, uint32_t *count);

// The functions of a device. shim_device_functions returns NULL and the name of
// the first function that is missing; the result is given back with free.
typedef struct shim_device shim_device;
shim_device *shim_device_functions(void *instance, void *device, const char **missing);

// Bit i of texels says that binding i is a texel buffer, not a storage buffer. One
// more storage buffer is bound at last.
int32_t shim_create_set_layout(const shim_device *d, uint32_t buffers, uint32_t texels, uint32_t last, shim_handle *layout);
int32_t shim_create_pipeline_layout(const shim_device *d, shim_handle set, uint32_t push, shim_handle *layout);
int32_t shim_create_descriptor_pool(const shim_device *d, uint32_t sets, uint32_t buffers, uint32_t texels, shim_handle *pool);
int32_t shim_create_pipeline(const shim_device *d, shim_handle module, shim_handle layout, uint32_t count, const uint32_t *constants, shim_handle *pipeline);
void shim_bind_buffer(const shim_device *d, shim_handle set, uint32_t binding, shim_handle buffer, uint64_t offset, uint64_t size);
void shim_bind_texels(const shim_device *d, shim_handle set, uint32_t binding, shim_handle view);

// shim_begin starts the recording of commands that may be submitted many times.
int32_t shim_begin(const shim_device *d, void *commands);
void shim_dispatch(const shim_device *d, void *commands, shim_handle pipeline, shim_handle layout, shim_handle set,
	uint32_t push_size, const void *push, uint32_t x, uint32_t y, uint32_t z);
void shim_barrier(const shim_device *d, void *commands, int host);
void shim_fill(const shim_device *d, void *commands, shim_handle buffer, uint64_t offset, uint64_t size, uint32_t word);
void shim_copy(const shim_device *d, void *commands, shim_handle from, uint64_t from_offset, shim_handle to, uint64_t to_offset, uint64_t size);
void shim_reset_timestamps(const shim_device *d, void *commands, shim_handle pool, uint32_t count);
void shim_timestamp(const shim_device *d, void *commands, shim_handle pool, uint32_t index);

// shim_show copies a picture to an image of a swapchain, whatever was in it.
void shim_show(const shim_device *d, void *commands, shim_handle from, uint64_t offset, shim_handle to, uint32_t width, uint32_t height);

// shim_submit submits the commands as many times as it says, at once. Transfers wait for a
// semaphore, and the end signals another, if they are not 0. call says what gave the result:
// 0 vkResetFences, 1 vkQueueSubmit.
typedef struct { int32_t result, call; } shim_outcome;
shim_outcome shim_submit(const shim_device *d, void *queue, void *commands, uint32_t times, shim_handle wait, shim_handle signal, shim_handle fence);
int32_t shim_wait(const shim_device *d, shim_handle fence, uint64_t nanoseconds);
int32_t shim_timestamps(const shim_device *d, shim_handle pool, uint32_t count, uint64_t *ticks);

#endif
