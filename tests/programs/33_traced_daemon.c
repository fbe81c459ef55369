/* Server and client are both traced: nothing is hidden. */
#include "unix_client.h"
int main(void) {
  struct sockaddr_un address;
  socklen_t size;
  const int server = socket(AF_UNIX, SOCK_STREAM, 0);
  unix_address(&address, &size, "sock");
  CHECK(bind(server, (struct sockaddr*)&address, size) == 0 && listen(server, 1) == 0);
  const pid_t child = fork();
  if (child == 0) {
    hear(unix_connect("sock"));
    _exit(0);
  }
  const int client = accept(server, NULL, NULL);
  CHECK(client >= 0);
  tell(client);
  CHECK(exit_code_of(child) == 0);
  CHECK(unlink("sock") == 0);
  return 0;
}
