#include "check.h"
int main(void) {
  execl("./link", "link", "a b", (char*)NULL);
  return 1;
}
