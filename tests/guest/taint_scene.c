// taint_scene: does with labelled bytes what programs do, and says what the labels must be then.
// Each case stands alone. Prints the number of expectations.
#define _GNU_SOURCE
#include <emmintrin.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "taint_guest.h"

static int* expected;  // shared with children
#define EXPECT(name, at, size, labels)                 \
  do {                                                 \
    __atomic_add_fetch(expected, 1, __ATOMIC_SEQ_CST); \
    taint_expect(name, at, size, labels);              \
  } while (0)
#define MUST(call)                                                                    \
  ({                                                                                  \
    long r_ = (long)(call);                                                           \
    if (r_ < 0) {                                                                     \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, strerror(errno)); \
      exit(1);                                                                        \
    }                                                                                 \
    r_;                                                                               \
  })

enum { kPage = 4096 };
static unsigned char source[4 * kPage], target[4 * kPage];

static void fill(unsigned char* at, size_t size) {
  for (size_t i = 0; i < size; i++) at[i] = (unsigned char)(i * 7 + 1);
}
static void fresh(size_t size, uint32_t first) {
  fill(source, sizeof source);
  memset(target, 0, sizeof target);
  taint_label(source, size, first, 1);
}
static unsigned char* pages(size_t count, int flags) {
  void* at = mmap(NULL, count * kPage, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) exit(1);
  return at;
}

static void case_memcpy(void) {
  fresh(100, 0);
  EXPECT("label", source, 102, "0..99 -*2");
  memcpy(target + 3, source, 100);
  EXPECT("memcpy", target, 106, "-*3 0..99 -*3");
  memmove(target + 1, target + 3, 100);
  EXPECT("memmove", target, 104, "- 0..99 98..99 -");
  memset(target + 10, 0, 20);
  EXPECT("memset", target, 104, "- 0..8 -*20 29..99 98..99 -");
  memcpy(target, source + 200, 104);
  EXPECT("overwritten", target, 104, "-*104");
}

static void case_pipe(void) {
  fresh(100, 0);
  int ends[2];
  MUST(pipe(ends));
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    static unsigned char got[120];
    memset(got, 0, sizeof got);
    if (MUST(read(ends[0], got, 100)) != 100) exit(1);
    EXPECT("pipe", got, 102, "0..99 -*2");
    _exit(0);
  }
  MUST(write(ends[1], source, 100));
  MUST(waitpid(child, NULL, 0));
  struct iovec parts[2] = {{source + 50, 10}, {source, 10}};
  MUST(writev(ends[1], parts, 2));
  MUST(read(ends[0], target, 20));
  EXPECT("writev", target, 21, "50..59 0..9 -");
  close(ends[0]);
  close(ends[1]);
}

static void case_xor(void) {
  fresh(16, 0);
  taint_label(source + 16, 16, 100, 1);
  for (volatile int i = 0; i < 4; i++) target[i] = source[i] ^ source[16 + i];
  EXPECT("xor", target, 5, "{0,100} {1,101} {2,102} {3,103} -");
  for (volatile int i = 0; i < 4; i++) target[i] = source[i] ^ 0x55;
  EXPECT("xor_constant", target, 4, "0..3");
  uint64_t word;
  memcpy(&word, source, 8);
  __asm__ volatile("xor %0, %0" : "+r"(word)::"cc");
  memcpy(target, &word, 8);
  EXPECT("xor_itself", target, 8, "-*8");
  memcpy(&word, source, 8);
  __asm__ volatile("and $0xff00, %k0" : "+r"(word)::"cc");
  memcpy(target, &word, 8);
  EXPECT("and_constant", target, 8, "- 1 -*6");
}

static void case_sums(void) {
  static const char kText[] = "Hello world";
  memcpy(source, kText, sizeof kText);
  taint_label(source, 11, 0, 1);
  int sum = 0;
  for (volatile int i = 0; i < 11; i += 2) sum += source[i];
  EXPECT("every_second_byte", &sum, 4, "{0,2,4,6,8,10}*4");
  uint32_t a = 1, b = 2, c = 3;
  taint_label(&a, 4, 10, 0);
  taint_label(&b, 4, 20, 0);
  taint_label(&c, 4, 30, 0);
  __asm__ volatile("add %0, %1\n\tadd %1, %2" : "+r"(a), "+r"(b), "+r"(c)::"cc");
  EXPECT("eax", &a, 4, "10*4");
  EXPECT("ebx", &b, 4, "{10,20}*4");
  EXPECT("ecx", &c, 4, "{10,20,30}*4");
  uint64_t product = 0;
  memcpy(&product, source, 2);
  product *= 12345;
  memcpy(target, &product, 8);
  EXPECT("product", target, 8, "0 {0-1}*7");
  taint_label(&product, 8, 0, 1);
  product = __builtin_bswap64(product);
  __asm__ volatile("" : "+r"(product));
  memcpy(target, &product, 8);
  EXPECT("bswap", target, 8, "7 6 5 4 3 2 1 0");
}

static void case_registers(void) {
  uint64_t out = 0x1122334455667788;
  __asm__ volatile(
      "mov $0x46505452, %%eax\n\t"
      "mov $18, %%ecx\n\t"
      "mov $6, %%ebx\n\t"  // rbp
      "mov $8, %%edx\n\t"
      "mov $40, %%esi\n\t"
      "mov $1, %%edi\n\t"
      "push %%rbp\n\t"
      "mov %0, %%r8\n\t"
      "cpuid\n\t"
      "mov %%rbp, (%%r8)\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%rbp, 8(%%r8)\n\t"
      "pop %%rbp\n\t"
      :
      : "r"(target)
      : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "memory", "cc");
  EXPECT("register", target, 16, "40..47 -*8");
  (void)out;
}

static void case_strings(void) {
  memset(target, 0, sizeof target);
  strcpy((char*)source, "the quick brown fox");
  taint_label(source, 20, 0, 1);
  strcpy((char*)target, (char*)source);
  EXPECT("strcpy", target, 21, "0..19 -");
  strcat((char*)target, (char*)source + 4);
  EXPECT("strcat", target, 36, "0..18 4..19 -");
  char* copy = strdup((char*)source);
  EXPECT("strdup", copy, 20, "0..19");
  free(copy);
  memset(target, 0, 64);
  strncpy((char*)target, (char*)source, 10);
  EXPECT("strncpy", target, 12, "0..9 -*2");
  snprintf((char*)target, 64, "<%.40s>", (char*)source);
  EXPECT("snprintf", target, 20, "- 0..18");
  char* end = stpcpy((char*)target, (char*)source + 16);
  EXPECT("stpcpy", target, 4, "16..19");
  (void)end;
}

static void case_sse(void) {
  fresh(64, 0);
  _mm_storeu_si128((__m128i*)(target + 1), _mm_loadu_si128((const __m128i*)(source + 3)));
  EXPECT("movdqu", target, 18, "- 3..18 -");
  const __m128i a = _mm_loadu_si128((const __m128i*)source),
                b = _mm_loadu_si128((const __m128i*)(source + 16));
  _mm_storeu_si128((__m128i*)target, _mm_unpacklo_epi32(a, b));
  EXPECT("punpckldq", target, 16, "0..3 16..19 4..7 20..23");
  _mm_storeu_si128((__m128i*)target, _mm_shuffle_epi32(a, 0x1b));
  EXPECT("pshufd", target, 16, "12..15 8..11 4..7 0..3");
  _mm_storeu_si128((__m128i*)target, _mm_xor_si128(a, b));
  EXPECT("pxor", target, 2, "{0,16} {1,17}");
  _mm_storeu_si128((__m128i*)target, _mm_slli_si128(a, 3));
  EXPECT("pslldq", target, 16, "-*3 0..12");
}

static volatile int signals;
static void on_alarm(int number) {
  // Labels of its own in as many registers as memcpy takes.
  static unsigned char from[256], to[256];
  (void)number;
  taint_label(from, sizeof from, 5000, 1);
  memcpy(to, from, sizeof to);
  memset(to, 0, sizeof to);
  signals++;
}
static void copy_slowly(unsigned char* to, const unsigned char* from, size_t size) {
  uint64_t a, b;
  for (size_t i = 0; i + 16 <= size; i += 16) {
    memcpy(&a, from + i, 8);
    memcpy(&b, from + i + 8, 8);
    for (int wait = 0; wait < 200; wait++) __asm__ volatile("" : "+r"(a), "+r"(b));
    memcpy(to + i, &a, 8);
    memcpy(to + i + 8, &b, 8);
  }
}
static void case_signals(void) {
  fresh(4096, 0);
  signal(SIGALRM, on_alarm);
  const struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
  MUST(setitimer(ITIMER_REAL, &often, NULL));
  for (int i = 0; i < 8; i++) copy_slowly(target, source, 4096);
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  EXPECT("signals", target, 4097, "0..4095 -");
  printf("%d signals\n", signals);
}

static void case_faults(void) {
  fresh(2 * kPage, 0);
  // Fresh memory: each page faults in the middle of a copy.
  unsigned char* to = pages(5, MAP_PRIVATE);
  memcpy(to + 100, source, 2 * kPage);
  EXPECT("demand_zero", to + 98, 2 * kPage + 4, "-*2 0..8191 -*2");
  unsigned char* odd = pages(3, MAP_PRIVATE);
  // An access that crosses from a page that is there to one that is not.
  odd[0] = 1;
  for (size_t i = kPage - 4; i < kPage - 3; i++) {
    uint64_t word;
    memcpy(&word, source, 8);
    memcpy(odd + i, &word, 8);
  }
  EXPECT("crossing", odd + kPage - 5, 10, "- 0..7 -");
  // Copy on write: add to memory faults between its load and its store.
  unsigned char* shared = pages(1, MAP_PRIVATE);
  memset(shared, 1, kPage);
  taint_label(shared, 16, 300, 1);
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    uint64_t one = 1;
    taint_label(&one, 8, 400, 0);
    __asm__ volatile("xorq %1, %0" : "+m"(*(uint64_t*)shared) : "r"(one) : "cc");
    EXPECT(
        "cow_child", shared, 18,
        "{300,400} {301,400} {302,400} {303,400} {304,400} {305,400} {306,400} {307,400} 308..315 "
        "-*2");
    _exit(0);
  }
  MUST(waitpid(child, NULL, 0));
  EXPECT("cow_parent", shared, 17, "300..315 -");
  shared[0] = 0;
  EXPECT("cow_parent_wrote", shared, 17, "- 301..315 -");
}

// Two processes that hold labels in all kinds of registers while the other one runs.
static void hold(unsigned first, volatile int* turn, int me, unsigned char* out) {
  unsigned char from[64];
  fill(from, sizeof from);
  taint_label(from, sizeof from, first, 1);
  register uint64_t r12 __asm__("r12"), r13 __asm__("r13");
  memcpy(target, from, 64);
  __asm__ volatile("movdqu (%2), %%xmm7\n\tmov 16(%2), %0\n\tmov 24(%2), %1\n\tfldt 32(%2)"
                   : "=&r"(r12), "=&r"(r13)
                   : "r"(from)
                   : "xmm7", "memory");
  // Without a call: nobody but the kernel saves what is in the registers.
  for (int round = 0; round < 20; round++) {
    while (*turn != me) {
      long result;
      __asm__ volatile("syscall"
                       : "=a"(result)
                       : "a"(24L)
                       : "rcx", "r11", "memory");  // sched_yield
    }
    *turn = !me;
  }
  __asm__ volatile("movdqu %%xmm7, (%2)\n\tmov %0, 16(%2)\n\tmov %1, 24(%2)\n\tfstpt 32(%2)"
                   :
                   : "r"(r12), "r"(r13), "r"(out)
                   : "memory");
}
static void case_switches(void) {
  volatile int* turn = (volatile int*)pages(1, MAP_SHARED);
  *turn = 0;
  const pid_t child = (pid_t)MUST(fork());
  static unsigned char out[64];
  memset(out, 0, sizeof out);
  hold(child == 0 ? 1000 : 0, turn, child == 0, out);
  if (child == 0) {
    EXPECT("switches_child", out, 43, "1000..1041 -");
    _exit(0);
  }
  EXPECT("switches_parent", out, 43, "0..41 -");
  MUST(waitpid(child, NULL, 0));
}

static void case_shared(void) {
  fresh(32, 0);
  unsigned char* shared = pages(1, MAP_SHARED);
  memcpy(shared, source, 16);
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    for (int i = 0; i < 8; i++) {
      const unsigned char a = shared[i];
      shared[i] = shared[15 - i];
      shared[15 - i] = a;
    }
    _exit(0);
  }
  MUST(waitpid(child, NULL, 0));
  EXPECT("shared", shared, 17, "15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 -");
}

static void case_files(void) {
  fresh(200, 0);
  char name[] = "/tmp/taint_scene.XXXXXX";
  const int fd = (int)MUST(mkstemp(name));
  MUST(write(fd, source, 200));
  MUST(pread(fd, target, 50, 100));
  EXPECT("pread", target, 51, "100..149 -");
  const unsigned char* mapped = mmap(NULL, kPage, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) exit(1);
  (void)*(const volatile unsigned char*)mapped;
  EXPECT("mmap", mapped, 201, "0..199 -");
  int ends[2];
  MUST(pipe(ends));
  off_t at = 20;
  MUST(sendfile(ends[1], fd, &at, 10));
  MUST(read(ends[0], target, 10));
  EXPECT("sendfile", target, 11, "20..29 110");
  close(fd);
  unlink(name);
}

static void case_instructions(void) {
  fresh(64, 0);
  unsigned char *to = target, *from = source;
  size_t count = 20;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
  EXPECT("movsb", target, 21, "0..19 -");
  to = target, count = 3;
  __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(0L) : "memory");
  EXPECT("stosq", target, 24, "-*24");
  uint64_t word;
  memcpy(&word, source, 8);
  __asm__ volatile("push %1\n\tpop %0" : "=m"(*(uint64_t*)target) : "r"(word) : "memory");
  EXPECT("push_pop", target, 8, "0..7");
  __asm__ volatile("xchg %0, %1" : "+m"(*(uint64_t*)(source + 8)), "+r"(word)::"memory");
  EXPECT("xchg", source + 7, 10, "7 0..7 16");
  unsigned char low;
  __asm__ volatile("mov %h1, %0" : "=r"(low) : "Q"((uint32_t)word));
  target[0] = low;
  EXPECT("high_byte", target, 1, "9");
  __asm__ volatile("shl $16, %0" : "+r"(word)::"cc");
  memcpy(target, &word, 8);
  EXPECT("shl", target, 8, "-*2 8..13");
  uint64_t save[64] __attribute__((aligned(64)));
  memset(save, 0, sizeof save);
  __asm__ volatile("movdqu (%1), %%xmm3\n\tfxsave (%0)\n\tpxor %%xmm3, %%xmm3\n\t" ::"r"(save),
                   "r"(source + 16)
                   : "xmm3", "memory");
  EXPECT("fxsave", (unsigned char*)save + 160 + 48, 17, "16..31 -");
  __asm__ volatile("fxrstor (%0)\n\tmovdqu %%xmm3, (%1)" ::"r"(save), "r"(target)
                   : "xmm3", "memory");
  EXPECT("fxrstor", target, 17, "16..31 -");
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kCases[] = {{"memcpy", case_memcpy},
                {"pipe", case_pipe},
                {"xor", case_xor},
                {"sums", case_sums},
                {"registers", case_registers},
                {"strings", case_strings},
                {"sse", case_sse},
                {"signals", case_signals},
                {"faults", case_faults},
                {"switches", case_switches},
                {"shared", case_shared},
                {"files", case_files},
                {"instructions", case_instructions}};
  setvbuf(stdout, NULL, _IOLBF, 0);
  expected = (int*)pages(1, MAP_SHARED);
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; i++)
    if (argc < 2 || strcmp(argv[1], kCases[i].name) == 0) kCases[i].run();
  printf("%d expectations\n", *expected);
  return 0;
}
