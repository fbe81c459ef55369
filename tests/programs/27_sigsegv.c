#include "check.h"
int main(void) {
  *(volatile int*)8 = 1;
  return 1;
}
