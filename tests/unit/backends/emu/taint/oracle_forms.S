// The instruction forms that oracle_test.cc executes, each followed by a jump back, and a table of
// them. Operands are in rax, rbx, rcx, rdx, r8, r9, vectors 0 to 2, the x87 stack, and in memory at
// rsi (rdi too for strings, rsp for the stack).

// Kinds: how the test prepares the registers, and where memory is accessed. As in oracle_test.cc.
#define PLAIN 0
#define PUSH 1
#define POP 2
#define STRING 3
#define DIVIDE 4
#define BIT_IN_MEMORY 5
#define X87 6
#define MMX 7
#define CACHED_LZCNT 8
#define TRANSLATE 9
#define SAVE_AREA 10
#define NEEDS_TZCNT 11
#define RESTORE_AREA 12
#define POP_TO_MEMORY 13
#define PUSH_FROM_MEMORY 14
#define MASKED 15
#define LEAVE 16

// Classes, for the report.
#define INTEGER 0
#define SHIFTS 1
#define MULTIPLY 2
#define BITS 3
#define MOVES 4
#define CONDITIONS 5
#define STACK 6
#define STRINGS 7
#define FLOATS 8
#define INTEGERS_SSE 9
#define MOVES_SSE 10
#define CRYPTO 11
#define FPU 12
#define MULTIMEDIA 13
#define AVX 14
#define SYSTEM 15

        .intel_syntax noprefix

        .macro FORM kind, class, text:vararg
        .text
        771:
        \text
        772:
        jmp     oracle_exit
        .section .rodata.oracle_text, "a"
        773:
        .asciz  "\text"
        .section .data.rel.ro.oracle_forms, "aw"
        .quad   771b, 772b, 773b
        .long   \kind, \class
        .endm

        .section .data.rel.ro.oracle_forms, "aw"
        .balign 8
        .globl  oracle_forms
oracle_forms:

// --- Sums and logic ------------------------------------------------------------------------------

        .macro BINARY op
        FORM PLAIN, INTEGER, \op al, bl
        FORM PLAIN, INTEGER, \op ah, bl
        FORM PLAIN, INTEGER, \op cl, dh
        FORM PLAIN, INTEGER, \op bh, ch
        FORM PLAIN, INTEGER, \op r8b, al
        FORM PLAIN, INTEGER, \op ax, bx
        FORM PLAIN, INTEGER, \op eax, ebx
        FORM PLAIN, INTEGER, \op r8d, r9d
        FORM PLAIN, INTEGER, \op rax, rbx
        FORM PLAIN, INTEGER, \op rdx, r8
        FORM PLAIN, INTEGER, \op eax, eax
        FORM PLAIN, INTEGER, \op rcx, rcx
        FORM PLAIN, INTEGER, \op dl, dl
        FORM PLAIN, INTEGER, \op byte ptr [rsi], al
        FORM PLAIN, INTEGER, \op byte ptr [rsi], ch
        FORM PLAIN, INTEGER, \op word ptr [rsi], ax
        FORM PLAIN, INTEGER, \op dword ptr [rsi], ebx
        FORM PLAIN, INTEGER, \op qword ptr [rsi], rcx
        FORM PLAIN, INTEGER, \op al, 0x15
        FORM PLAIN, INTEGER, \op ax, 0x1234
        FORM PLAIN, INTEGER, \op bx, 0x7f00
        FORM PLAIN, INTEGER, \op eax, 0x12345678
        FORM PLAIN, INTEGER, \op ebx, 0xff00
        FORM PLAIN, INTEGER, \op rax, 0x12345678
        FORM PLAIN, INTEGER, \op rbx, -2
        FORM PLAIN, INTEGER, \op ecx, -1
        FORM PLAIN, INTEGER, \op edx, 0
        FORM PLAIN, INTEGER, \op byte ptr [rsi], 7
        FORM PLAIN, INTEGER, \op word ptr [rsi], 0x1200
        FORM PLAIN, INTEGER, \op dword ptr [rsi], 0x120034
        FORM PLAIN, INTEGER, \op qword ptr [rsi], -256
        .endm
        .macro BINARY_LOADS op
        FORM PLAIN, INTEGER, \op al, byte ptr [rsi]
        FORM PLAIN, INTEGER, \op ax, word ptr [rsi]
        FORM PLAIN, INTEGER, \op eax, dword ptr [rsi]
        FORM PLAIN, INTEGER, \op rax, qword ptr [rsi]
        .endm
        .irp    op, add, sub, adc, sbb, cmp, and, or, xor, test
        BINARY  \op
        .endr
        .irp    op, add, sub, adc, sbb, cmp, and, or, xor
        BINARY_LOADS \op
        .endr
        .irp    op, add, or, adc, sbb, and, sub, xor
        FORM PLAIN, INTEGER, lock \op dword ptr [rsi], eax
        .endr

        .macro UNARY kind, class, op
        FORM \kind, \class, \op al
        FORM \kind, \class, \op bh
        FORM \kind, \class, \op r9b
        FORM \kind, \class, \op cx
        FORM \kind, \class, \op edx
        FORM \kind, \class, \op rbx
        FORM \kind, \class, \op byte ptr [rsi]
        FORM \kind, \class, \op word ptr [rsi]
        FORM \kind, \class, \op dword ptr [rsi]
        FORM \kind, \class, \op qword ptr [rsi]
        .endm
        .irp    op, inc, dec, neg, not
        UNARY   PLAIN, INTEGER, \op
        .endr

        FORM PLAIN, INTEGER, adcx eax, ebx
        FORM PLAIN, INTEGER, adcx rax, qword ptr [rsi]
        FORM PLAIN, INTEGER, adox eax, dword ptr [rsi]
        FORM PLAIN, INTEGER, adox rax, rbx
        .irp    size, "al, bl", "ax, bx", "eax, ebx", "rax, rbx"
        FORM PLAIN, INTEGER, xadd \size
        FORM PLAIN, INTEGER, xchg \size
        .endr
        FORM PLAIN, INTEGER, xadd eax, eax
        FORM PLAIN, INTEGER, xadd dword ptr [rsi], ebx
        FORM PLAIN, INTEGER, lock xadd qword ptr [rsi], rbx
        FORM PLAIN, INTEGER, xadd byte ptr [rsi], al
        FORM PLAIN, INTEGER, xchg al, ah
        FORM PLAIN, INTEGER, xchg dword ptr [rsi], ebx
        FORM PLAIN, INTEGER, xchg rbx, qword ptr [rsi]
        FORM PLAIN, INTEGER, xchg byte ptr [rsi], ah
        FORM PLAIN, INTEGER, cmpxchg bl, cl
        FORM PLAIN, INTEGER, cmpxchg bx, cx
        FORM PLAIN, INTEGER, cmpxchg ebx, ecx
        FORM PLAIN, INTEGER, cmpxchg rbx, rcx
        FORM PLAIN, INTEGER, cmpxchg byte ptr [rsi], cl
        FORM PLAIN, INTEGER, lock cmpxchg dword ptr [rsi], ecx
        FORM PLAIN, INTEGER, lock cmpxchg qword ptr [rsi], rbx
        FORM PLAIN, INTEGER, cmpxchg8b qword ptr [rsi]
        FORM PLAIN, INTEGER, lock cmpxchg16b xmmword ptr [rsi]

// --- Shifts --------------------------------------------------------------------------------------

        .macro SHIFT op
        .irp    count, 0, 1, 3, 8, 13, 16, 24, 31
        FORM PLAIN, SHIFTS, \op al, \count
        FORM PLAIN, SHIFTS, \op bx, \count
        FORM PLAIN, SHIFTS, \op ecx, \count
        FORM PLAIN, SHIFTS, \op rdx, \count
        .endr
        FORM PLAIN, SHIFTS, \op rax, 32
        FORM PLAIN, SHIFTS, \op rax, 51
        FORM PLAIN, SHIFTS, \op rax, 63
        FORM PLAIN, SHIFTS, \op ah, 4
        FORM PLAIN, SHIFTS, \op byte ptr [rsi], 2
        FORM PLAIN, SHIFTS, \op dword ptr [rsi], 9
        FORM PLAIN, SHIFTS, \op qword ptr [rsi], 40
        FORM PLAIN, SHIFTS, \op al, cl
        FORM PLAIN, SHIFTS, \op ax, cl
        FORM PLAIN, SHIFTS, \op eax, cl
        FORM PLAIN, SHIFTS, \op rbx, cl
        FORM PLAIN, SHIFTS, \op ecx, cl
        FORM PLAIN, SHIFTS, \op word ptr [rsi], cl
        FORM PLAIN, SHIFTS, \op qword ptr [rsi], cl
        .endm
        .irp    op, shl, shr, sar, rol, ror, rcl, rcr
        SHIFT   \op
        .endr
        .irp    op, shld, shrd
        .irp    count, 0, 1, 5, 8, 15
        FORM PLAIN, SHIFTS, \op ax, bx, \count
        .endr
        .irp    count, 0, 1, 7, 8, 17, 24, 31, 45
        FORM PLAIN, SHIFTS, \op eax, ebx, \count
        FORM PLAIN, SHIFTS, \op rcx, rdx, \count
        .endr
        FORM PLAIN, SHIFTS, \op ax, bx, cl
        FORM PLAIN, SHIFTS, \op eax, ebx, cl
        FORM PLAIN, SHIFTS, \op rax, rbx, cl
        FORM PLAIN, SHIFTS, \op dword ptr [rsi], ebx, 12
        FORM PLAIN, SHIFTS, \op qword ptr [rsi], rbx, cl
        .endr
        .irp    op, shlx, shrx, sarx
        FORM PLAIN, SHIFTS, \op eax, ebx, ecx
        FORM PLAIN, SHIFTS, \op rax, qword ptr [rsi], rbx
        .endr
        FORM PLAIN, SHIFTS, rorx eax, ebx, 9
        FORM PLAIN, SHIFTS, rorx rax, qword ptr [rsi], 16
        FORM PLAIN, SHIFTS, rorx ecx, dword ptr [rsi], 0

// --- Products, quotients, checksums --------------------------------------------------------------

        UNARY   PLAIN, MULTIPLY, mul
        UNARY   PLAIN, MULTIPLY, imul
        .irp    op, div, idiv
        FORM DIVIDE, MULTIPLY, \op bl
        FORM DIVIDE, MULTIPLY, \op bx
        FORM DIVIDE, MULTIPLY, \op ebx
        FORM DIVIDE, MULTIPLY, \op rbx
        FORM DIVIDE, MULTIPLY, \op byte ptr [rsi]
        FORM DIVIDE, MULTIPLY, \op dword ptr [rsi]
        FORM DIVIDE, MULTIPLY, \op qword ptr [rsi]
        .endr
        FORM PLAIN, MULTIPLY, imul ax, bx
        FORM PLAIN, MULTIPLY, imul eax, ebx
        FORM PLAIN, MULTIPLY, imul rax, rbx
        FORM PLAIN, MULTIPLY, imul rax, qword ptr [rsi]
        FORM PLAIN, MULTIPLY, imul ecx, ebx, 100
        FORM PLAIN, MULTIPLY, imul rcx, rbx, 0x12345
        FORM PLAIN, MULTIPLY, imul dx, word ptr [rsi], -3
        FORM PLAIN, MULTIPLY, imul r8, qword ptr [rsi], 7
        FORM PLAIN, MULTIPLY, mulx rax, rbx, rcx
        FORM PLAIN, MULTIPLY, mulx eax, ebx, dword ptr [rsi]
        FORM PLAIN, MULTIPLY, mulx rcx, rcx, r8
        FORM PLAIN, MULTIPLY, crc32 eax, bl
        FORM PLAIN, MULTIPLY, crc32 eax, word ptr [rsi]
        FORM PLAIN, MULTIPLY, crc32 eax, ebx
        FORM PLAIN, MULTIPLY, crc32 rax, rbx
        FORM PLAIN, MULTIPLY, crc32 rcx, qword ptr [rsi]

// --- Bits ----------------------------------------------------------------------------------------

        .irp    op, bt, bts, btr, btc
        FORM PLAIN, BITS, \op ax, bx
        FORM PLAIN, BITS, \op eax, ebx
        FORM PLAIN, BITS, \op rax, rbx
        FORM PLAIN, BITS, \op ecx, 5
        FORM PLAIN, BITS, \op rcx, 44
        FORM PLAIN, BITS, \op dx, 9
        FORM PLAIN, BITS, \op word ptr [rsi], 3
        FORM PLAIN, BITS, \op dword ptr [rsi], 17
        FORM PLAIN, BITS, \op qword ptr [rsi], 63
        FORM BIT_IN_MEMORY, BITS, \op dword ptr [rsi], ebx
        FORM BIT_IN_MEMORY, BITS, \op qword ptr [rsi], rbx
        .endr
        .irp    op, bsf, bsr, popcnt
        FORM PLAIN, BITS, \op ax, bx
        FORM PLAIN, BITS, \op eax, ebx
        FORM PLAIN, BITS, \op rax, rbx
        FORM PLAIN, BITS, \op r8d, dword ptr [rsi]
        FORM PLAIN, BITS, \op rcx, qword ptr [rsi]
        .endr
        FORM NEEDS_TZCNT, BITS, tzcnt ax, bx
        FORM NEEDS_TZCNT, BITS, tzcnt eax, ebx
        FORM NEEDS_TZCNT, BITS, tzcnt rax, qword ptr [rsi]
        FORM CACHED_LZCNT, BITS, lzcnt ax, bx
        FORM CACHED_LZCNT, BITS, lzcnt eax, ebx
        FORM CACHED_LZCNT, BITS, lzcnt rax, qword ptr [rsi]
        FORM PLAIN, BITS, andn eax, ebx, ecx
        FORM PLAIN, BITS, andn rax, rbx, qword ptr [rsi]
        FORM PLAIN, BITS, bextr eax, ebx, ecx
        FORM PLAIN, BITS, bextr rax, qword ptr [rsi], rbx
        FORM PLAIN, BITS, blsi eax, ebx
        FORM PLAIN, BITS, blsr rax, rbx
        FORM PLAIN, BITS, blsmsk rax, qword ptr [rsi]
        FORM PLAIN, BITS, bzhi eax, ebx, ecx
        FORM PLAIN, BITS, bzhi rax, qword ptr [rsi], rbx
        FORM PLAIN, BITS, pdep eax, ebx, ecx
        FORM PLAIN, BITS, pext rax, rbx, qword ptr [rsi]
        FORM PLAIN, BITS, bswap eax
        FORM PLAIN, BITS, bswap rbx
        FORM PLAIN, BITS, bswap r8d
        FORM PLAIN, BITS, movbe ax, word ptr [rsi]
        FORM PLAIN, BITS, movbe eax, dword ptr [rsi]
        FORM PLAIN, BITS, movbe qword ptr [rsi], rbx

// --- Moves ---------------------------------------------------------------------------------------

        .irp    operands, "al, bl", "ah, bl", "bl, ch", "r8b, cl", "ax, bx", "eax, ebx", "eax, eax", "rax, rbx", "r9, rcx", "r8d, edx"
        FORM PLAIN, MOVES, mov \operands
        .endr
        .irp    operands, "al, byte ptr [rsi]", "bh, byte ptr [rsi]", "ax, word ptr [rsi]", "eax, dword ptr [rsi]", "rax, qword ptr [rsi]", "byte ptr [rsi], dl", "byte ptr [rsi], ah", "word ptr [rsi], bx", "dword ptr [rsi], ecx", "qword ptr [rsi], r8"
        FORM PLAIN, MOVES, mov \operands
        .endr
        .irp    operands, "al, 3", "ah, 3", "ax, 1000", "eax, 1", "rax, -1", "byte ptr [rsi], 1", "word ptr [rsi], 2", "dword ptr [rsi], 3", "qword ptr [rsi], 4", "ax, ds", "eax, ds", "rax, ss", "word ptr [rsi], es"
        FORM PLAIN, MOVES, mov \operands
        .endr
        FORM PLAIN, MOVES, movabs rax, 0x123456789abcdef
        FORM PLAIN, MOVES, movnti dword ptr [rsi], eax
        FORM PLAIN, MOVES, movnti qword ptr [rsi], rbx
        .irp    op, movzx, movsx
        .irp    operands, "ax, bl", "eax, bl", "rax, bl", "eax, ah", "ecx, bh", "eax, bx", "rax, bx", "rax, ax", "ax, byte ptr [rsi]", "eax, byte ptr [rsi]", "rax, byte ptr [rsi]", "eax, word ptr [rsi]", "rax, word ptr [rsi]"
        FORM PLAIN, MOVES, \op \operands
        .endr
        .endr
        FORM PLAIN, MOVES, movsxd rax, ebx
        FORM PLAIN, MOVES, movsxd rax, dword ptr [rsi]
        .irp    op, cbw, cwde, cdqe, cwd, cdq, cqo
        FORM PLAIN, MOVES, \op
        .endr
        .irp    operands, "eax, [rbx]", "rax, [rbx]", "rax, [rbx + 8]", "eax, [rbx + rcx]", "rax, [rbx + rcx*4 + 100]", "rax, [rbx*8]", "ax, [rbx + rcx]", "rax, [ebx + ecx*2]", "eax, [ebx]", "rax, [rip + 5]", "rbx, [rbx + rbx*2]", "rcx, [rax + rcx]"
        FORM PLAIN, MOVES, lea \operands
        .endr
        FORM TRANSLATE, MOVES, xlatb

// --- Flags and conditions ------------------------------------------------------------------------

        .irp    cc, o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g
        FORM PLAIN, CONDITIONS, set\cc al
        FORM PLAIN, CONDITIONS, set\cc byte ptr [rsi]
        FORM PLAIN, CONDITIONS, cmov\cc ax, bx
        FORM PLAIN, CONDITIONS, cmov\cc eax, ebx
        FORM PLAIN, CONDITIONS, cmov\cc rax, qword ptr [rsi]
        .endr
        FORM PLAIN, CONDITIONS, seta bh
        FORM PLAIN, CONDITIONS, cmovg ecx, dword ptr [rsi]
        .irp    op, lahf, sahf, clc, stc, cmc
        FORM PLAIN, CONDITIONS, \op
        .endr

// --- Stack ---------------------------------------------------------------------------------------

        FORM PUSH, STACK, push rax
        FORM PUSH, STACK, push r8
        FORM PUSH, STACK, push ax
        FORM PUSH, STACK, push 5
        FORM PUSH, STACK, push 0x12345
        FORM PUSH, STACK, push fs
        FORM PUSH, STACK, pushf
        FORM PUSH, STACK, pushfw
        FORM PUSH, STACK, enter 16, 0
        FORM PUSH_FROM_MEMORY, STACK, push qword ptr [rsi]
        FORM PUSH_FROM_MEMORY, STACK, push word ptr [rsi]
        FORM POP, STACK, pop rax
        FORM POP, STACK, pop r9
        FORM POP, STACK, pop bx
        FORM POP, STACK, popf
        FORM POP_TO_MEMORY, STACK, pop qword ptr [rsi]
        FORM POP_TO_MEMORY, STACK, pop word ptr [rsi]
        FORM LEAVE, STACK, leave

// --- Strings -------------------------------------------------------------------------------------

        .irp    size, b, w, d, q
        FORM STRING, STRINGS, movs\size
        FORM STRING, STRINGS, rep movs\size
        FORM STRING, STRINGS, stos\size
        FORM STRING, STRINGS, rep stos\size
        FORM STRING, STRINGS, lods\size
        FORM STRING, STRINGS, rep lods\size
        FORM STRING, STRINGS, scas\size
        FORM STRING, STRINGS, repe scas\size
        FORM STRING, STRINGS, repne scas\size
        FORM STRING, STRINGS, cmps\size
        FORM STRING, STRINGS, repe cmps\size
        FORM STRING, STRINGS, repne cmps\size
        .endr

// --- Moves between and within vectors ------------------------------------------------------------

        .irp    op, movaps, movups, movapd, movupd, movdqa, movdqu
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm1
        FORM PLAIN, MOVES_SSE, \op xmm0, xmmword ptr [rsi]
        FORM PLAIN, MOVES_SSE, \op xmmword ptr [rsi], xmm1
        .endr
        FORM PLAIN, MOVES_SSE, lddqu xmm0, xmmword ptr [rsi]
        FORM PLAIN, MOVES_SSE, movntdqa xmm0, xmmword ptr [rsi]
        .irp    op, movntps, movntpd, movntdq
        FORM PLAIN, MOVES_SSE, \op xmmword ptr [rsi], xmm1
        .endr
        .irp    operands, "xmm0, eax", "eax, xmm0", "xmm0, dword ptr [rsi]", "dword ptr [rsi], xmm0"
        FORM PLAIN, MOVES_SSE, movd \operands
        .endr
        .irp    operands, "xmm0, rax", "rax, xmm0", "xmm0, qword ptr [rsi]", "qword ptr [rsi], xmm0", "xmm0, xmm1"
        FORM PLAIN, MOVES_SSE, movq \operands
        .endr
        FORM PLAIN, MOVES_SSE, movss xmm0, xmm1
        FORM PLAIN, MOVES_SSE, movss xmm0, dword ptr [rsi]
        FORM PLAIN, MOVES_SSE, movss dword ptr [rsi], xmm1
        FORM PLAIN, MOVES_SSE, movsd xmm0, xmm1
        FORM PLAIN, MOVES_SSE, movsd xmm0, qword ptr [rsi]
        FORM PLAIN, MOVES_SSE, movsd qword ptr [rsi], xmm1
        .irp    op, movlps, movhps, movlpd, movhpd
        FORM PLAIN, MOVES_SSE, \op xmm0, qword ptr [rsi]
        FORM PLAIN, MOVES_SSE, \op qword ptr [rsi], xmm0
        .endr
        FORM PLAIN, MOVES_SSE, movhlps xmm0, xmm1
        FORM PLAIN, MOVES_SSE, movlhps xmm0, xmm1
        FORM PLAIN, MOVES_SSE, movddup xmm0, xmm1
        FORM PLAIN, MOVES_SSE, movddup xmm0, qword ptr [rsi]
        .irp    op, movsldup, movshdup
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm1
        FORM PLAIN, MOVES_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        FORM PLAIN, MOVES_SSE, movmskps eax, xmm0
        FORM PLAIN, MOVES_SSE, movmskpd eax, xmm1
        FORM PLAIN, MOVES_SSE, pmovmskb eax, xmm1
        .irp    imm, 0, 0x1b, 0xe4, 0x93, 0xff
        FORM PLAIN, MOVES_SSE, pshufd xmm0, xmm1, \imm
        FORM PLAIN, MOVES_SSE, pshufd xmm0, xmm0, \imm
        FORM PLAIN, MOVES_SSE, pshuflw xmm0, xmm1, \imm
        FORM PLAIN, MOVES_SSE, pshufhw xmm0, xmmword ptr [rsi], \imm
        FORM PLAIN, MOVES_SSE, shufps xmm0, xmm1, \imm
        FORM PLAIN, MOVES_SSE, shufps xmm0, xmm0, \imm
        FORM PLAIN, MOVES_SSE, shufpd xmm0, xmm1, \imm & 3
        FORM PLAIN, MOVES_SSE, blendps xmm0, xmm1, \imm & 15
        FORM PLAIN, MOVES_SSE, blendpd xmm0, xmmword ptr [rsi], \imm & 3
        FORM PLAIN, MOVES_SSE, pblendw xmm0, xmm1, \imm
        FORM PLAIN, MOVES_SSE, insertps xmm0, xmm1, \imm
        FORM PLAIN, MOVES_SSE, insertps xmm0, dword ptr [rsi], \imm & 63
        FORM PLAIN, MOVES_SSE, palignr xmm0, xmm1, \imm & 31
        FORM PLAIN, MOVES_SSE, pslldq xmm0, \imm & 15
        FORM PLAIN, MOVES_SSE, psrldq xmm0, \imm & 15
        .endr
        FORM PLAIN, MOVES_SSE, psrldq xmm1, 16
        FORM PLAIN, MOVES_SSE, pshufb xmm0, xmm1
        FORM PLAIN, MOVES_SSE, pshufb xmm0, xmmword ptr [rsi]
        FORM PLAIN, MOVES_SSE, pblendvb xmm1, xmm2, xmm0
        FORM PLAIN, MOVES_SSE, blendvps xmm1, xmm2, xmm0
        FORM PLAIN, MOVES_SSE, blendvpd xmm1, xmmword ptr [rsi], xmm0
        .irp    op, punpcklbw, punpcklwd, punpckldq, punpcklqdq, punpckhbw, punpckhwd, punpckhdq, punpckhqdq, unpcklps, unpckhps, unpcklpd, unpckhpd
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm1
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm0
        FORM PLAIN, MOVES_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        FORM PLAIN, MOVES_SSE, pextrb eax, xmm0, 5
        FORM PLAIN, MOVES_SSE, pextrb byte ptr [rsi], xmm0, 7
        FORM PLAIN, MOVES_SSE, pextrw eax, xmm0, 3
        FORM PLAIN, MOVES_SSE, pextrw word ptr [rsi], xmm0, 3
        FORM PLAIN, MOVES_SSE, pextrd eax, xmm1, 2
        FORM PLAIN, MOVES_SSE, pextrd dword ptr [rsi], xmm1, 3
        FORM PLAIN, MOVES_SSE, pextrq rax, xmm1, 1
        FORM PLAIN, MOVES_SSE, pextrq qword ptr [rsi], xmm1, 0
        FORM PLAIN, MOVES_SSE, extractps eax, xmm0, 2
        FORM PLAIN, MOVES_SSE, extractps dword ptr [rsi], xmm0, 1
        FORM PLAIN, MOVES_SSE, pinsrb xmm0, eax, 6
        FORM PLAIN, MOVES_SSE, pinsrb xmm0, byte ptr [rsi], 6
        FORM PLAIN, MOVES_SSE, pinsrw xmm0, eax, 6
        FORM PLAIN, MOVES_SSE, pinsrw xmm0, word ptr [rsi], 1
        FORM PLAIN, MOVES_SSE, pinsrd xmm0, ebx, 3
        FORM PLAIN, MOVES_SSE, pinsrd xmm0, dword ptr [rsi], 1
        FORM PLAIN, MOVES_SSE, pinsrq xmm0, rcx, 1
        FORM PLAIN, MOVES_SSE, pinsrq xmm0, qword ptr [rsi], 0
        .irp    op, pmovzxbw, pmovzxwd, pmovzxdq, pmovsxbw, pmovsxwd, pmovsxdq
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm1
        FORM PLAIN, MOVES_SSE, \op xmm0, qword ptr [rsi]
        .endr
        .irp    op, pmovzxbd, pmovzxwq, pmovsxbd, pmovsxwq
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm1
        FORM PLAIN, MOVES_SSE, \op xmm0, dword ptr [rsi]
        .endr
        .irp    op, pmovzxbq, pmovsxbq
        FORM PLAIN, MOVES_SSE, \op xmm0, xmm0
        FORM PLAIN, MOVES_SSE, \op xmm0, word ptr [rsi]
        .endr

// --- Integers in vectors -------------------------------------------------------------------------

        .irp    op, paddb, paddw, paddd, paddq, paddsb, paddsw, paddusb, paddusw, psubb, psubw, psubd, psubq, psubsb, psubsw, psubusb, psubusw, pand, pandn, por, pxor, andps, andpd, andnps, andnpd, orps, orpd, xorps, xorpd
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm1
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm0
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        .irp    op, pcmpeqb, pcmpeqw, pcmpeqd, pcmpeqq, pcmpgtb, pcmpgtw, pcmpgtd, pcmpgtq
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm1
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm0
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        .irp    op, pavgb, pavgw, pmaxub, pmaxsw, pminub, pminsw, pmaxsb, pmaxsd, pmaxud, pmaxuw, pminsb, pminsd, pminud, pminuw, pmulhw, pmulhuw, pmulhrsw, pmullw, pmulld, pmuludq, pmuldq, pmaddwd, pmaddubsw, psadbw, psignb, psignw, psignd, phaddw, phaddd, phaddsw, phsubw, phsubd, phsubsw, packsswb, packssdw, packuswb, packusdw
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm1
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        .irp    op, pabsb, pabsw, pabsd, phminposuw
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm1
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        FORM PLAIN, INTEGERS_SSE, mpsadbw xmm0, xmm1, 5
        .irp    op, psllw, pslld, psllq, psrlw, psrld, psrlq, psraw, psrad
        FORM PLAIN, INTEGERS_SSE, \op xmm0, 1
        FORM PLAIN, INTEGERS_SSE, \op xmm0, 8
        FORM PLAIN, INTEGERS_SSE, \op xmm0, 15
        FORM PLAIN, INTEGERS_SSE, \op xmm0, 16
        FORM PLAIN, INTEGERS_SSE, \op xmm0, 40
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmm1
        FORM PLAIN, INTEGERS_SSE, \op xmm0, xmmword ptr [rsi]
        .endr
        FORM PLAIN, INTEGERS_SSE, ptest xmm0, xmm1
        FORM PLAIN, INTEGERS_SSE, ptest xmm0, xmmword ptr [rsi]
        .irp    op, pcmpestri, pcmpistri, pcmpestrm, pcmpistrm
        FORM PLAIN, INTEGERS_SSE, \op xmm1, xmm2, 0x0c
        FORM PLAIN, INTEGERS_SSE, \op xmm1, xmmword ptr [rsi], 0x1a
        .endr
        FORM MASKED, INTEGERS_SSE, maskmovdqu xmm0, xmm1

// --- Floating point in vectors -------------------------------------------------------------------

        .irp    op, add, sub, mul, div, min, max, sqrt
        FORM PLAIN, FLOATS, \op\()ps xmm0, xmm1
        FORM PLAIN, FLOATS, \op\()ps xmm0, xmmword ptr [rsi]
        FORM PLAIN, FLOATS, \op\()pd xmm0, xmm1
        FORM PLAIN, FLOATS, \op\()pd xmm0, xmmword ptr [rsi]
        FORM PLAIN, FLOATS, \op\()ss xmm0, xmm1
        FORM PLAIN, FLOATS, \op\()ss xmm0, dword ptr [rsi]
        FORM PLAIN, FLOATS, \op\()sd xmm0, xmm1
        FORM PLAIN, FLOATS, \op\()sd xmm0, qword ptr [rsi]
        .endr
        .irp    op, rcpps, rsqrtps, addsubps, addsubpd, haddps, haddpd, hsubps, hsubpd, cvtdq2ps, cvtps2dq, cvttps2dq, cvtpd2ps, cvtpd2dq, cvttpd2dq
        FORM PLAIN, FLOATS, \op xmm0, xmm1
        FORM PLAIN, FLOATS, \op xmm0, xmmword ptr [rsi]
        .endr
        .irp    op, cvtps2pd, cvtdq2pd
        FORM PLAIN, FLOATS, \op xmm0, xmm1
        FORM PLAIN, FLOATS, \op xmm0, qword ptr [rsi]
        .endr
        .irp    op, rcpss, rsqrtss, cvtss2sd, ucomiss, comiss
        FORM PLAIN, FLOATS, \op xmm0, xmm1
        FORM PLAIN, FLOATS, \op xmm0, dword ptr [rsi]
        .endr
        .irp    op, cvtsd2ss, ucomisd, comisd
        FORM PLAIN, FLOATS, \op xmm0, xmm1
        FORM PLAIN, FLOATS, \op xmm0, qword ptr [rsi]
        .endr
        .irp    op, cvtsi2ss, cvtsi2sd
        FORM PLAIN, FLOATS, \op xmm0, eax
        FORM PLAIN, FLOATS, \op xmm0, rax
        FORM PLAIN, FLOATS, \op xmm0, dword ptr [rsi]
        FORM PLAIN, FLOATS, \op xmm0, qword ptr [rsi]
        .endr
        .irp    op, cvtss2si, cvttss2si
        FORM PLAIN, FLOATS, \op eax, xmm0
        FORM PLAIN, FLOATS, \op rax, dword ptr [rsi]
        .endr
        .irp    op, cvtsd2si, cvttsd2si
        FORM PLAIN, FLOATS, \op eax, xmm0
        FORM PLAIN, FLOATS, \op rax, qword ptr [rsi]
        .endr
        .irp    predicate, eq, lt, le, unord, neq, nlt, nle, ord
        FORM PLAIN, FLOATS, cmp\predicate\()ps xmm0, xmm1
        FORM PLAIN, FLOATS, cmp\predicate\()pd xmm0, xmmword ptr [rsi]
        FORM PLAIN, FLOATS, cmp\predicate\()ss xmm0, dword ptr [rsi]
        FORM PLAIN, FLOATS, cmp\predicate\()sd xmm0, xmm1
        .endr
        FORM PLAIN, FLOATS, roundps xmm0, xmm1, 1
        FORM PLAIN, FLOATS, roundpd xmm0, xmmword ptr [rsi], 0
        FORM PLAIN, FLOATS, roundss xmm0, xmm1, 2
        FORM PLAIN, FLOATS, roundsd xmm0, qword ptr [rsi], 3
        FORM PLAIN, FLOATS, dpps xmm0, xmm1, 0xff
        FORM PLAIN, FLOATS, dppd xmm0, xmm1, 0x33

        .irp    op, aesenc, aesenclast, aesdec, aesdeclast, aesimc, sha1nexte, sha1msg1, sha1msg2, sha256msg1, sha256msg2
        FORM PLAIN, CRYPTO, \op xmm0, xmm1
        FORM PLAIN, CRYPTO, \op xmm0, xmmword ptr [rsi]
        .endr
        FORM PLAIN, CRYPTO, aeskeygenassist xmm0, xmm1, 4
        FORM PLAIN, CRYPTO, sha1rnds4 xmm0, xmm1, 1
        FORM PLAIN, CRYPTO, sha256rnds2 xmm1, xmm2, xmm0
        .irp    imm, 0x00, 0x01, 0x10, 0x11
        FORM PLAIN, CRYPTO, pclmulqdq xmm0, xmm1, \imm
        .endr

// --- MMX -----------------------------------------------------------------------------------------

        .irp    op, paddb, paddw, paddd, paddq, psubb, pand, pandn, por, pxor, pcmpeqb, pcmpgtw, pmullw, pmulhw, pmaddwd, packsswb, packuswb, packssdw, punpckhbw, punpckhwd, psadbw, pavgb, pminub, pmaxsw, pshufb, pabsw, phaddw, pmuludq, psignb
        FORM MMX, MULTIMEDIA, \op mm0, mm1
        FORM MMX, MULTIMEDIA, \op mm0, qword ptr [rsi]
        .endr
        .irp    op, punpcklbw, punpcklwd, punpckldq
        FORM MMX, MULTIMEDIA, \op mm0, mm1
        .endr
        FORM MMX, MULTIMEDIA, pxor mm1, mm1
        FORM MMX, MULTIMEDIA, psllw mm0, 4
        FORM MMX, MULTIMEDIA, psrlq mm0, 17
        FORM MMX, MULTIMEDIA, psrad mm0, mm1
        FORM MMX, MULTIMEDIA, palignr mm0, mm1, 3
        FORM MMX, MULTIMEDIA, pshufw mm0, mm1, 0x1b
        FORM MMX, MULTIMEDIA, pmovmskb eax, mm0
        FORM MMX, MULTIMEDIA, pinsrw mm0, eax, 2
        FORM MMX, MULTIMEDIA, pextrw eax, mm1, 1
        FORM MMX, MULTIMEDIA, movd mm0, eax
        FORM MMX, MULTIMEDIA, movd eax, mm1
        FORM MMX, MULTIMEDIA, movq mm0, rax
        FORM MMX, MULTIMEDIA, movq mm0, mm1
        FORM MMX, MULTIMEDIA, movq mm0, qword ptr [rsi]
        FORM MMX, MULTIMEDIA, movq qword ptr [rsi], mm0
        FORM MMX, MULTIMEDIA, movntq qword ptr [rsi], mm0
        FORM MMX, MULTIMEDIA, movq2dq xmm0, mm1
        FORM MMX, MULTIMEDIA, movdq2q mm0, xmm1
        FORM MMX, MULTIMEDIA, cvtpi2ps xmm0, mm1
        FORM MMX, MULTIMEDIA, cvtpi2pd xmm0, mm1
        FORM MMX, MULTIMEDIA, cvtps2pi mm0, xmm1
        FORM MMX, MULTIMEDIA, cvttpd2pi mm0, xmm1

// --- x87 -----------------------------------------------------------------------------------------

        .irp    op, fadd, fmul, fsub, fsubr, fdiv, fdivr, fcom, fcomp
        FORM X87, FPU, \op dword ptr [rsi]
        FORM X87, FPU, \op qword ptr [rsi]
        .endr
        .irp    op, fadd, fmul, fsub, fsubr, fdiv, fdivr
        FORM X87, FPU, \op st, st(2)
        .endr
        .irp    op, fadd, fmul, fsub, fsubr, fdiv, fdivr, faddp, fmulp, fsubp, fsubrp, fdivp, fdivrp
        FORM X87, FPU, \op st(1), st
        .endr
        .irp    op, fiadd, fimul, fisub, fisubr, fidiv, fidivr, ficom, ficomp
        FORM X87, FPU, \op word ptr [rsi]
        FORM X87, FPU, \op dword ptr [rsi]
        .endr
        FORM X87, FPU, fld dword ptr [rsi]
        FORM X87, FPU, fld qword ptr [rsi]
        FORM X87, FPU, fld tbyte ptr [rsi]
        FORM X87, FPU, fld st(2)
        FORM X87, FPU, fild word ptr [rsi]
        FORM X87, FPU, fild dword ptr [rsi]
        FORM X87, FPU, fild qword ptr [rsi]
        FORM X87, FPU, fst dword ptr [rsi]
        FORM X87, FPU, fst qword ptr [rsi]
        FORM X87, FPU, fst st(2)
        FORM X87, FPU, fstp dword ptr [rsi]
        FORM X87, FPU, fstp qword ptr [rsi]
        FORM X87, FPU, fstp tbyte ptr [rsi]
        FORM X87, FPU, fstp st(1)
        .irp    op, fist, fistp, fisttp
        FORM X87, FPU, \op word ptr [rsi]
        FORM X87, FPU, \op dword ptr [rsi]
        .endr
        FORM X87, FPU, fistp qword ptr [rsi]
        FORM X87, FPU, fisttp qword ptr [rsi]
        FORM X87, FPU, fbstp tbyte ptr [rsi]
        .irp    op, fld1, fldz, fldpi, fldl2e, fldl2t, fldlg2, fldln2, fchs, fabs, fsqrt, frndint, fsin, fcos, fsincos, fptan, fpatan, fprem, fprem1, fscale, f2xm1, fyl2x, fyl2xp1, fxtract, ftst, fxam, fcompp, fucompp, fnclex, fninit, fincstp, fdecstp, fnop
        FORM X87, FPU, \op
        .endr
        .irp    op, fcom, fcomp, fxch, fucom, fucomp, ffree
        FORM X87, FPU, \op st(2)
        .endr
        .irp    op, fcomi, fcomip, fucomi, fucomip, fcmovb, fcmove, fcmovbe, fcmovu, fcmovnb, fcmovne, fcmovnbe, fcmovnu
        FORM X87, FPU, \op st, st(1)
        .endr
        FORM X87, FPU, fnstsw ax
        FORM X87, FPU, fnstsw word ptr [rsi]
        FORM X87, FPU, fnstcw word ptr [rsi]

// --- AVX -----------------------------------------------------------------------------------------

        .irp    op, vpaddb, vpaddd, vpsubw, vpand, vpxor, vpor, vpandn, vpcmpeqb, vpcmpgtd, vpminub, vpmulld, vpmuludq, vpunpcklbw, vpunpckhdq, vpackuswb, vpshufb, vphaddw, vpavgb, vpmaddwd, vpsadbw, vaddps, vmulpd, vminps, vandps, vxorpd, vhaddps, vunpcklps, vpsllvd, vpsrlvq, vpsravd
        FORM PLAIN, AVX, \op xmm0, xmm1, xmm2
        FORM PLAIN, AVX, \op ymm0, ymm1, ymm2
        FORM PLAIN, AVX, \op ymm0, ymm1, ymmword ptr [rsi]
        FORM PLAIN, AVX, \op ymm0, ymm0, ymm1
        .endr
        .irp    op, vpxor, vpsubb, vpcmpeqd
        FORM PLAIN, AVX, \op ymm0, ymm1, ymm1
        .endr
        .irp    op, vmovdqa, vmovdqu, vmovaps, vmovups, vmovapd
        FORM PLAIN, AVX, \op xmm0, xmm1
        FORM PLAIN, AVX, \op ymm0, ymm1
        FORM PLAIN, AVX, \op ymm0, ymmword ptr [rsi]
        FORM PLAIN, AVX, \op xmm0, xmmword ptr [rsi]
        FORM PLAIN, AVX, \op ymmword ptr [rsi], ymm1
        .endr
        .irp    op, vaddsd, vmulss, vmaxsd, vsqrtsd, vcvtss2sd
        FORM PLAIN, AVX, \op xmm0, xmm1, xmm2
        .endr
        FORM PLAIN, AVX, vmovd xmm0, eax
        FORM PLAIN, AVX, vmovd eax, xmm0
        FORM PLAIN, AVX, vmovq xmm0, rax
        FORM PLAIN, AVX, vmovq rax, xmm1
        FORM PLAIN, AVX, vmovq xmm0, qword ptr [rsi]
        FORM PLAIN, AVX, vmovss xmm0, xmm1, xmm2
        FORM PLAIN, AVX, vmovsd xmm0, qword ptr [rsi]
        FORM PLAIN, AVX, vmovhps xmm0, xmm1, qword ptr [rsi]
        FORM PLAIN, AVX, vmovlhps xmm0, xmm1, xmm2
        FORM PLAIN, AVX, vpbroadcastb ymm0, xmm1
        FORM PLAIN, AVX, vpbroadcastw ymm0, word ptr [rsi]
        FORM PLAIN, AVX, vpbroadcastd xmm0, xmm1
        FORM PLAIN, AVX, vpbroadcastq ymm0, qword ptr [rsi]
        FORM PLAIN, AVX, vbroadcastss ymm0, dword ptr [rsi]
        FORM PLAIN, AVX, vbroadcastf128 ymm0, xmmword ptr [rsi]
        FORM PLAIN, AVX, vextracti128 xmm0, ymm1, 1
        FORM PLAIN, AVX, vextracti128 xmmword ptr [rsi], ymm1, 1
        FORM PLAIN, AVX, vinserti128 ymm0, ymm1, xmm2, 1
        FORM PLAIN, AVX, vinserti128 ymm0, ymm0, xmmword ptr [rsi], 0
        FORM PLAIN, AVX, vperm2i128 ymm0, ymm1, ymm2, 0x21
        FORM PLAIN, AVX, vperm2i128 ymm0, ymm1, ymm2, 0x81
        FORM PLAIN, AVX, vpermq ymm0, ymm1, 0x1b
        FORM PLAIN, AVX, vpermd ymm0, ymm1, ymm2
        FORM PLAIN, AVX, vpermilps ymm0, ymm1, 0x1b
        FORM PLAIN, AVX, vpshufd ymm0, ymm1, 0x4e
        FORM PLAIN, AVX, vpblendd ymm0, ymm1, ymm2, 0xa5
        FORM PLAIN, AVX, vpblendvb ymm0, ymm1, ymm2, ymm0
        FORM PLAIN, AVX, vpalignr ymm0, ymm1, ymm2, 5
        FORM PLAIN, AVX, vpslldq ymm0, ymm1, 3
        FORM PLAIN, AVX, vpsllw ymm0, ymm1, 8
        FORM PLAIN, AVX, vpsrlq ymm0, ymm1, xmm2
        FORM PLAIN, AVX, vpmovmskb eax, ymm0
        FORM PLAIN, AVX, vpmovzxbw ymm0, xmm1
        FORM PLAIN, AVX, vpmovsxwd ymm0, xmmword ptr [rsi]
        FORM PLAIN, AVX, vptest ymm0, ymm1
        FORM PLAIN, AVX, vcvtps2pd ymm0, xmm1
        FORM PLAIN, AVX, vcvtpd2ps xmm0, ymm1
        FORM PLAIN, AVX, vcvtdq2ps ymm0, ymmword ptr [rsi]
        FORM PLAIN, AVX, vcmpltps ymm0, ymm1, ymm2
        FORM PLAIN, AVX, vfmadd213ps ymm0, ymm1, ymm2
        FORM PLAIN, AVX, vfmadd231sd xmm0, xmm1, qword ptr [rsi]
        FORM PLAIN, AVX, vaesenc xmm0, xmm1, xmm2
        FORM PLAIN, AVX, vpinsrd xmm0, xmm1, eax, 2
        FORM PLAIN, AVX, vpextrd eax, xmm1, 2
        FORM PLAIN, AVX, vzeroupper
        FORM PLAIN, AVX, vzeroall

// --- States --------------------------------------------------------------------------------------

        FORM SAVE_AREA, SYSTEM, fxsave [rsi]
        FORM SAVE_AREA, SYSTEM, fxsave64 [rsi]
        FORM RESTORE_AREA, SYSTEM, fxrstor [rsi]
        FORM RESTORE_AREA, SYSTEM, fxrstor64 [rsi]
        FORM PLAIN, SYSTEM, stmxcsr dword ptr [rsi]
        FORM PLAIN, SYSTEM, nop
        FORM PLAIN, SYSTEM, nop dword ptr [rsi]
        FORM PLAIN, SYSTEM, endbr64
        FORM PLAIN, SYSTEM, pause
        FORM PLAIN, SYSTEM, lfence
        FORM PLAIN, SYSTEM, mfence
        FORM PLAIN, SYSTEM, sfence
        FORM PLAIN, SYSTEM, prefetcht0 [rsi]
        FORM PLAIN, SYSTEM, prefetchw [rsi]
        FORM PLAIN, SYSTEM, clflush [rsi]

        .section .data.rel.ro.oracle_forms, "aw"
        .globl  oracle_forms_end
oracle_forms_end:

// --- Into a form and back ------------------------------------------------------------------------

        .bss
        .balign 8
saved_stack:    .skip 8
saved_state:    .skip 8
saved_code:     .skip 8
saved_r15:      .skip 8

// void oracle_run(OracleState* state, const void* code)
        .text
        .globl  oracle_run
oracle_run:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     saved_stack[rip], rsp
        mov     saved_state[rip], rdi
        mov     saved_code[rip], rsi
        mov     r15, rdi
        mov     eax, 7
        xor     edx, edx
        xrstor64 [r15 + 192]
        push    qword ptr [r15 + 128]
        popfq
        mov     rax, [r15]
        mov     rbx, [r15 + 8]
        mov     rcx, [r15 + 16]
        mov     rdx, [r15 + 24]
        mov     rsi, [r15 + 32]
        mov     rdi, [r15 + 40]
        mov     rbp, [r15 + 48]
        mov     rsp, [r15 + 56]
        mov     r8, [r15 + 64]
        mov     r9, [r15 + 72]
        mov     r10, [r15 + 80]
        mov     r11, [r15 + 88]
        mov     r12, [r15 + 96]
        mov     r13, [r15 + 104]
        mov     r14, [r15 + 112]
        jmp     saved_code[rip]

oracle_exit:
        mov     saved_r15[rip], r15
        mov     r15, saved_state[rip]
        mov     [r15], rax
        mov     [r15 + 8], rbx
        mov     [r15 + 16], rcx
        mov     [r15 + 24], rdx
        mov     [r15 + 32], rsi
        mov     [r15 + 40], rdi
        mov     [r15 + 48], rbp
        mov     [r15 + 56], rsp
        mov     [r15 + 64], r8
        mov     [r15 + 72], r9
        mov     [r15 + 80], r10
        mov     [r15 + 88], r11
        mov     [r15 + 96], r12
        mov     [r15 + 104], r13
        mov     [r15 + 112], r14
        mov     rsp, saved_stack[rip]
        pushfq
        pop     qword ptr [r15 + 128]
        mov     eax, 7
        xor     edx, edx
        xsave64 [r15 + 192]
        fninit
        vzeroupper
        cld
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

        .section .note.GNU-stack, "", @progbits
