// Package vkshim makes the Vulkan calls that the Go binding cannot make safely
// or at all, and opens the Vulkan loader.
//
// The binding (github.com/vulkan-go/vulkan) copies every slice of structs to C
// memory that belongs to a finalizer of an already dead variable: a garbage
// collection during the call frees what C still reads. So every call that takes
// a slice of structs or of strings, also one inside another struct, goes through
// here, and so does what runs often (the binding leaks and allocates) and what
// came with Vulkan 1.1 (the binding ends at 1.0).
//
// Nothing of Vulkan is needed to build it: shim.c declares the few structs
// itself and resolves functions at run time. Without cgo the package is empty.
package vkshim
