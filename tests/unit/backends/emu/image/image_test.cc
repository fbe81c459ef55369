#include "backends/emu/image/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fptrace::emu {
namespace {

using ::testing::HasSubstr;

Image sample() {
  Image i;
  i.name = "a";
  i.recipe = "0123456789ab";
  i.kernel_release = "6.1.0";
  i.kernel_origin = "linux-image-6.1.0 6.1.1";
  i.qemu = "10.0.2";
  i.state = std::string(64, 'e');
  i.has_btf = true;
  return i;
}

TEST(Image, DescriptionComesBackAsItWas) {
  const auto again = parse_image(to_json(sample()));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(to_json(*again), to_json(sample()));
}

TEST(Image, OfAnotherFormatHasItsNameAlone) {
  const auto old = parse_image(R"({"format": 1, "name": "mine", "state": "aa"})");
  ASSERT_TRUE(old) << old.error().what;
  EXPECT_EQ(old->name, "mine");
  EXPECT_EQ(old->state + old->recipe, "");
}

TEST(Image, DamagedDescriptionIsAnError) {
  for (const char* text : {"", "[]", "{}", "{\"format\":1}", "{\"format\":\"x\"}", "nonsense"})
    EXPECT_FALSE(parse_image(text)) << text;
  std::string odd = to_json(sample());
  odd.replace(odd.find("1024"), 4, "9999999");
  EXPECT_FALSE(parse_image(odd));
}

// With a cache of its own.
class Store : public ::testing::Test {
 protected:
  Store() {
    char name[] = "/tmp/image_store_XXXXXX";
    directory_ = ::mkdtemp(name);
    ::setenv("XDG_CACHE_HOME", directory_.c_str(), 1);
  }
  ~Store() override {
    ::unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(directory_);
  }
  void add(const Image& image, const std::string& directory) {
    const std::string path = *image_store() + "/" + directory;
    std::filesystem::create_directories(path);
    std::ofstream(path + "/image.json") << to_json(image);
  }
  std::string directory_;
};

TEST_F(Store, ListsWhatIsThereAndPassesOverWhatIsNone) {
  ASSERT_TRUE(list_images());
  EXPECT_TRUE(list_images()->empty());
  add(sample(), "a-1");
  add(sample(), ".fptrace-emu-unfinished");
  std::filesystem::create_directories(*image_store() + "/empty");
  const auto images = list_images();
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 1u);
  EXPECT_EQ(images->front().directory, *image_store() + "/a-1");
}

TEST_F(Store, FindsTheOneARecordingNeedsOrSaysWhatToDo) {
  add(sample(), "a-1");
  EXPECT_TRUE(image_with_state(sample().state));
  const auto other = image_with_state(std::string(64, 'f'));
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().what, HasSubstr("record the program again"));
}

TEST_F(Store, AnImageOfAnotherVersionIsNotUsed) {
  add(sample(), "a-1");
  const auto image = image_for("a", Qemu{"/q", {10, 0, 2, ""}}, nullptr);
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error().what, HasSubstr("built by another version of fptrace or QEMU"));
  const auto none = image_for("b", Qemu{"/q", {10, 0, 2, ""}}, nullptr);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().what, HasSubstr("there is no image b"));
}

TEST_F(Store, RemovesAllOfAName) {
  add(sample(), "a-1");
  add(sample(), "a-2");
  EXPECT_TRUE(remove_image("a"));
  EXPECT_TRUE(list_images()->empty());
  EXPECT_FALSE(remove_image("a"));
}

TEST_F(Store, NamesThatAreNoneAreRefusedBeforeAnythingIsDone) {
  BuildOptions options;
  for (const char* name : {"", ".", "../x", "a/b", "-x"}) {
    options.name = name;
    const auto built = build_image(options, Qemu{"/q", {10, 0, 2, ""}});
    ASSERT_FALSE(built) << name;
    EXPECT_EQ(built.error().code, Errc::kParse) << name;
  }
}

}  // namespace
}  // namespace fptrace::emu
