#include "textflag.h"

// The loops of vector.go, eight numbers at a time, with the operations in the same
// order: no product is added without having been rounded first, so the bits are the
// same. AX counts numbers, CX is how many there are. Operands stand in Go's order:
// VSUBPS b, a, c is c = a - b.

// func addEights(to, v []float32)
TEXT ·addEights(SB), NOSPLIT, $0-48
	MOVQ to_base+0(FP), DI
	MOVQ to_len+8(FP), CX
	MOVQ v_base+24(FP), SI
	XORQ AX, AX
	JMP  more

next:
	VMOVUPS (DI)(AX*4), Y0
	VADDPS  (SI)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// func rectifyEights(output, s, u []float32)
TEXT ·rectifyEights(SB), NOSPLIT, $0-72
	MOVQ   output_base+0(FP), DI
	MOVQ   output_len+8(FP), CX
	MOVQ   s_base+24(FP), SI
	MOVQ   u_base+48(FP), DX
	VXORPS Y15, Y15, Y15
	XORQ   AX, AX
	JMP    more

next:
	VMOVUPS (SI)(AX*4), Y0
	VMULPS  (DX)(AX*4), Y0, Y0
	VADDPS  Y15, Y0, Y0        // -0 becomes 0
	VMAXPS  Y0, Y15, Y0        // the second operand, the product, if it is NaN
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// func throughRectifierEights(derivatives, u []float32, count, stride int, s, sum []float32)
TEXT ·throughRectifierEights(SB), NOSPLIT, $0-112
	MOVQ   derivatives_base+0(FP), DI
	MOVQ   u_base+24(FP), DX
	MOVQ   count+48(FP), R10
	MOVQ   stride+56(FP), R9
	MOVQ   s_base+64(FP), SI
	MOVQ   s_len+72(FP), CX
	MOVQ   sum_base+88(FP), BX
	SHLQ   $2, R9
	VXORPS Y15, Y15, Y15
	JMP    moreRows

row:
	XORQ AX, AX
	JMP  more

next:
	VMOVUPS   (SI)(AX*4), Y1
	VMULPS    (DX)(AX*4), Y1, Y0
	VCMPPS    $1, Y0, Y15, Y0    // 0 < s u
	VMULPS    (DI)(AX*4), Y1, Y1
	VANDPS    Y0, Y1, Y1
	VMOVUPS   Y1, (DI)(AX*4)
	VMOVUPS   (BX)(AX*4), Y2
	VADDPS    Y1, Y2, Y1
	VBLENDVPS Y0, Y1, Y2, Y2
	VMOVUPS   Y2, (BX)(AX*4)
	ADDQ      $8, AX

more:
	CMPQ AX, CX
	JLT  next
	ADDQ R9, DI
	ADDQ R9, DX
	DECQ R10

moreRows:
	CMPQ R10, $0
	JGT  row
	VZEROUPPER
	RET

// func passRectifierEights(to, d, s, u []float32)
TEXT ·passRectifierEights(SB), NOSPLIT, $0-96
	MOVQ   to_base+0(FP), DI
	MOVQ   to_len+8(FP), CX
	MOVQ   d_base+24(FP), BX
	MOVQ   s_base+48(FP), SI
	MOVQ   u_base+72(FP), DX
	VXORPS Y15, Y15, Y15
	XORQ   AX, AX
	JMP    more

next:
	VMOVUPS (SI)(AX*4), Y1
	VMULPS  (DX)(AX*4), Y1, Y0
	VCMPPS  $1, Y0, Y15, Y0    // 0 < s u
	VMULPS  (BX)(AX*4), Y1, Y1
	VANDPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// func multiplyEights(to, s, v []float32)
TEXT ·multiplyEights(SB), NOSPLIT, $0-72
	MOVQ to_base+0(FP), DI
	MOVQ to_len+8(FP), CX
	MOVQ s_base+24(FP), SI
	MOVQ v_base+48(FP), DX
	XORQ AX, AX
	JMP  more

next:
	VMOVUPS (SI)(AX*4), Y0
	VMULPS  (DX)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// FOLD adds up the eight sums in a and b, as fold does, to x, which is a's lower half.
#define FOLD(a, b, x, t) \
	VADDPD       b, a, a  \
	VEXTRACTF128 $1, a, t \
	VADDPD       t, x, x  \
	VPERMILPD    $1, x, t \
	VADDSD       t, x, x

// func sumEights(v []float32) float64
TEXT ·sumEights(SB), NOSPLIT, $0-32
	MOVQ   v_base+0(FP), SI
	MOVQ   v_len+8(FP), CX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	XORQ   AX, AX
	JMP    more

next:
	VCVTPS2PD (SI)(AX*4), Y2
	VADDPD    Y2, Y0, Y0
	VCVTPS2PD 16(SI)(AX*4), Y3
	VADDPD    Y3, Y1, Y1
	ADDQ      $8, AX

more:
	CMPQ AX, CX
	JLT  next
	FOLD(Y0, Y1, X0, X2)
	VMOVSD X0, ret+24(FP)
	VZEROUPPER
	RET

// func spreadEights(v []float32, mean float64) float64
TEXT ·spreadEights(SB), NOSPLIT, $0-40
	MOVQ         v_base+0(FP), SI
	MOVQ         v_len+8(FP), CX
	VBROADCASTSD mean+24(FP), Y15
	VXORPD       Y0, Y0, Y0
	VXORPD       Y1, Y1, Y1
	XORQ         AX, AX
	JMP          more

next:
	VCVTPS2PD (SI)(AX*4), Y2
	VCVTPS2PD 16(SI)(AX*4), Y3
	VSUBPD    Y15, Y2, Y2
	VSUBPD    Y15, Y3, Y3
	VMULPD    Y2, Y2, Y2
	VMULPD    Y3, Y3, Y3
	VADDPD    Y2, Y0, Y0
	VADDPD    Y3, Y1, Y1
	ADDQ      $8, AX

more:
	CMPQ AX, CX
	JLT  next
	FOLD(Y0, Y1, X0, X2)
	VMOVSD X0, ret+32(FP)
	VZEROUPPER
	RET

// func affineEights(to, v []float32, scale, shift float32)
TEXT ·affineEights(SB), NOSPLIT, $0-56
	MOVQ         to_base+0(FP), DI
	MOVQ         to_len+8(FP), CX
	MOVQ         v_base+24(FP), SI
	VBROADCASTSS scale+48(FP), Y14
	VBROADCASTSS shift+52(FP), Y15
	XORQ         AX, AX
	JMP          more

next:
	VMULPS  (SI)(AX*4), Y14, Y0
	VADDPS  Y15, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// func jointEights(d, v []float32, mean, inverse float32) (ofD, ofProducts float64)
TEXT ·jointEights(SB), NOSPLIT, $0-72
	MOVQ         d_base+0(FP), DI
	MOVQ         d_len+8(FP), CX
	MOVQ         v_base+24(FP), SI
	VBROADCASTSS mean+48(FP), Y14
	VBROADCASTSS inverse+52(FP), Y15
	VXORPD       Y0, Y0, Y0
	VXORPD       Y1, Y1, Y1
	VXORPD       Y2, Y2, Y2
	VXORPD       Y3, Y3, Y3
	XORQ         AX, AX
	JMP          more

next:
	VMOVUPS      (SI)(AX*4), Y4
	VSUBPS       Y14, Y4, Y4
	VMULPS       Y15, Y4, Y4
	VEXTRACTF128 $1, Y4, X5
	VCVTPS2PD    X4, Y4
	VCVTPS2PD    X5, Y5
	VCVTPS2PD    (DI)(AX*4), Y6
	VCVTPS2PD    16(DI)(AX*4), Y7
	VADDPD       Y6, Y0, Y0
	VADDPD       Y7, Y1, Y1
	VMULPD       Y4, Y6, Y6
	VMULPD       Y5, Y7, Y7
	VADDPD       Y6, Y2, Y2
	VADDPD       Y7, Y3, Y3
	ADDQ         $8, AX

more:
	CMPQ AX, CX
	JLT  next
	FOLD(Y0, Y1, X0, X4)
	FOLD(Y2, Y3, X2, X4)
	VMOVSD X0, ofD+56(FP)
	VMOVSD X2, ofProducts+64(FP)
	VZEROUPPER
	RET

// func throughNormEights(to, d, v []float32, scale, mean, inverse, first, second float32, add bool)
TEXT ·throughNormEights(SB), NOSPLIT, $0-93
	MOVQ         to_base+0(FP), DI
	MOVQ         to_len+8(FP), CX
	MOVQ         d_base+24(FP), BX
	MOVQ         v_base+48(FP), SI
	VBROADCASTSS scale+72(FP), Y11
	VBROADCASTSS mean+76(FP), Y12
	VBROADCASTSS inverse+80(FP), Y13
	VBROADCASTSS first+84(FP), Y14
	VBROADCASTSS second+88(FP), Y15
	MOVBLZX      add+92(FP), DX
	XORQ         AX, AX
	JMP          more

next:
	VMOVUPS (SI)(AX*4), Y0
	VSUBPS  Y12, Y0, Y0
	VMULPS  Y13, Y0, Y0
	VMULPS  Y15, Y0, Y0
	VMOVUPS (BX)(AX*4), Y1
	VSUBPS  Y14, Y1, Y1
	VSUBPS  Y0, Y1, Y1
	VMULPS  Y1, Y11, Y1
	TESTL   DX, DX
	JEQ     store
	VADDPS  (DI)(AX*4), Y1, Y1

store:
	VMOVUPS Y1, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// func contributeEights(rows float32, derivatives, u []float32, count, stride int, s, sum, means, squares []float32)
TEXT ·contributeEights(SB), NOSPLIT, $0-168
	VBROADCASTSS rows+0(FP), Y14
	MOVQ         derivatives_base+8(FP), DI
	MOVQ         u_base+32(FP), DX
	MOVQ         count+56(FP), R10
	MOVQ         stride+64(FP), R9
	MOVQ         s_base+72(FP), SI
	MOVQ         s_len+80(FP), CX
	MOVQ         sum_base+96(FP), BX
	MOVQ         means_base+120(FP), R11
	MOVQ         squares_base+144(FP), R12
	SHLQ         $2, R9
	VXORPS       Y15, Y15, Y15
	JMP          moreRows

row:
	XORQ AX, AX
	JMP  more

next:
	VMOVUPS   (SI)(AX*4), Y1
	VMOVUPS   (DX)(AX*4), Y4
	VMOVUPS   (DI)(AX*4), Y5
	VMULPS    Y4, Y1, Y0
	VCMPPS    $1, Y0, Y15, Y0  // 0 < s u
	VMULPS    Y5, Y1, Y1
	VANDPS    Y0, Y1, Y1
	VMOVUPS   Y1, (DI)(AX*4)
	VMOVUPS   (BX)(AX*4), Y2
	VADDPS    Y1, Y2, Y1
	VBLENDVPS Y0, Y1, Y2, Y2
	VMOVUPS   Y2, (BX)(AX*4)
	VMULPS    Y5, Y14, Y5
	VMULPS    Y4, Y5, Y5       // c
	VMOVUPS   (R11)(AX*4), Y2
	VADDPS    Y5, Y2, Y3
	VBLENDVPS Y0, Y3, Y2, Y2
	VMOVUPS   Y2, (R11)(AX*4)
	VMULPS    Y5, Y5, Y5       // c^2
	VMOVUPS   (R12)(AX*4), Y2
	VADDPS    Y5, Y2, Y3
	VBLENDVPS Y0, Y3, Y2, Y2
	VMOVUPS   Y2, (R12)(AX*4)
	ADDQ      $8, AX

more:
	CMPQ AX, CX
	JLT  next
	ADDQ R9, DI
	ADDQ R9, DX
	DECQ R10

moreRows:
	CMPQ R10, $0
	JGT  row
	VZEROUPPER
	RET

// func momentumEights(w, g, m []float32, rate, momentum float32)
TEXT ·momentumEights(SB), NOSPLIT, $0-80
	MOVQ         w_base+0(FP), DI
	MOVQ         w_len+8(FP), CX
	MOVQ         g_base+24(FP), SI
	MOVQ         m_base+48(FP), DX
	VBROADCASTSS rate+72(FP), Y14
	VBROADCASTSS momentum+76(FP), Y15
	XORQ         AX, AX
	JMP          more

next:
	VMULPS  (DX)(AX*4), Y15, Y0
	VADDPS  (SI)(AX*4), Y0, Y0
	VMOVUPS Y0, (DX)(AX*4)
	VMULPS  Y0, Y14, Y0
	VMOVUPS (DI)(AX*4), Y1
	VSUBPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET

// func adamEights(w, g, m, v []float32, rate, scale, newFirst, newSecond, epsilon float32)
TEXT ·adamEights(SB), NOSPLIT, $0-116
	MOVQ         w_base+0(FP), DI
	MOVQ         w_len+8(FP), CX
	MOVQ         g_base+24(FP), SI
	MOVQ         m_base+48(FP), DX
	MOVQ         v_base+72(FP), BX
	VBROADCASTSS rate+96(FP), Y11
	VBROADCASTSS scale+100(FP), Y12
	VBROADCASTSS newFirst+104(FP), Y13
	VBROADCASTSS newSecond+108(FP), Y14
	VBROADCASTSS epsilon+112(FP), Y15
	XORQ         AX, AX
	JMP          more

next:
	VMOVUPS (SI)(AX*4), Y0 // g
	VMOVUPS (DX)(AX*4), Y1 // m
	VMOVUPS (BX)(AX*4), Y2 // v
	VSUBPS  Y1, Y0, Y3     // m <- m + (1-beta1) (g - m)
	VMULPS  Y3, Y13, Y3
	VADDPS  Y3, Y1, Y1
	VMOVUPS Y1, (DX)(AX*4)
	VMULPS  Y0, Y0, Y0     // v <- v + (1-beta2) (g^2 - v)
	VSUBPS  Y2, Y0, Y0
	VMULPS  Y0, Y14, Y0
	VADDPS  Y0, Y2, Y2
	VMOVUPS Y2, (BX)(AX*4)
	VMULPS  Y12, Y2, Y2    // w <- w - rate m / (sqrt(scale v) + epsilon)
	VSQRTPS Y2, Y2
	VADDPS  Y15, Y2, Y2
	VMULPS  Y1, Y11, Y1
	VDIVPS  Y2, Y1, Y1
	VMOVUPS (DI)(AX*4), Y0
	VSUBPS  Y1, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX

more:
	CMPQ AX, CX
	JLT  next
	VZEROUPPER
	RET
