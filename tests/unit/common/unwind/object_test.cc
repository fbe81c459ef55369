#include "common/unwind/object.h"

#include <gtest/gtest.h>

#include "tests/support/fake_task.h"
#include "tests/unit/common/unwind/object_image.h"

namespace fptrace::unwind {
namespace {

using testing::ObjectImage;

class ReadObject : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr uint64_t kBase = 0x7000000;

  std::shared_ptr<const Object> read(const std::string& bytes) {
    fptrace::testing::FakeTask task(fs_);
    task.put_at(kBase, bytes);
    return Object::read(task, kBase, std::string_view(bytes).substr(0, Object::kHeaderSize));
  }
  fptrace::testing::FakeFileSystem fs_;
};

INSTANTIATE_TEST_SUITE_P(, ReadObject, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "I386" : "X86_64"; });

TEST_P(ReadObject, NamesItsSlots) {
  ObjectImage image(GetParam(), "libx.so.1", {"getpid", "fopen64"});
  const auto object = read(image.bytes());
  ASSERT_TRUE(object);
  EXPECT_EQ(object->soname(), "libx.so.1");
  EXPECT_FALSE(object->c_library());
  EXPECT_TRUE(object->names_opener());
  EXPECT_EQ(object->bias(kBase), kBase);
  ASSERT_TRUE(object->slot(image.slot(0)));
  EXPECT_FALSE(object->slot(image.slot(0))->opens);
  ASSERT_TRUE(object->slot(image.slot(1)));
  EXPECT_TRUE(object->slot(image.slot(1))->opens);
  EXPECT_FALSE(object->slot(image.slot(0) + 1));
}

TEST_P(ReadObject, KnowsWhetherItIsAnOpenerForOthers) {
  ObjectImage image(GetParam(), "libx.so.1", {"getpid", "fopen64"});
  EXPECT_FALSE(read(image.bytes())->exports_opener());
  image.define(0);
  EXPECT_FALSE(read(image.bytes())->exports_opener());
  image.define(1);
  EXPECT_TRUE(read(image.bytes())->exports_opener());
}

TEST_P(ReadObject, WithoutAnOpenerNamesNone) {
  EXPECT_FALSE(read(ObjectImage(GetParam(), "", {"getpid"}).bytes())->names_opener());
}

// The loader writes absolute addresses over the pointers of the dynamic section.
TEST_P(ReadObject, PointersThatTheLoaderHasRelocated) {
  ObjectImage image(GetParam(), "libx.so.1", {"open"});
  const bool i386 = GetParam();
  for (size_t i = 0; i < 8; ++i) {
    const uint64_t at = 0x200 + i * (i386 ? 8 : 16);
    if (i == 1 || i == 3 || i >= 6) continue;  // sizes and offsets
    if (i386) {
      image.put(at + 4, uint32_t(kBase + *reinterpret_cast<uint32_t*>(&image.bytes()[at + 4])));
    } else {
      image.put(at + 8, kBase + *reinterpret_cast<uint64_t*>(&image.bytes()[at + 8]));
    }
  }
  const auto object = read(image.bytes());
  ASSERT_TRUE(object);
  EXPECT_EQ(object->soname(), "libx.so.1");
  EXPECT_TRUE(object->slot(image.slot(0)));
  EXPECT_EQ(object->plt_got(), ObjectImage::kSlots);
}

TEST_P(ReadObject, CutShortAnywhere) {
  const std::string bytes = ObjectImage(GetParam(), "libx.so.1", {"open", "close"}).bytes();
  for (size_t size = 0; size < 0x900; size += 3) {
    const auto object = read(bytes.substr(0, size));
    if (object && size < 0x800) { EXPECT_EQ(object->soname(), "") << size; }
  }
}

TEST_P(ReadObject, EveryByteDamaged) {
  const std::string bytes = ObjectImage(GetParam(), "libx.so.1", {"open", "close"}).bytes();
  int objects = 0;
  for (size_t at = 0; at < 0x880; ++at) {
    std::string damaged = bytes;
    damaged[at] = char(~damaged[at]);
    if (read(damaged)) ++objects;
  }
  EXPECT_GT(objects, 0x700) << "most bytes do not decide whether it is an object at all";
}

TEST_P(ReadObject, OtherFilesAreNone) {
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(std::string(5000, 'x')));
  ObjectImage other(GetParam(), "", {});
  other.put(offsetof(Elf64_Ehdr, e_machine), uint16_t{EM_AARCH64});
  EXPECT_FALSE(read(other.bytes()));
}

}  // namespace
}  // namespace fptrace::unwind
