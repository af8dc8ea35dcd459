// Package checkpoint saves a training between two steps and restores it, and shares the
// prefix of trainings that have it in common.
//
// A checkpoint is a safetensors file: everything that a later result depends on. It is
// written at the end of an epoch if the last is ten seconds old, at the end of a training
// and on Ctrl-C. It is removed when the run is finished or has diverged.
//
// # Shared prefixes
//
// The prefix of a training ends a step before its first round. Until there the result
// does not depend on how many players stay, on their ranking or on what they pay. So
// the state is kept under a hash of everything else, and other trainings continue
// from it with the same bits; a test compares every file. A ranking that removes all
// players at once is dense for half the run. The hash leaves out where the samples
// are, which changes no result.
package checkpoint
