package dataset

import (
	"fmt"
	"strings"
)

// Entry describes a data set known by name.
type Entry struct {
	Name    string // as [Open] takes it
	Summary string // what it is, in a line
	Source  string // its authors and licence

	Train, Test   int // samples
	Height, Width int // pixels
	Classes       int

	Where   string // the folder of its files, or "built in"; empty when it is missing
	Missing string // why it cannot be opened; empty when it can
}

// List returns the data sets known by name. It looks for their files where
// [Open] with Options.Dir dir does, but does not read them.
func List(dir string) []Entry {
	entries := []Entry{
		{
			Name:    digitsName,
			Summary: "synthetic handwritten digits, the default; digits:side=20,train=5000,test=1000,difficulty=2,seed=3 for others",
			Source:  "drawn by nashprune itself, under its licence",
			Train:   digitTrain, Test: digitTest, Height: digitSide, Width: digitSide, Classes: digitClasses,
			Where: "built in",
		},
		{
			Name:    mnistName,
			Summary: "handwritten digits, the benchmark",
			Source:  "Yann LeCun, Corinna Cortes and Christopher J. C. Burges; CC BY-SA 3.0",
			Train:   60000, Test: 10000, Height: 28, Width: 28, Classes: 10,
		},
		{
			Name:    fashionName,
			Summary: "Fashion-MNIST, pieces of clothing in the format of MNIST, and harder",
			Source:  "Han Xiao, Kashif Rasul and Roland Vollgraf, Zalando SE; MIT licence",
			Train:   60000, Test: 10000, Height: 28, Width: 28, Classes: 10,
		},
		{
			Name:    cifarName,
			Summary: "CIFAR-10, photographs of animals and vehicles in three colours",
			Source:  "Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; no licence stated, cite \"Learning Multiple Layers of Features from Tiny Images\", 2009",
			Train:   (len(cifarFiles) - 1) * cifarRecords, Test: cifarRecords, Height: cifarSide, Width: cifarSide, Classes: cifarClasses,
		},
	}
	for i := range entries {
		var err error
		switch e := &entries[i]; e.Name {
		case mnistName:
			e.Where, _, err = findMNIST(dir)
		case fashionName:
			e.Where, _, err = findFashion(dir)
		case cifarName:
			e.Where, err = findCIFAR(dir)
		}
		if err != nil {
			entries[i].Missing = strings.TrimPrefix(err.Error(), fmt.Sprintf("%v: %s: ", ErrNotFound, entries[i].Name)) // both are said beside it
		}
	}
	return entries
}
