#include "check.h"
int main(void) {
  kill(getpid(), SIGKILL);
  return 1;
}
