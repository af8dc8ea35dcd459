package dataset

import (
	"fmt"
	"io"
	"math/bits"
	"sync/atomic"
)

// DefaultMaxBytes is the most that is read of a data set where [Options] does
// not say: 4 GiB, eighty times the training images of MNIST.
const DefaultMaxBytes = 4 << 30

// budget bounds how many bytes are read of the files of one data set, all
// together and unpacked. Files that are read side by side share it.
type budget struct {
	most int64
	left atomic.Int64
}

// newBudget returns a budget of a number of bytes; of [DefaultMaxBytes] for 0.
func newBudget(most int64) *budget {
	if most == 0 {
		most = DefaultMaxBytes
	}
	b := &budget{most: most}
	b.left.Store(most)
	return b
}

func (b *budget) exceeded() error {
	return fmt.Errorf("%w: it holds more than the %d bytes that are read of a data set; raise --max-data-bytes if that is meant", ErrInvalid, b.most)
}

// declared multiplies two sizes that a header declares, and refuses a product
// that is over the budget before any of it is read.
func (b *budget) declared(product, size uint64) (uint64, error) {
	high, low := bits.Mul64(product, size)
	if high != 0 || low > uint64(b.most) {
		return 0, b.exceeded()
	}
	return low, nil
}

// take takes a number of bytes that are held but were not read.
func (b *budget) take(n int) error {
	if b.left.Add(-int64(n)) < 0 {
		return b.exceeded()
	}
	return nil
}

// reader returns a reader of what r gives, which fails once all readers of the
// budget have given more than it allows.
func (b *budget) reader(r io.Reader) io.Reader { return budgeted{r, b} }

type budgeted struct {
	from   io.Reader
	budget *budget
}

func (r budgeted) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if r.budget.left.Add(-int64(n)) < 0 {
		return 0, r.budget.exceeded()
	}
	return n, err
}
