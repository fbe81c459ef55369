#include "uring.h"
int main(void) {
  struct statx stx;
  struct io_uring_sqe sqe;
  memset(&sqe, 0, sizeof sqe);
  memset(&stx, 0, sizeof stx);
  sqe.opcode = IORING_OP_STATX;
  sqe.fd = AT_FDCWD;
  sqe.addr = (uintptr_t) "x";
  sqe.len = STATX_SIZE;
  sqe.off = (uintptr_t)&stx;
  CHECK(uring_once(&sqe) == 0 && stx.stx_size == 7);
  return 0;
}
