#include "check.h"
int main(void) {
  setenv("PATH", "first:second::third", 1);
  execlp("tool", "tool", (char*)NULL);
  return 1;
}
