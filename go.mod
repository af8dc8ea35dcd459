module nashprune

go 1.26.0

toolchain go1.26.8

require gonum.org/v1/gonum v0.17.0
