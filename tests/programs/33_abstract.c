#include "unix_client.h"
int main(int argc, char** argv) {
  CHECK(argc == 2);
  hear(unix_connect(argv[1]));
  return 0;
}
