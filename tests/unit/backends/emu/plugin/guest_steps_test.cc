#include "backends/emu/plugin/guest_steps.h"

#include <gtest/gtest.h>

namespace fptrace::emu {
namespace {

TEST(GuestSteps, AnAccessIsAStepOfAsManyWords) {
  taint::Access access{};
  access.size = 16;
  uint64_t words[WordQueue::kMostAtOnce];
  const uint64_t* const end = taint::write_access(words, access);
  EXPECT_EQ(step_of(words[0]), GuestStep::kAccess);
  EXPECT_EQ(size_t(end - words), words_of_step(words));
  static_assert(AccessWords::kMost <= WordQueue::kMostAtOnce);
}

TEST(GuestSteps, APlaceIsReadAsItWasWritten) {
  const CodeBlock block;
  for (const uint32_t index : {0u, 1u, 511u}) {
    uint64_t words[2];
    write_step(words, GuestStep::kElsewhere, CodePlace(block, index).bits(), 77);
    EXPECT_EQ(step_of(words[0]), GuestStep::kElsewhere);
    EXPECT_EQ(&place_of(words[0]).block(), &block);
    EXPECT_EQ(place_of(words[0]).index(), index);
    EXPECT_EQ(words[1], 77u);
    EXPECT_EQ(words_of_step(words), 2u);
  }
}

}  // namespace
}  // namespace fptrace::emu
