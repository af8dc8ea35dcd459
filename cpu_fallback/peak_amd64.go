package cpufallback

import "golang.org/x/sys/cpu"

// multiplyAdd256 and multiplyAdd512 make sumsPerTurn multiply-adds of vectors of
// so many bits in each of at least one turn, in registers.
func multiplyAdd256(turns int)
func multiplyAdd512(turns int)

// multiplyAddLoops returns the loops of vectors that the processor has instructions
// for.
func multiplyAddLoops() []multiplyAddLoop {
	var loops []multiplyAddLoop
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		loops = append(loops, multiplyAddLoop{"AVX2", 256 / 32, multiplyAdd256})
	}
	if cpu.X86.HasAVX512F {
		loops = append(loops, multiplyAddLoop{"AVX-512", 512 / 32, multiplyAdd512})
	}
	return loops
}
