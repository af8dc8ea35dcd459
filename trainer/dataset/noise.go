package dataset

import "nashprune/trainer/random"

// noiseRows is how many different samples noise has: more than a batch, and few
// enough to be drawn at once.
const noiseRows = 4096

// Noise returns samples to measure times with: images with nothing to learn in
// them that are as empty as digits are, where four pixels in five have the value
// of the background. After 4,096 samples they repeat themselves. There is a
// training part alone.
func Noise(samples, features, classes int) *Dataset {
	draw := random.New(1, random.Testing, 0, 0)
	part := Samples{Features: features, Pixels: make([]uint8, samples*features), Labels: make([]uint8, samples)}
	drawn := min(samples, noiseRows)
	for i := range drawn * features {
		if draw.Below(5) == 0 {
			part.Pixels[i] = uint8(draw.Below(256))
		}
	}
	for i := range drawn {
		part.Labels[i] = uint8(draw.Below(uint32(min(classes, 256))))
	}
	for i := drawn; i < samples; i++ {
		copy(part.Pixels[i*features:(i+1)*features], part.Pixels[(i-drawn)*features:])
		part.Labels[i] = part.Labels[i-drawn]
	}
	return &Dataset{Name: "noise", Height: 1, Width: features, Classes: min(classes, 256), Mean: 0.1, Deviation: 0.3, Train: part}
}
