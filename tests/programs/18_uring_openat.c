#include "uring.h"
int main(void) {
  struct io_uring_sqe sqe;
  memset(&sqe, 0, sizeof sqe);
  sqe.opcode = IORING_OP_OPENAT;
  sqe.fd = AT_FDCWD;
  sqe.addr = (uintptr_t) "x";
  sqe.open_flags = O_RDONLY;
  expect_fd(uring_once(&sqe), "content");
  return 0;
}
