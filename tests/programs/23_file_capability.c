#include <grp.h>
#include <linux/capability.h>
#include <sys/xattr.h>

#include "check.h"
int main(void) {
  struct vfs_cap_data caps;
  memset(&caps, 0, sizeof caps);
  caps.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  caps.data[0].permitted = 1u << CAP_NET_RAW;
  if (setxattr("tool", "security.capability", &caps, sizeof caps, 0) != 0) {
    SKIP("no file capabilities here: %s", strerror(errno));
  }
  CHECK(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0);
  CHECK(setresuid(65534, 65534, 65534) == 0);
  execl("./tool", "tool", (char*)NULL);
  return 1;
}
