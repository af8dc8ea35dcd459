//go:build cgo && (linux || windows || darwin || freebsd)

#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#define VKAPI __stdcall
#else
#include <dlfcn.h>
#define VKAPI
#endif

// The part of vulkan_core.h that is used here, with its names and values. A
// structure type is written where a struct is filled in. (VkMemoryBarrier is called
// GlobalBarrier, since windows.h has a MemoryBarrier.)
typedef struct { int32_t sType; void *pNext; } Header;
typedef struct { char name[256]; uint32_t version; } ExtensionProperties;
typedef struct { uint32_t flags, count, timestampValidBits, granularity[3]; } QueueFamilyProperties;
typedef struct { Header header; uint64_t properties[128]; } PhysicalDeviceProperties2; // the 1.0 struct has 824 bytes
typedef struct { Header header; uint32_t size, stages, operations, quad; } SubgroupProperties;
typedef struct { Header header; uint32_t descriptors; uint64_t allocation; } Maintenance3Properties;
typedef struct { Header header; int32_t id; char name[256], info[256]; uint8_t conformance[4]; } DriverProperties;
typedef struct { Header header; const char *name; uint32_t version; const char *engine; uint32_t engineVersion, apiVersion; } ApplicationInfo;
typedef struct {
	Header header;
	uint32_t flags;
	const ApplicationInfo *application;
	uint32_t layers;
	const char *const *layer;
	uint32_t extensions;
	const char *const *extension;
} InstanceCreateInfo;
typedef struct { Header header; uint32_t flags, family, count; const float *priorities; } DeviceQueueCreateInfo;
typedef struct {
	Header header;
	uint32_t flags, queues;
	const DeviceQueueCreateInfo *queue;
	uint32_t layers;
	const char *const *layer;
	uint32_t extensions;
	const char *const *extension;
	const void *features;
} DeviceCreateInfo;
typedef struct { uint32_t binding; int32_t type; uint32_t count, stages; const void *samplers; } SetLayoutBinding;
typedef struct { Header header; uint32_t flags, count; const SetLayoutBinding *bindings; } SetLayoutCreateInfo;
typedef struct { uint32_t stages, offset, size; } PushConstantRange;
typedef struct { Header header; uint32_t flags, sets; const shim_handle *set; uint32_t ranges; const PushConstantRange *range; } PipelineLayoutCreateInfo;
typedef struct { int32_t type; uint32_t count; } PoolSize;
typedef struct { Header header; uint32_t flags, sets, sizes; const PoolSize *size; } DescriptorPoolCreateInfo;
typedef struct { uint32_t id, offset; size_t size; } SpecializationMapEntry;
typedef struct { uint32_t count; const SpecializationMapEntry *entries; size_t size; const void *data; } SpecializationInfo;
typedef struct { Header header; uint32_t flags, stage; shim_handle module; const char *name; const SpecializationInfo *constants; } StageCreateInfo;
typedef struct { Header header; uint32_t flags; StageCreateInfo stage; shim_handle layout, base; int32_t baseIndex; } ComputePipelineCreateInfo;
typedef struct { shim_handle buffer; uint64_t offset, size; } DescriptorBufferInfo;
typedef struct {
	Header header;
	shim_handle set;
	uint32_t binding, element, count;
	int32_t type;
	const void *images;
	const DescriptorBufferInfo *buffers;
	const shim_handle *views;
} WriteDescriptorSet;
typedef struct { Header header; uint32_t flags; const void *inheritance; } CommandBufferBeginInfo;
typedef struct { Header header; uint32_t from, to; } GlobalBarrier;
typedef struct { uint64_t from, to, size; } BufferCopy;
typedef struct { int32_t format, space; } SurfaceFormat;
typedef struct { uint32_t aspect, level, levels, layer, layers; } ImageRange;
typedef struct { Header header; uint32_t from, to; int32_t old, new; uint32_t from_family, to_family; shim_handle image; ImageRange range; } ImageBarrier;
typedef struct { uint64_t offset; uint32_t row, height, aspect, level, layer, layers; int32_t place[3]; uint32_t extent[3]; } BufferImageCopy;
typedef struct {
	Header header;
	uint32_t waits;
	const shim_handle *wait;
	const uint32_t *stages;
	uint32_t buffers;
	void *const *buffer;
	uint32_t signals;
	const shim_handle *signal;
} SubmitInfo;

enum {
	SUCCESS = 0, ERROR_OUT_OF_HOST_MEMORY = -1, ERROR_INITIALIZATION_FAILED = -3,
	ENUMERATE_PORTABILITY = 1, // of an instance
	STAGE_COMPUTE = 0x20, // of a shader
	BIND_POINT_COMPUTE = 1,
	DESCRIPTOR_TEXEL_BUFFER = 4, DESCRIPTOR_STORAGE_BUFFER = 7,
	AT_COMPUTE_SHADER = 0x800, AT_TRANSFER = 0x1000, AT_BOTTOM_OF_PIPE = 0x2000, AT_HOST = 0x4000,
	SHADER_READ = 0x20, SHADER_WRITE = 0x40, TRANSFER_READ = 0x800, TRANSFER_WRITE = 0x1000, HOST_READ = 0x2000, HOST_WRITE = 0x4000,
	SIMULTANEOUS_USE = 4,
	QUERY_64_BIT = 1, QUERY_WAIT = 2,
	SRGB_NONLINEAR = 0, ASPECT_COLOR = 1,
	LAYOUT_UNDEFINED = 0, LAYOUT_TRANSFER_DST = 7, LAYOUT_PRESENT_SRC = 1000001002,
};

typedef void (VKAPI *Function)(void);
typedef Function (VKAPI *GetProcAddr)(void *, const char *);
static GetProcAddr get_instance_proc_addr;

void *shim_load(const char *library, char *message, size_t size) {
#ifdef _WIN32
	HMODULE opened = LoadLibraryA(library);
	if (!opened) {
		snprintf(message, size, "%s: error %lu of Windows", library, GetLastError());
		return NULL;
	}
	get_instance_proc_addr = (GetProcAddr)(void *)GetProcAddress(opened, "vkGetInstanceProcAddr");
#else
	void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!opened) {
		snprintf(message, size, "%s", dlerror()); // begins with the name
		return NULL;
	}
	get_instance_proc_addr = (GetProcAddr)dlsym(opened, "vkGetInstanceProcAddr");
#endif
	if (!get_instance_proc_addr)
		snprintf(message, size, "%s: not a Vulkan loader: it has no vkGetInstanceProcAddr", library);
	return (void *)get_instance_proc_addr;
}

#define RESOLVE(instance, name) (void *)get_instance_proc_addr(instance, name)

int32_t shim_instance_version(uint32_t *version) {
	int32_t (VKAPI *enumerate)(uint32_t *) = RESOLVE(NULL, "vkEnumerateInstanceVersion");
	*version = 0;
	return enumerate ? enumerate(version) : SUCCESS;
}

// has_name also frees the list.
static int has_name(ExtensionProperties *list, uint32_t count, const char *name) {
	int found = 0;
	for (uint32_t i = 0; list && i < count; i++)
		found |= !strcmp(list[i].name, name);
	free(list);
	return found;
}

int shim_instance_has_extension(const char *name) {
	int32_t (VKAPI *enumerate)(const char *, uint32_t *, ExtensionProperties *) = RESOLVE(NULL, "vkEnumerateInstanceExtensionProperties");
	uint32_t count = 0;
	if (!enumerate || enumerate(NULL, &count, NULL) != SUCCESS)
		return 0;
	ExtensionProperties *list = calloc(count + 1, sizeof *list);
	if (!list || enumerate(NULL, &count, list) < 0)
		count = 0;
	return has_name(list, count, name);
}

int32_t shim_create_instance(uint32_t version, int portability, uint32_t count, char **extensions, void **instance) {
	int32_t (VKAPI *create)(const InstanceCreateInfo *, const void *, void **) = RESOLVE(NULL, "vkCreateInstance");
	ApplicationInfo application = {.header = {0, NULL}, .name = "nashprune", .engine = "nashprune", .apiVersion = version};
	InstanceCreateInfo info = {
		.header = {1, NULL},
		.flags = portability ? ENUMERATE_PORTABILITY : 0,
		.application = &application,
		.extensions = count,
		.extension = (const char *const *)extensions,
	};
	return create ? create(&info, NULL, instance) : ERROR_INITIALIZATION_FAILED;
}

int32_t shim_device_has_extension(void *instance, void *physical, const char *name, int *has) {
	int32_t (VKAPI *enumerate)(void *, const char *, uint32_t *, ExtensionProperties *) = RESOLVE(instance, "vkEnumerateDeviceExtensionProperties");
	uint32_t count = 0;
	*has = 0;
	int32_t result = enumerate ? enumerate(physical, NULL, &count, NULL) : ERROR_INITIALIZATION_FAILED;
	if (result != SUCCESS)
		return result;
	ExtensionProperties *list = calloc(count + 1, sizeof *list);
	if (!list)
		return ERROR_OUT_OF_HOST_MEMORY;
	result = enumerate(physical, NULL, &count, list);
	*has = has_name(list, result < 0 ? 0 : count, name);
	return result < 0 ? result : SUCCESS; // some more may have come meanwhile
}

uint32_t shim_queue_families(void *instance, void *physical, shim_queue_family *families, uint32_t room) {
	void (VKAPI *get)(void *, uint32_t *, QueueFamilyProperties *) = RESOLVE(instance, "vkGetPhysicalDeviceQueueFamilyProperties");
	uint32_t count = 0;
	if (!get)
		return 0;
	get(physical, &count, NULL);
	QueueFamilyProperties *list = calloc(count + 1, sizeof *list);
	if (!list)
		return 0;
	get(physical, &count, list);
	for (uint32_t i = 0; i < count && i < room; i++)
		families[i] = (shim_queue_family){list[i].flags, list[i].timestampValidBits};
	free(list);
	return count;
}

void shim_physical_properties(void *instance, void *physical, int driver, shim_properties *properties) {
	void (VKAPI *get)(void *, PhysicalDeviceProperties2 *) = RESOLVE(instance, "vkGetPhysicalDeviceProperties2");
	DriverProperties of_driver = {.header = {1000196000, NULL}};
	Maintenance3Properties of_memory = {.header = {1000168000, driver ? &of_driver : NULL}};
	SubgroupProperties of_subgroups = {.header = {1000094000, &of_memory}};
	PhysicalDeviceProperties2 all = {.header = {1000059001, &of_subgroups}};
	if (get)
		get(physical, &all);
	properties->subgroup_size = of_subgroups.size;
	properties->allocation = of_memory.allocation;
	memcpy(properties->driver_name, of_driver.name, sizeof of_driver.name);
	memcpy(properties->driver_info, of_driver.info, sizeof of_driver.info);
}

int32_t shim_create_device(void *instance, void *physical, uint32_t family, uint32_t count, char **extensions, void **device) {
	int32_t (VKAPI *create)(void *, const DeviceCreateInfo *, const void *, void **) = RESOLVE(instance, "vkCreateDevice");
	float priority = 1;
	DeviceQueueCreateInfo queue = {.header = {2, NULL}, .family = family, .count = 1, .priorities = &priority};
	DeviceCreateInfo info = {.header = {3, NULL}, .queues = 1, .queue = &queue, .extensions = count, .extension = (const char *const *)extensions};
	return create(physical, &info, NULL, device);
}

int32_t shim_surface_formats(void *instance, void *physical, shim_handle surface, int32_t *formats, uint32_t *count) {
	int32_t (VKAPI *get)(void *, shim_handle, uint32_t *, SurfaceFormat *) = RESOLVE(instance, "vkGetPhysicalDeviceSurfaceFormatsKHR");
	uint32_t room = *count, all = 0;
	*count = 0;
	int32_t result = get ? get(physical, surface, &all, NULL) : ERROR_INITIALIZATION_FAILED;
	if (result != SUCCESS)
		return result;
	SurfaceFormat *list = calloc(all + 1, sizeof *list);
	if (!list)
		return ERROR_OUT_OF_HOST_MEMORY;
	result = get(physical, surface, &all, list);
	for (uint32_t i = 0; result >= 0 && i < all && *count < room; i++)
		if (list[i].space == SRGB_NONLINEAR)
			formats[(*count)++] = list[i].format;
	free(list);
	return result < 0 ? result : SUCCESS;
}

struct shim_device {
	void *device;
	int32_t (VKAPI *vkCreateDescriptorSetLayout)(void *, const SetLayoutCreateInfo *, const void *, shim_handle *);
	int32_t (VKAPI *vkCreatePipelineLayout)(void *, const PipelineLayoutCreateInfo *, const void *, shim_handle *);
	int32_t (VKAPI *vkCreateDescriptorPool)(void *, const DescriptorPoolCreateInfo *, const void *, shim_handle *);
	int32_t (VKAPI *vkCreateComputePipelines)(void *, shim_handle, uint32_t, const ComputePipelineCreateInfo *, const void *, shim_handle *);
	void (VKAPI *vkUpdateDescriptorSets)(void *, uint32_t, const WriteDescriptorSet *, uint32_t, const void *);
	int32_t (VKAPI *vkBeginCommandBuffer)(void *, const CommandBufferBeginInfo *);
	void (VKAPI *vkCmdBindPipeline)(void *, int32_t, shim_handle);
	void (VKAPI *vkCmdBindDescriptorSets)(void *, int32_t, shim_handle, uint32_t, uint32_t, const shim_handle *, uint32_t, const uint32_t *);
	void (VKAPI *vkCmdPushConstants)(void *, shim_handle, uint32_t, uint32_t, uint32_t, const void *);
	void (VKAPI *vkCmdDispatch)(void *, uint32_t, uint32_t, uint32_t);
	void (VKAPI *vkCmdPipelineBarrier)(void *, uint32_t, uint32_t, uint32_t, uint32_t, const GlobalBarrier *, uint32_t, const void *, uint32_t, const ImageBarrier *);
	void (VKAPI *vkCmdFillBuffer)(void *, shim_handle, uint64_t, uint64_t, uint32_t);
	void (VKAPI *vkCmdCopyBuffer)(void *, shim_handle, shim_handle, uint32_t, const BufferCopy *);
	void (VKAPI *vkCmdCopyBufferToImage)(void *, shim_handle, shim_handle, int32_t, uint32_t, const BufferImageCopy *);
	void (VKAPI *vkCmdResetQueryPool)(void *, shim_handle, uint32_t, uint32_t);
	void (VKAPI *vkCmdWriteTimestamp)(void *, uint32_t, shim_handle, uint32_t);
	int32_t (VKAPI *vkResetFences)(void *, uint32_t, const shim_handle *);
	int32_t (VKAPI *vkQueueSubmit)(void *, uint32_t, const SubmitInfo *, shim_handle);
	int32_t (VKAPI *vkWaitForFences)(void *, uint32_t, const shim_handle *, uint32_t, uint64_t);
	int32_t (VKAPI *vkGetQueryPoolResults)(void *, shim_handle, uint32_t, uint32_t, size_t, void *, uint64_t, uint32_t);
};

shim_device *shim_device_functions(void *instance, void *device, const char **missing) {
	GetProcAddr get = RESOLVE(instance, "vkGetDeviceProcAddr");
	shim_device *d = calloc(1, sizeof *d);
	*missing = !get ? "vkGetDeviceProcAddr" : "memory";
	if (!get || !d) {
		free(d);
		return NULL;
	}
	d->device = device;
#define FIND(name) \
	if (!(d->name = (void *)get(device, #name))) { \
		*missing = #name; \
		free(d); \
		return NULL; \
	}
	FIND(vkCreateDescriptorSetLayout)
	FIND(vkCreatePipelineLayout)
	FIND(vkCreateDescriptorPool)
	FIND(vkCreateComputePipelines)
	FIND(vkUpdateDescriptorSets)
	FIND(vkBeginCommandBuffer)
	FIND(vkCmdBindPipeline)
	FIND(vkCmdBindDescriptorSets)
	FIND(vkCmdPushConstants)
	FIND(vkCmdDispatch)
	FIND(vkCmdPipelineBarrier)
	FIND(vkCmdFillBuffer)
	FIND(vkCmdCopyBuffer)
	FIND(vkCmdCopyBufferToImage)
	FIND(vkCmdResetQueryPool)
	FIND(vkCmdWriteTimestamp)
	FIND(vkResetFences)
	FIND(vkQueueSubmit)
	FIND(vkWaitForFences)
	FIND(vkGetQueryPoolResults)
#undef FIND
	return d;
}

int32_t shim_create_set_layout(const shim_device *d, uint32_t buffers, uint32_t texels, uint32_t last, shim_handle *layout) {
	SetLayoutBinding *bindings = calloc(buffers + 1, sizeof *bindings);
	if (!bindings)
		return ERROR_OUT_OF_HOST_MEMORY;
	for (uint32_t i = 0; i < buffers; i++)
		bindings[i] = (SetLayoutBinding){i, texels >> i & 1 ? DESCRIPTOR_TEXEL_BUFFER : DESCRIPTOR_STORAGE_BUFFER, 1, STAGE_COMPUTE, NULL};
	bindings[buffers] = (SetLayoutBinding){last, DESCRIPTOR_STORAGE_BUFFER, 1, STAGE_COMPUTE, NULL};
	SetLayoutCreateInfo info = {.header = {32, NULL}, .count = buffers + 1, .bindings = bindings};
	int32_t result = d->vkCreateDescriptorSetLayout(d->device, &info, NULL, layout);
	free(bindings);
	return result;
}

int32_t shim_create_pipeline_layout(const shim_device *d, shim_handle set, uint32_t push, shim_handle *layout) {
	PushConstantRange range = {STAGE_COMPUTE, 0, push};
	PipelineLayoutCreateInfo info = {.header = {30, NULL}, .sets = 1, .set = &set, .ranges = push > 0, .range = &range};
	return d->vkCreatePipelineLayout(d->device, &info, NULL, layout);
}

int32_t shim_create_descriptor_pool(const shim_device *d, uint32_t sets, uint32_t buffers, uint32_t texels, shim_handle *pool) {
	PoolSize size[] = {{DESCRIPTOR_STORAGE_BUFFER, buffers}, {DESCRIPTOR_TEXEL_BUFFER, texels}};
	DescriptorPoolCreateInfo info = {.header = {33, NULL}, .sets = sets, .sizes = 1 + (texels > 0), .size = size}; // of zero none may be
	return d->vkCreateDescriptorPool(d->device, &info, NULL, pool);
}

int32_t shim_create_pipeline(const shim_device *d, shim_handle module, shim_handle layout, uint32_t count, const uint32_t *constants, shim_handle *pipeline) {
	SpecializationMapEntry *entries = calloc(count + 1, sizeof *entries);
	if (!entries)
		return ERROR_OUT_OF_HOST_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		entries[i] = (SpecializationMapEntry){i, 4 * i, 4};
	SpecializationInfo specialization = {count, entries, 4 * (size_t)count, constants};
	ComputePipelineCreateInfo info = {
		.header = {29, NULL},
		.stage = {.header = {18, NULL}, .stage = STAGE_COMPUTE, .module = module, .name = "main", .constants = count ? &specialization : NULL},
		.layout = layout,
		.baseIndex = -1,
	};
	int32_t result = d->vkCreateComputePipelines(d->device, 0, 1, &info, NULL, pipeline);
	free(entries);
	return result;
}

void shim_bind_buffer(const shim_device *d, shim_handle set, uint32_t binding, shim_handle buffer, uint64_t offset, uint64_t size) {
	DescriptorBufferInfo range = {buffer, offset, size};
	WriteDescriptorSet write = {.header = {35, NULL}, .set = set, .binding = binding, .count = 1, .type = DESCRIPTOR_STORAGE_BUFFER, .buffers = &range};
	d->vkUpdateDescriptorSets(d->device, 1, &write, 0, NULL);
}

void shim_bind_texels(const shim_device *d, shim_handle set, uint32_t binding, shim_handle view) {
	WriteDescriptorSet write = {.header = {35, NULL}, .set = set, .binding = binding, .count = 1, .type = DESCRIPTOR_TEXEL_BUFFER, .views = &view};
	d->vkUpdateDescriptorSets(d->device, 1, &write, 0, NULL);
}

int32_t shim_begin(const shim_device *d, void *commands) {
	CommandBufferBeginInfo info = {.header = {42, NULL}, .flags = SIMULTANEOUS_USE};
	return d->vkBeginCommandBuffer(commands, &info);
}

void shim_dispatch(const shim_device *d, void *commands, shim_handle pipeline, shim_handle layout, shim_handle set,
		uint32_t push_size, const void *push, uint32_t x, uint32_t y, uint32_t z) {
	d->vkCmdBindPipeline(commands, BIND_POINT_COMPUTE, pipeline);
	d->vkCmdBindDescriptorSets(commands, BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
	if (push_size > 0)
		d->vkCmdPushConstants(commands, layout, STAGE_COMPUTE, 0, push_size, push);
	d->vkCmdDispatch(commands, x, y, z);
}

void shim_barrier(const shim_device *d, void *commands, int host) {
	GlobalBarrier barrier = {
		.header = {46, NULL},
		.from = SHADER_WRITE | TRANSFER_WRITE,
		.to = SHADER_READ | SHADER_WRITE | TRANSFER_READ | TRANSFER_WRITE | (host ? HOST_READ | HOST_WRITE : 0), // which writes over what the device wrote, too
	};
	uint32_t stages = AT_COMPUTE_SHADER | AT_TRANSFER;
	d->vkCmdPipelineBarrier(commands, stages, stages | (host ? AT_HOST : 0), 0, 1, &barrier, 0, NULL, 0, NULL);
}

void shim_fill(const shim_device *d, void *commands, shim_handle buffer, uint64_t offset, uint64_t size, uint32_t word) {
	d->vkCmdFillBuffer(commands, buffer, offset, size, word);
}

void shim_copy(const shim_device *d, void *commands, shim_handle from, uint64_t from_offset, shim_handle to, uint64_t to_offset, uint64_t size) {
	BufferCopy region = {from_offset, to_offset, size};
	d->vkCmdCopyBuffer(commands, from, to, 1, &region);
}

void shim_reset_timestamps(const shim_device *d, void *commands, shim_handle pool, uint32_t count) {
	d->vkCmdResetQueryPool(commands, pool, 0, count);
}

void shim_timestamp(const shim_device *d, void *commands, shim_handle pool, uint32_t index) {
	d->vkCmdWriteTimestamp(commands, AT_BOTTOM_OF_PIPE, pool, index);
}

void shim_show(const shim_device *d, void *commands, shim_handle from, uint64_t offset, shim_handle to, uint32_t width, uint32_t height) {
	ImageBarrier barrier = {
		.header = {45, NULL},
		.to = TRANSFER_WRITE,
		.old = LAYOUT_UNDEFINED, .new = LAYOUT_TRANSFER_DST,
		.from_family = ~0u, .to_family = ~0u,
		.image = to,
		.range = {ASPECT_COLOR, 0, 1, 0, 1},
	};
	BufferImageCopy region = {.offset = offset, .aspect = ASPECT_COLOR, .layers = 1, .extent = {width, height, 1}};
	d->vkCmdPipelineBarrier(commands, AT_TRANSFER, AT_TRANSFER, 0, 0, NULL, 0, NULL, 1, &barrier);
	d->vkCmdCopyBufferToImage(commands, from, to, LAYOUT_TRANSFER_DST, 1, &region);
	barrier.from = TRANSFER_WRITE;
	barrier.to = 0; // presentation waits for a semaphore
	barrier.old = LAYOUT_TRANSFER_DST;
	barrier.new = LAYOUT_PRESENT_SRC;
	d->vkCmdPipelineBarrier(commands, AT_TRANSFER, AT_BOTTOM_OF_PIPE, 0, 0, NULL, 0, NULL, 1, &barrier);
}

shim_outcome shim_submit(const shim_device *d, void *queue, void *commands, uint32_t times, shim_handle wait, shim_handle signal, shim_handle fence) {
	void *few[64], **buffers = few;
	int32_t result = d->vkResetFences(d->device, 1, &fence);
	if (result != SUCCESS)
		return (shim_outcome){result, 0};
	if (times > 64 && !(buffers = malloc(times * sizeof *buffers)))
		return (shim_outcome){ERROR_OUT_OF_HOST_MEMORY, 1};
	for (uint32_t i = 0; i < times; i++)
		buffers[i] = commands;
	uint32_t stage = AT_TRANSFER;
	SubmitInfo info = {
		.header = {4, NULL},
		.waits = wait != 0, .wait = &wait, .stages = &stage,
		.buffers = times, .buffer = buffers,
		.signals = signal != 0, .signal = &signal,
	};
	result = d->vkQueueSubmit(queue, 1, &info, fence);
	if (buffers != few)
		free(buffers);
	return (shim_outcome){result, 1};
}

int32_t shim_wait(const shim_device *d, shim_handle fence, uint64_t nanoseconds) {
	return d->vkWaitForFences(d->device, 1, &fence, 1, nanoseconds);
}

int32_t shim_timestamps(const shim_device *d, shim_handle pool, uint32_t count, uint64_t *ticks) {
	return d->vkGetQueryPoolResults(d->device, pool, 0, count, count * sizeof *ticks, ticks, sizeof *ticks, QUERY_64_BIT | QUERY_WAIT);
}
