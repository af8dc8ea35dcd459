package shaders

// Scale writes factor times every number of Input to Output.
var Scale = kernel("scale", []string{"Input", "Output"}, []string{"LOCAL_SIZE"}, ScalePush{})

// ScalePush is what Scale is told.
type ScalePush struct {
	Count  uint32 // numbers in Input and in Output
	Factor float32
}

// Add writes Left + Right to Sum, numbers shifted by an offset of Right.
var Add = kernel("add", []string{"Left", "Right", "Sum"}, []string{"LOCAL_SIZE", "NEGATE"}, AddPush{})

// AddPush is what Add is told.
type AddPush struct {
	Count uint32 // numbers in Left and Sum
	Shift int32  // of Right: number i + Shift is added to number i of Left
}

// All returns every kernel.
func All() []Kernel { return []Kernel{Scale, Add} }
