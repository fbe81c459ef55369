#include "pass_fd.h"
int main(void) {
  struct sockaddr_un address;
  socklen_t size;
  const int client = socket(AF_UNIX, SOCK_STREAM, 0);
  unix_address(&address, &size, "sock");
  CHECK(client >= 0 && connect(client, (struct sockaddr*)&address, size) == 0);
  expect_fd(receive_fd(client), "handed over");
  return 0;
}
