// Package trainer runs a training with its game, from a configuration to a run
// folder. [Driver] and [Engine] are the contract that every device fulfils;
// everything else here is written against it and knows no particular device.
package trainer
