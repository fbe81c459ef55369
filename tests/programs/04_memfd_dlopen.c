/* build: -ldl */
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "check.h"
int main(void) {
  char name[64];
  struct stat st;
  const int in = open("libanswer.so", O_RDONLY | O_CLOEXEC);
  const int memory = memfd_create("library", MFD_CLOEXEC);
  CHECK(in >= 0 && memory >= 0 && fstat(in, &st) == 0);
  CHECK(sendfile(memory, in, NULL, (size_t)st.st_size) == st.st_size);
  snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
  void* library = dlopen(name, RTLD_NOW);
  CHECK(library != NULL);
  int (*answer)(void) = (int (*)(void))dlsym(library, "answer");
  CHECK(answer != NULL && answer() == 42);
  return 0;
}
