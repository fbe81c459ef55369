#include "uring.h"
int main(void) {
  struct io_uring_sqe sqe;
  memset(&sqe, 0, sizeof sqe);
  sqe.opcode = IORING_OP_RENAMEAT;
  sqe.fd = AT_FDCWD;
  sqe.addr = (uintptr_t) "x";
  sqe.len = (uint32_t)AT_FDCWD;
  sqe.addr2 = (uintptr_t) "y";
  CHECK(uring_once(&sqe) == 0);
  CHECK(access("y", F_OK) == 0);
  return 0;
}
