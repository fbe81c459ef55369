#pragma once
#include <linux/io_uring.h>
#include <sys/mman.h>

#include "check.h"

/* One ring of one entry: submits `sqe`, waits, returns the result. */
static inline int uring_once(const struct io_uring_sqe* sqe) {
  struct io_uring_params params;
  memset(&params, 0, sizeof params);
  const int ring = (int)syscall(SYS_io_uring_setup, 1, &params);
  if (ring < 0) SKIP("no io_uring here: %s", strerror(errno));
  const size_t sq_size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  const size_t cq_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  char* sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  char* cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  struct io_uring_sqe* sqes =
      mmap(NULL, sizeof *sqe, PROT_READ | PROT_WRITE, MAP_SHARED, ring, (off_t)IORING_OFF_SQES);
  CHECK(sq != MAP_FAILED && cq != MAP_FAILED && sqes != MAP_FAILED);
  sqes[0] = *sqe;
  ((unsigned*)(sq + params.sq_off.array))[0] = 0;
  __atomic_store_n((unsigned*)(sq + params.sq_off.tail), 1u, __ATOMIC_RELEASE);
  CHECK(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
  const struct io_uring_cqe* done = (const struct io_uring_cqe*)(cq + params.cq_off.cqes);
  const int result = done->res;
  if (result == -EINVAL) SKIP("this kernel's io_uring lacks operation %d", sqe->opcode);
  CHECK(close(ring) == 0);
  return result;
}
