/* build: -ldl */
/* The library is closed before the program looks at the file itself; dlmopen loads it again. */
#include "use_library.h"
int main(void) {
  char magic[4];
  use("./libanswer.so", "answer");
  CHECK(dlmopen(LM_ID_NEWLM, "./libanswer.so", RTLD_NOW) != NULL);
  const int fd = open("./other.so", O_RDONLY);
  CHECK(fd >= 0 && read(fd, magic, 4) == 4 && close(fd) == 0);
  return 0;
}
