package dataset

// Task names what is predicted.
type Task string

const (
	Classification Task = "classification"
	Regression     Task = "regression"
)
