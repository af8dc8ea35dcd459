package record

// MostConfused is up to how many classes results have a confusion matrix.
const MostConfused = 20

// Classes says of each class how well a network recognises it.
type Classes struct {
	ByClass []ClassResult `json:"by_class,omitempty"`
	// Confusion has a row a class and a column a predicted class: how many samples of the one
	// were taken for the other. Absent of more than [MostConfused] classes.
	Confusion [][]int `json:"confusion,omitempty"`
}

// ClassResult is how well a network recognises one class. Precision is the percentage of the
// samples taken for the class that are of it, absent where there are none. Recall is the
// percentage of the samples of the class that were taken for it, absent likewise.
type ClassResult struct {
	Samples   int      `json:"samples"`   // of the class
	Predicted int      `json:"predicted"` // samples taken for the class
	Correct   int      `json:"correct"`   // samples of the class taken for it
	Precision *float64 `json:"precision,omitempty"`
	Recall    *float64 `json:"recall,omitempty"`
}

// NewClasses counts the samples of some classes, from the class of each and the one that it was
// taken for. Both are below classes.
func NewClasses(classes int, labels []uint8, predicted func(sample int) int) Classes {
	c := Classes{ByClass: make([]ClassResult, classes)}
	if classes <= MostConfused {
		c.Confusion = make([][]int, classes)
		for class := range c.Confusion {
			c.Confusion[class] = make([]int, classes)
		}
	}
	for i, label := range labels {
		guess := predicted(i)
		c.ByClass[label].Samples++
		c.ByClass[guess].Predicted++
		if int(label) == guess {
			c.ByClass[label].Correct++
		}
		if c.Confusion != nil {
			c.Confusion[label][guess]++
		}
	}
	percentage := func(part, of int) *float64 {
		if of == 0 {
			return nil
		}
		p := 100 * float64(part) / float64(of)
		return &p
	}
	for class := range c.ByClass {
		r := &c.ByClass[class]
		r.Precision, r.Recall = percentage(r.Correct, r.Predicted), percentage(r.Correct, r.Samples)
	}
	return c
}
