#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fptrace::test {

// Headers and databases of rpm, made byte by byte.
class RpmHeader {
 public:
  static constexpr uint32_t kInt8 = 2, kInt32 = 4, kString = 6, kStringArray = 8;

  void raw(uint32_t tag, uint32_t type, uint32_t count, const std::string& data) {
    while (type == kInt32 && data_.size() % 4 != 0) data_ += '\0';
    for (const uint32_t v : {tag, type, uint32_t(data_.size()), count}) index_ += be32(v);
    data_ += data;
  }
  void string(uint32_t tag, const std::string& s) { raw(tag, kString, 1, s + '\0'); }
  void strings(uint32_t tag, const std::vector<std::string>& all) {
    std::string data;
    for (const std::string& s : all) data += s + '\0';
    raw(tag, kStringArray, uint32_t(all.size()), data);
  }
  void numbers(uint32_t tag, const std::vector<uint32_t>& all) {
    std::string data;
    for (const uint32_t n : all) data += be32(n);
    raw(tag, kInt32, uint32_t(all.size()), data);
  }
  std::string build() const {
    return be32(uint32_t(index_.size() / 16)) + be32(uint32_t(data_.size())) + index_ + data_;
  }
  static std::string be32(uint32_t v) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += char(v >> shift & 0xff);
    return out;
  }

 private:
  std::string index_, data_;
};

// A package with "/etc/NAME.conf", a configuration file, and "/usr/bin/NAME".
inline std::string rpm_package(const std::string& name, const std::string& arch = "x86_64") {
  RpmHeader h;
  h.string(1000, name);
  h.string(1001, "1.0");
  h.string(1002, "2");
  h.string(1022, arch);
  h.numbers(1037, {1, 0});
  h.numbers(1116, {0, 1});
  h.strings(1117, {name + ".conf", name});
  h.strings(1118, {"/etc/", "/usr/bin/"});
  return h.build();
}

// Packages.db of the ndb backend.
inline std::string ndb_database(const std::vector<std::string>& headers) {
  const auto le32 = [](uint32_t v) {
    std::string out = RpmHeader::be32(v);
    return std::string(out.rbegin(), out.rend());
  };
  std::string slots, blobs;
  constexpr size_t kPage = 4096;
  uint32_t number = 0;
  for (const std::string& h : headers) {
    ++number;
    slots += "Slot" + le32(number) + le32(uint32_t((kPage + blobs.size()) / 16)) + le32(0);
    blobs += "BlbS" + le32(number) + le32(1) + le32(uint32_t(h.size())) + h;
    blobs.resize((blobs.size() + 12 + 15) / 16 * 16);
  }
  while (32 + slots.size() < kPage) slots += "Slot" + std::string(12, '\0');
  std::string header = "RpmP" + le32(0) + le32(1) + le32(1) + le32(number + 1);
  header.resize(32);
  return header + slots + blobs;
}

}  // namespace fptrace::test
