// taint_file FILE PROGRAM...: labels the bytes of FILE, where the kernel caches them, with their
// offsets, then executes PROGRAM.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "taint_guest.h"

int main(int argc, char** argv) {
  struct stat st;
  const int fd = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) return perror("taint_file"), 125;
  const size_t size = (size_t)st.st_size;
  volatile const char* bytes = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (bytes == MAP_FAILED) return perror("taint_file"), 125;
  for (size_t at = 0; at < size; at += 4096) (void)bytes[at];
  taint_label((const void*)bytes, size, 0, 1);
  execvp(argv[2], argv + 2);
  return perror(argv[2]), 127;
}
