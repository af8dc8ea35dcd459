package report

import (
	"nashprune/trainer/compare"
)

const FrontFile = "front.svg"

func SaveFront(dir string, r *compare.Report) error { return nil }
