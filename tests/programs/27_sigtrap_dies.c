#include "check.h"
int main(void) {
  raise(SIGTRAP);
  return 1;
}
