package dataset

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
	mnist := Entry{
		Name:    mnistName,
		Summary: "handwritten digits, the benchmark",
		Source:  "Yann LeCun, Corinna Cortes and Christopher J. C. Burges; CC BY-SA 3.0",
		Train:   60000,
		Test:    10000,
		Height:  28,
		Width:   28,
		Classes: 10,
	}
	where, _, err := findMNIST(dir)
	mnist.Where = where
	if err != nil {
		mnist.Missing = err.Error()
	}
	return []Entry{
		{
			Name:    digitsName,
			Summary: "synthetic handwritten digits, the default",
			Source:  "drawn by nashprune itself, under its licence",
			Train:   digitTrain,
			Test:    digitTest,
			Height:  digitSide,
			Width:   digitSide,
			Classes: digitClasses,
			Where:   "built in",
		},
		mnist,
	}
}
