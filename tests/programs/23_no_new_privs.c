#include "check.h"
int main(void) {
  execl("./tool", "tool", (char*)NULL);
  return 1;
}
