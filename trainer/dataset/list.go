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

	Train, Test             int // samples
	Channels, Height, Width int // of an image
	Classes                 int

	Where   string // the folder of its files, or "built in"; empty when it is missing
	Missing string // why it cannot be opened; empty when it can
}

// List returns the data sets known by name. It looks for their files where
// [Open] with Options.Dir dir does, but does not read them.
func List(dir string) []Entry {
	entries := []Entry{
		{
			Name:    digitsName,
			Summary: "synthetic handwritten digits, the default; digits:colour or digits:side=20,train=5000,test=1000,difficulty=2,seed=3 for others",
			Source:  "drawn by nashprune itself, under its licence",
			Train:   digitTrain, Test: digitTest, Channels: 1, Height: digitSide, Width: digitSide, Classes: digitClasses,
			Where: "built in",
		},
		{
			Name:    mnistName,
			Summary: "handwritten digits, the benchmark",
			Source:  "Yann LeCun, Corinna Cortes and Christopher J. C. Burges; CC BY-SA 3.0",
			Train:   60000, Test: 10000, Channels: 1, Height: 28, Width: 28, Classes: 10,
		},
		{
			Name:    fashionName,
			Summary: "Fashion-MNIST, pieces of clothing in the format of MNIST, and harder",
			Source:  "Han Xiao, Kashif Rasul and Roland Vollgraf, Zalando SE; MIT licence",
			Train:   60000, Test: 10000, Channels: 1, Height: 28, Width: 28, Classes: 10,
		},
		{
			Name:    cifarName,
			Summary: "CIFAR-10, photographs of animals and vehicles in three colours",
			Source:  "Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; no licence stated, cite \"Learning Multiple Layers of Features from Tiny Images\", 2009",
			Train:   50000, Test: 10000, Channels: cifarColours, Height: cifarSide, Width: cifarSide, Classes: 10,
		},
		{
			Name:    cifar100Name,
			Summary: "CIFAR-100, like CIFAR-10 with 100 classes, or 20 as cifar100:coarse",
			Source:  "Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; no licence stated, cite \"Learning Multiple Layers of Features from Tiny Images\", 2009",
			Train:   50000, Test: 10000, Channels: cifarColours, Height: cifarSide, Width: cifarSide, Classes: 100,
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
			e.Where, err = cifar10.find(dir)
		case cifar100Name:
			e.Where, err = cifar100.find(dir)
		}
		if err != nil {
			entries[i].Missing = strings.TrimPrefix(err.Error(), fmt.Sprintf("%v: %s: ", ErrNotFound, entries[i].Name)) // both are said beside it
		}
	}
	return entries
}
