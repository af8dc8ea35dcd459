#include "textflag.h"

// The kernels of direct.go. Offsets and strides arrive in numbers of four bytes.

// TRANSPOSE makes rows of the columns of eight rows of eight, Y0 to Y7. Columns 0 to 3
// come to Y8 to Y11, 4 to 7 to Y4 to Y7.
#define TRANSPOSE \
	VPERM2F128 $0x20, Y4, Y0, Y8   \
	VPERM2F128 $0x31, Y4, Y0, Y4   \
	VPERM2F128 $0x20, Y5, Y1, Y9   \
	VPERM2F128 $0x31, Y5, Y1, Y5   \
	VPERM2F128 $0x20, Y6, Y2, Y10  \
	VPERM2F128 $0x31, Y6, Y2, Y6   \
	VPERM2F128 $0x20, Y7, Y3, Y11  \
	VPERM2F128 $0x31, Y7, Y3, Y7   \
	VUNPCKLPS  Y9, Y8, Y0          \
	VUNPCKHPS  Y9, Y8, Y1          \
	VUNPCKLPS  Y11, Y10, Y2        \
	VUNPCKHPS  Y11, Y10, Y3        \
	VUNPCKLPD  Y2, Y0, Y8          \
	VUNPCKHPD  Y2, Y0, Y9          \
	VUNPCKLPD  Y3, Y1, Y10         \
	VUNPCKHPD  Y3, Y1, Y11         \
	VUNPCKLPS  Y5, Y4, Y0          \
	VUNPCKHPS  Y5, Y4, Y1          \
	VUNPCKLPS  Y7, Y6, Y2          \
	VUNPCKHPS  Y7, Y6, Y3          \
	VUNPCKLPD  Y2, Y0, Y4          \
	VUNPCKHPD  Y2, Y0, Y5          \
	VUNPCKLPD  Y3, Y1, Y6          \
	VUNPCKHPD  Y3, Y1, Y7

// firstOfEight has the masks of the first 8 to 1 of eight numbers.
DATA firstOfEight<>+0(SB)/8, $-1
DATA firstOfEight<>+8(SB)/8, $-1
DATA firstOfEight<>+16(SB)/8, $-1
DATA firstOfEight<>+24(SB)/8, $-1
DATA firstOfEight<>+32(SB)/8, $0
DATA firstOfEight<>+40(SB)/8, $0
DATA firstOfEight<>+48(SB)/8, $0
DATA firstOfEight<>+56(SB)/8, $0
GLOBL firstOfEight<>(SB), RODATA, $64

// MASK sets Y15 to the first CX of eight numbers, all if there are more. It takes AX and DX.
#define MASK \
	MOVQ    $8, AX                    \
	SUBQ    CX, AX                    \
	MOVQ    $0, DX                    \
	CMOVQLT DX, AX                    \
	LEAQ    firstOfEight<>(SB), DX    \
	VMOVUPS (DX)(AX*4), Y15

// func toLanesEight(to, from *float32, stride, lines, width, toLine, fromLine, lanes int)
TEXT ·toLanesEight(SB), NOSPLIT, $0-64
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ lanes+56(FP), R12
	SHLQ $2, R8
	SHLQ $2, R12
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11
	LEAQ (R12)(R12*2), R13

line:
	MOVQ width+32(FP), CX
	MOVQ DI, BX
	MOVQ SI, R15

next:
	MASK
	VMASKMOVPS (R15), Y15, Y0
	VMASKMOVPS (R15)(R8*1), Y15, Y1
	VMASKMOVPS (R15)(R8*2), Y15, Y2
	VMASKMOVPS (R15)(R9*1), Y15, Y3
	VMASKMOVPS (R15)(R8*4), Y15, Y4
	VMASKMOVPS (R15)(R10*1), Y15, Y5
	VMASKMOVPS (R15)(R9*2), Y15, Y6
	VMASKMOVPS (R15)(R11*1), Y15, Y7
	TRANSPOSE
	VMOVUPS    Y8, (BX)
	VMOVUPS    Y9, (BX)(R12*1)
	VMOVUPS    Y10, (BX)(R12*2)
	VMOVUPS    Y11, (BX)(R13*1)
	LEAQ       (BX)(R12*4), BX
	VMOVUPS    Y4, (BX)
	VMOVUPS    Y5, (BX)(R12*1)
	VMOVUPS    Y6, (BX)(R12*2)
	VMOVUPS    Y7, (BX)(R13*1)
	LEAQ       (BX)(R12*4), BX
	ADDQ       $32, R15
	SUBQ       $8, CX
	JGT        next
	MOVQ       toLine+40(FP), AX
	LEAQ       (DI)(AX*4), DI
	MOVQ       fromLine+48(FP), AX
	LEAQ       (SI)(AX*4), SI
	DECQ       lines+24(FP)
	JGT        line
	VZEROUPPER
	RET

// ADDROW adds a row of the destination to a vector.
#define ADDROW(row, v) \
	VMASKMOVPS row, Y15, Y0 \
	VADDPS     Y0, v, v

// func fromLanesEight(to, from *float32, stride, width, lanes int, add bool)
TEXT ·fromLanesEight(SB), NOSPLIT, $0-41
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ width+24(FP), CX
	MOVQ lanes+32(FP), R12
	MOVBLZX add+40(FP), BX
	SHLQ $2, R8
	SHLQ $2, R12
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11
	LEAQ (R12)(R12*2), R13

next:
	MASK
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R12*1), Y1
	VMOVUPS (SI)(R12*2), Y2
	VMOVUPS (SI)(R13*1), Y3
	LEAQ    (SI)(R12*4), SI
	VMOVUPS (SI), Y4
	VMOVUPS (SI)(R12*1), Y5
	VMOVUPS (SI)(R12*2), Y6
	VMOVUPS (SI)(R13*1), Y7
	LEAQ    (SI)(R12*4), SI
	TRANSPOSE
	TESTQ   BX, BX
	JEQ     store
	ADDROW((DI), Y8)
	ADDROW((DI)(R8*1), Y9)
	ADDROW((DI)(R8*2), Y10)
	ADDROW((DI)(R9*1), Y11)
	ADDROW((DI)(R8*4), Y4)
	ADDROW((DI)(R10*1), Y5)
	ADDROW((DI)(R9*2), Y6)
	ADDROW((DI)(R11*1), Y7)

store:
	CMPQ    CX, $8
	JLT     part
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, (DI)(R8*1)
	VMOVUPS Y10, (DI)(R8*2)
	VMOVUPS Y11, (DI)(R9*1)
	VMOVUPS Y4, (DI)(R8*4)
	VMOVUPS Y5, (DI)(R10*1)
	VMOVUPS Y6, (DI)(R9*2)
	VMOVUPS Y7, (DI)(R11*1)
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGT     next
	VZEROUPPER
	RET

part: // masked stores are slow on some processors
	VMASKMOVPS Y8, Y15, (DI)
	VMASKMOVPS Y9, Y15, (DI)(R8*1)
	VMASKMOVPS Y10, Y15, (DI)(R8*2)
	VMASKMOVPS Y11, Y15, (DI)(R9*1)
	VMASKMOVPS Y4, Y15, (DI)(R8*4)
	VMASKMOVPS Y5, Y15, (DI)(R10*1)
	VMASKMOVPS Y6, Y15, (DI)(R9*2)
	VMASKMOVPS Y7, Y15, (DI)(R11*1)
	VZEROUPPER
	RET

// Tiles of four filters and six places, in vectors of 16 lanes. Sums stand in Z8 to Z31:
// six of the first filter, then six of the second.

#define START512(at, a, b, c, d, e, f) \
	VBROADCASTSS at, a \
	VMOVAPS      a, b  \
	VMOVAPS      a, c  \
	VMOVAPS      a, d  \
	VMOVAPS      a, e  \
	VMOVAPS      a, f

#define MULTIPLY512(v, a, b, c, d, e, f) \
	VFMADD231PS Z0, v, a \
	VFMADD231PS Z1, v, b \
	VFMADD231PS Z2, v, c \
	VFMADD231PS Z3, v, d \
	VFMADD231PS Z4, v, e \
	VFMADD231PS Z5, v, f

#define STORE(place, a, b, c, d) \
	MOVQ    (8*place)(AX), CX \
	LEAQ    (BX)(CX*4), CX    \
	VMOVUPS a, (CX)           \
	VMOVUPS b, (CX)(R14*1)    \
	VMOVUPS c, (CX)(R14*2)    \
	VMOVUPS d, (CX)(R15*1)

#define PLACE(place, register) \
	MOVQ (8*place)(AX), CX \
	LEAQ (BX)(CX*4), register

// func convolve512(out, x *float32, from, to *int, terms []int, start, weights *float32, tiles, channel int)
TEXT ·convolve512(SB), NOSPLIT, $0-88
	MOVQ x+8(FP), BX
	MOVQ from+16(FP), AX
	PLACE(0, R8)
	PLACE(1, R9)
	PLACE(2, R10)
	PLACE(3, R11)
	PLACE(4, R12)
	PLACE(5, R13)
	MOVQ out+0(FP), BX
	MOVQ start+56(FP), DI
	MOVQ weights+64(FP), DX
	MOVQ channel+80(FP), R14
	SHLQ $2, R14
	LEAQ (R14)(R14*2), R15

filter:
	START512((DI), Z8, Z9, Z10, Z11, Z12, Z13)
	START512(4(DI), Z14, Z15, Z16, Z17, Z18, Z19)
	START512(8(DI), Z20, Z21, Z22, Z23, Z24, Z25)
	START512(12(DI), Z26, Z27, Z28, Z29, Z30, Z31)
	MOVQ terms_base+32(FP), SI
	MOVQ terms_len+40(FP), CX
	JMP  more

term:
	MOVQ         (SI), AX
	VMOVUPS      (R8)(AX*4), Z0
	VMOVUPS      (R9)(AX*4), Z1
	VMOVUPS      (R10)(AX*4), Z2
	VMOVUPS      (R11)(AX*4), Z3
	VMOVUPS      (R12)(AX*4), Z4
	VMOVUPS      (R13)(AX*4), Z5
	VBROADCASTSS (DX), Z6
	VBROADCASTSS 4(DX), Z7
	MULTIPLY512(Z6, Z8, Z9, Z10, Z11, Z12, Z13)
	VBROADCASTSS 8(DX), Z6
	MULTIPLY512(Z7, Z14, Z15, Z16, Z17, Z18, Z19)
	VBROADCASTSS 12(DX), Z7
	MULTIPLY512(Z6, Z20, Z21, Z22, Z23, Z24, Z25)
	MULTIPLY512(Z7, Z26, Z27, Z28, Z29, Z30, Z31)
	ADDQ         $8, SI
	ADDQ         $16, DX
	DECQ         CX

more:
	TESTQ CX, CX
	JGT   term
	MOVQ  to+24(FP), AX
	STORE(0, Z8, Z14, Z20, Z26)
	STORE(1, Z9, Z15, Z21, Z27)
	STORE(2, Z10, Z16, Z22, Z28)
	STORE(3, Z11, Z17, Z23, Z29)
	STORE(4, Z12, Z18, Z24, Z30)
	STORE(5, Z13, Z19, Z25, Z31)
	ADDQ  $16, DI
	LEAQ  (BX)(R14*4), BX
	DECQ  tiles+72(FP)
	JGT   filter
	VZEROUPPER
	RET

#define FOLD512(a, y, z) \
	VEXTRACTF64X4 $1, a, y \
	VADDPS        a, z, z

// ADD adds what is in the lanes of Y0, Y1, Y2 and Y3 to four numbers of a gradient.
#define ADD(place) \
	VHADDPS      Y1, Y0, Y0             \
	VHADDPS      Y3, Y2, Y2             \
	VHADDPS      Y2, Y0, Y0             \
	VEXTRACTF128 $1, Y0, X1             \
	VADDPS       X1, X0, X0             \
	VADDPS       (16*place)(AX), X0, X0 \
	VMOVUPS      X0, (16*place)(AX)

#define REDUCE512(place, a, b, c, d) \
	FOLD512(a, Y0, Z0) \
	FOLD512(b, Y1, Z1) \
	FOLD512(c, Y2, Z2) \
	FOLD512(d, Y3, Z3) \
	ADD(place)

// func correlate512(gradient, d, x *float32, terms *int, channel, rows, columns, dRow, xRow, xColumn int)
TEXT ·correlate512(SB), NOSPLIT, $0-80
	MOVQ x+16(FP), BX
	MOVQ terms+24(FP), AX
	PLACE(0, R8)
	PLACE(1, R9)
	PLACE(2, R10)
	PLACE(3, R11)
	PLACE(4, R12)
	PLACE(5, R13)
	MOVQ d+8(FP), DX
	MOVQ channel+32(FP), R14
	SHLQ $2, R14
	LEAQ (R14)(R14*2), R15
	MOVQ xColumn+72(FP), DI
	XORQ BX, BX

	VPXORD  Z8, Z8, Z8
	VMOVAPS Z8, Z9
	VMOVAPS Z8, Z10
	VMOVAPS Z8, Z11
	VMOVAPS Z8, Z12
	VMOVAPS Z8, Z13
	VMOVAPS Z8, Z14
	VMOVAPS Z8, Z15
	VMOVAPS Z8, Z16
	VMOVAPS Z8, Z17
	VMOVAPS Z8, Z18
	VMOVAPS Z8, Z19
	VMOVAPS Z8, Z20
	VMOVAPS Z8, Z21
	VMOVAPS Z8, Z22
	VMOVAPS Z8, Z23
	VMOVAPS Z8, Z24
	VMOVAPS Z8, Z25
	VMOVAPS Z8, Z26
	VMOVAPS Z8, Z27
	VMOVAPS Z8, Z28
	VMOVAPS Z8, Z29
	VMOVAPS Z8, Z30
	VMOVAPS Z8, Z31

row:
	MOVQ columns+48(FP), CX
	MOVQ BX, AX
	MOVQ DX, SI

column:
	VMOVUPS (R8)(AX*4), Z0
	VMOVUPS (R9)(AX*4), Z1
	VMOVUPS (R10)(AX*4), Z2
	VMOVUPS (R11)(AX*4), Z3
	VMOVUPS (R12)(AX*4), Z4
	VMOVUPS (R13)(AX*4), Z5
	VMOVUPS (SI), Z6
	VMOVUPS (SI)(R14*1), Z7
	MULTIPLY512(Z6, Z8, Z9, Z10, Z11, Z12, Z13)
	VMOVUPS (SI)(R14*2), Z6
	MULTIPLY512(Z7, Z14, Z15, Z16, Z17, Z18, Z19)
	VMOVUPS (SI)(R15*1), Z7
	MULTIPLY512(Z6, Z20, Z21, Z22, Z23, Z24, Z25)
	MULTIPLY512(Z7, Z26, Z27, Z28, Z29, Z30, Z31)
	ADDQ    DI, AX
	ADDQ    $64, SI
	DECQ    CX
	JGT     column
	MOVQ    dRow+56(FP), AX
	LEAQ    (DX)(AX*4), DX
	ADDQ    xRow+64(FP), BX
	DECQ    rows+40(FP)
	JGT     row
	MOVQ    gradient+0(FP), AX
	REDUCE512(0, Z8, Z14, Z20, Z26)
	REDUCE512(1, Z9, Z15, Z21, Z27)
	REDUCE512(2, Z10, Z16, Z22, Z28)
	REDUCE512(3, Z11, Z17, Z23, Z29)
	REDUCE512(4, Z12, Z18, Z24, Z30)
	REDUCE512(5, Z13, Z19, Z25, Z31)
	VZEROUPPER
	RET

// Tiles of four filters and three places, in vectors of eight lanes. Sums stand in Y4 to
// Y15, three of the first filter, then three of the second.

#define START256(at, a, b, c) \
	VBROADCASTSS at, a \
	VMOVAPS      a, b  \
	VMOVAPS      a, c

#define MULTIPLY256(a, b, c) \
	VFMADD231PS Y0, Y3, a \
	VFMADD231PS Y1, Y3, b \
	VFMADD231PS Y2, Y3, c

// func convolve256(out, x *float32, from, to *int, terms []int, start, weights *float32, tiles, channel int)
TEXT ·convolve256(SB), NOSPLIT, $0-88
	MOVQ x+8(FP), BX
	MOVQ from+16(FP), AX
	PLACE(0, R8)
	PLACE(1, R9)
	PLACE(2, R10)
	MOVQ out+0(FP), BX
	MOVQ start+56(FP), DI
	MOVQ weights+64(FP), DX
	MOVQ channel+80(FP), R14
	SHLQ $2, R14
	LEAQ (R14)(R14*2), R15

filter:
	START256((DI), Y4, Y5, Y6)
	START256(4(DI), Y7, Y8, Y9)
	START256(8(DI), Y10, Y11, Y12)
	START256(12(DI), Y13, Y14, Y15)
	MOVQ terms_base+32(FP), SI
	MOVQ terms_len+40(FP), CX
	JMP  more

term:
	MOVQ         (SI), AX
	VMOVUPS      (R8)(AX*4), Y0
	VMOVUPS      (R9)(AX*4), Y1
	VMOVUPS      (R10)(AX*4), Y2
	VBROADCASTSS (DX), Y3
	MULTIPLY256(Y4, Y5, Y6)
	VBROADCASTSS 4(DX), Y3
	MULTIPLY256(Y7, Y8, Y9)
	VBROADCASTSS 8(DX), Y3
	MULTIPLY256(Y10, Y11, Y12)
	VBROADCASTSS 12(DX), Y3
	MULTIPLY256(Y13, Y14, Y15)
	ADDQ         $8, SI
	ADDQ         $16, DX
	DECQ         CX

more:
	TESTQ CX, CX
	JGT   term
	MOVQ  to+24(FP), AX
	STORE(0, Y4, Y7, Y10, Y13)
	STORE(1, Y5, Y8, Y11, Y14)
	STORE(2, Y6, Y9, Y12, Y15)
	ADDQ  $16, DI
	LEAQ  (BX)(R14*4), BX
	DECQ  tiles+72(FP)
	JGT   filter
	VZEROUPPER
	RET

#define REDUCE256(place, a, b, c, d) \
	VMOVAPS a, Y0 \
	VMOVAPS b, Y1 \
	VMOVAPS c, Y2 \
	VMOVAPS d, Y3 \
	ADD(place)

// func correlate256(gradient, d, x *float32, terms *int, channel, rows, columns, dRow, xRow, xColumn int)
TEXT ·correlate256(SB), NOSPLIT, $0-80
	MOVQ x+16(FP), BX
	MOVQ terms+24(FP), AX
	PLACE(0, R8)
	PLACE(1, R9)
	PLACE(2, R10)
	MOVQ d+8(FP), DX
	MOVQ channel+32(FP), R14
	SHLQ $2, R14
	LEAQ (R14)(R14*2), R15
	MOVQ xColumn+72(FP), DI
	XORQ BX, BX

	VXORPS  Y4, Y4, Y4
	VMOVAPS Y4, Y5
	VMOVAPS Y4, Y6
	VMOVAPS Y4, Y7
	VMOVAPS Y4, Y8
	VMOVAPS Y4, Y9
	VMOVAPS Y4, Y10
	VMOVAPS Y4, Y11
	VMOVAPS Y4, Y12
	VMOVAPS Y4, Y13
	VMOVAPS Y4, Y14
	VMOVAPS Y4, Y15

row:
	MOVQ columns+48(FP), CX
	MOVQ BX, AX
	MOVQ DX, SI

column:
	VMOVUPS (R8)(AX*4), Y0
	VMOVUPS (R9)(AX*4), Y1
	VMOVUPS (R10)(AX*4), Y2
	VMOVUPS (SI), Y3
	MULTIPLY256(Y4, Y5, Y6)
	VMOVUPS (SI)(R14*1), Y3
	MULTIPLY256(Y7, Y8, Y9)
	VMOVUPS (SI)(R14*2), Y3
	MULTIPLY256(Y10, Y11, Y12)
	VMOVUPS (SI)(R15*1), Y3
	MULTIPLY256(Y13, Y14, Y15)
	ADDQ    DI, AX
	ADDQ    $32, SI
	DECQ    CX
	JGT     column
	MOVQ    dRow+56(FP), AX
	LEAQ    (DX)(AX*4), DX
	ADDQ    xRow+64(FP), BX
	DECQ    rows+40(FP)
	JGT     row
	MOVQ    gradient+0(FP), AX
	REDUCE256(0, Y4, Y7, Y10, Y13)
	REDUCE256(1, Y5, Y8, Y11, Y14)
	REDUCE256(2, Y6, Y9, Y12, Y15)
	VZEROUPPER
	RET
