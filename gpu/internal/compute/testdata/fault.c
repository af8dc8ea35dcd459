// A Vulkan loader for tests. It is the system's, but call number N of those below
// gives the result R when the environment says FAULT=N:R, or FAULT=N:R:NAME to count
// only those of a name, counted anew when that changes; it is not made, but for a
// wait, which is made first. When an instance is
// destroyed and something is left that was created under it, the process aborts;
// after a wait that failed nobody knows what the device still does, and all may be
// left that there was.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProcAddr)(void *, const char *);
typedef uintptr_t A; // all arguments of these calls are integers and pointers

static GetProcAddr get_instance, get_device;
static int created; // objects less those destroyed

static int32_t fault(const char *call) {
	static char now[64];
	static int calls;
	const char *wanted = getenv("FAULT");
	if (!wanted)
		return 0;
	if (strcmp(wanted, now)) {
		snprintf(now, sizeof now, "%s", wanted);
		calls = 0;
	}
	int n = 0, result = 0;
	char name[64] = "";
	sscanf(now, "%d:%d:%63s", &n, &result, name);
	if (*name && strcmp(name, call))
		return 0;
	return calls++ == n ? result : 0;
}

enum { DEVICE_LOST = -4 };

// A call that may fail, and what success adds to the objects.
#define CALL(name, adds) \
	static int32_t (*real_##name)(A, A, A, A, A, A, A, A); \
	static int32_t name(A a, A b, A c, A d, A e, A f, A g, A h) { \
		int wait = !strcmp(#name, "vkWaitForFences"); \
		int32_t injected = fault(#name); \
		if (injected && !wait) return injected; \
		int32_t result = real_##name(a, b, c, d, e, f, g, h); \
		if (result == 0) created += adds; \
		if (injected && injected != DEVICE_LOST) created = 0; \
		return injected ? injected : result; \
	}
// A call that destroys its second argument.
#define DESTROY(name) \
	static void (*real_##name)(A, A, A); \
	static void name(A a, A b, A c) { \
		created -= b != 0; \
		real_##name(a, b, c); \
	}
#define ALL \
	CALL(vkEnumerateInstanceVersion, 0) CALL(vkCreateInstance, 0) CALL(vkEnumerateDeviceExtensionProperties, 0) \
	CALL(vkEnumeratePhysicalDevices, 0) CALL(vkCreateDevice, 1) CALL(vkCreateCommandPool, 1) CALL(vkAllocateCommandBuffers, 1) \
	CALL(vkCreateFence, 1) CALL(vkCreateBuffer, 1) CALL(vkAllocateMemory, 1) CALL(vkBindBufferMemory, 0) CALL(vkMapMemory, 0) \
	CALL(vkCreateShaderModule, 1) CALL(vkCreateDescriptorSetLayout, 1) CALL(vkCreatePipelineLayout, 1) CALL(vkCreateComputePipelines, 1) \
	CALL(vkCreateDescriptorPool, 1) CALL(vkAllocateDescriptorSets, 0) CALL(vkCreateQueryPool, 1) CALL(vkCreateBufferView, 1) CALL(vkBeginCommandBuffer, 0) \
	CALL(vkEndCommandBuffer, 0) CALL(vkResetFences, 0) CALL(vkQueueSubmit, 0) CALL(vkWaitForFences, 0) CALL(vkGetQueryPoolResults, 0) \
	DESTROY(vkDestroyCommandPool) DESTROY(vkDestroyFence) DESTROY(vkDestroyBuffer) DESTROY(vkFreeMemory) DESTROY(vkDestroyShaderModule) \
	DESTROY(vkDestroyDescriptorSetLayout) DESTROY(vkDestroyPipelineLayout) DESTROY(vkDestroyPipeline) DESTROY(vkDestroyDescriptorPool) \
	DESTROY(vkDestroyQueryPool) DESTROY(vkDestroyBufferView)
ALL

static void (*real_vkDestroyDevice)(A, A);
static void vkDestroyDevice(A device, A allocator) {
	created--;
	real_vkDestroyDevice(device, allocator);
}
static void (*real_vkFreeCommandBuffers)(A, A, A, A);
static void vkFreeCommandBuffers(A device, A pool, A count, A list) {
	created -= (int)count;
	real_vkFreeCommandBuffers(device, pool, count, list);
}
static void (*real_vkDestroyInstance)(A, A);
static void vkDestroyInstance(A instance, A allocator) {
	if (created != 0) {
		fprintf(stderr, "fault.c: %d objects are left when the instance is destroyed\n", created);
		abort();
	}
	real_vkDestroyInstance(instance, allocator);
}

static Function replace(const char *name, Function real);

static Function device_proc(void *device, const char *name) {
	return replace(name, get_device(device, name));
}

static Function replace(const char *name, Function real) {
#define ONE(call) if (real && !strcmp(name, #call)) { real_##call = (void *)real; return (Function)call; }
#undef CALL
#undef DESTROY
#define CALL(call, adds) ONE(call)
#define DESTROY(call) ONE(call)
	ALL
	ONE(vkDestroyDevice)
	ONE(vkFreeCommandBuffers)
	ONE(vkDestroyInstance)
	return real;
}

Function vkGetInstanceProcAddr(void *instance, const char *name) {
	if (!get_instance) {
		void *loader = dlopen("libvulkan.so.1", RTLD_NOW);
		if (!loader || !(get_instance = (GetProcAddr)dlsym(loader, "vkGetInstanceProcAddr")))
			return NULL;
	}
	Function real = get_instance(instance, name);
	if (real && !strcmp(name, "vkGetDeviceProcAddr")) {
		get_device = (GetProcAddr)real;
		return (Function)device_proc;
	}
	return replace(name, real);
}
