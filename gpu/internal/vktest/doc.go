// Package vktest runs tests of Vulkan code with the validation layer (core and
// synchronisation) and lets them fail on anything that it says. Without cgo it is
// empty.
package vktest
