#include "check.h"
int main(void) {
  extern int answer(void) __attribute__((weak));
  CHECK(answer != NULL && answer() == 42);
  return 0;
}
