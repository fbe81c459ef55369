#include "fingerprint/closure/script_line.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TEST(EnvProgram, IsTheFirstWordThatIsNeitherOptionNorAssignment) {
  EXPECT_EQ(env_program("#!/usr/bin/env python3\nimport os\n"), "python3");
  EXPECT_EQ(env_program("#! /bin/env\tsh"), "sh");
  EXPECT_EQ(env_program("#!/usr/bin/env -S A=1 B=2 node --flag\n"), "node");
  EXPECT_EQ(env_program("#!/usr/bin/env -Sperl -w\n"), "perl");
  EXPECT_EQ(env_program("#!/usr/bin/env -S -i ruby\n"), "ruby");
}

TEST(EnvProgram, OtherLinesHaveNone) {
  for (const char* head : {"", "#!", "#!/bin/sh env x\n", "#!/usr/bin/env\n", "#!/usr/bin/env -S\n",
                           "#!/usr/bin/myenv x\n", "\177ELF"}) {
    EXPECT_EQ(env_program(head), std::nullopt) << head;
  }
}

}  // namespace
}  // namespace fptrace
