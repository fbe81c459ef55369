#include "fingerprint/packages/json_fields.h"

#include <nlohmann/json.hpp>

#include "fingerprint/packages/path_table.h"

namespace fptrace {
namespace {

// Receives nlohmann::json's parse events. Depth 1 is inside the outermost object.
class Collector : public nlohmann::json_sax<nlohmann::json> {
 public:
  Collector(std::string_view list, JsonFields& out) : list_(list), out_(out) {}

  bool key(string_t& name) override {
    if (depth_ == 1) key_ = name;
    return true;
  }
  bool string(string_t& value) override {
    if (depth_ == 1 && is_object_) out_.strings.insert_or_assign(key_, value);
    if (depth_ == 2 && in_list_) out_.list.push_back(value);
    return out_.list.size() <= kMostPaths;
  }
  bool start_object(size_t) override {
    if (depth_ == 0) is_object_ = true;
    return enter(false);
  }
  bool start_array(size_t) override { return enter(is_object_ && depth_ == 1 && key_ == list_); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_at = position;
    return false;
  }

  bool is_object() const { return is_object_; }
  size_t error_at = 0;

 private:
  bool enter(bool list) {
    if (depth_++ == 1) in_list_ = list;
    return true;
  }
  bool leave() {
    if (--depth_ == 1) in_list_ = false;
    return true;
  }
  std::string_view list_;
  JsonFields& out_;
  std::string key_;
  size_t depth_ = 0;
  bool is_object_ = false, in_list_ = false;
};

}  // namespace

Result<JsonFields> parse_json_fields(std::string_view text, std::string_view list) {
  JsonFields out;
  Collector collector(list, out);
  const bool parsed = nlohmann::json::sax_parse(text, &collector);
  if (out.list.size() > kMostPaths) return fail(Errc::kParse, "too many files");
  if (!parsed) {
    return fail(Errc::kParse, "not JSON at byte " + std::to_string(collector.error_at));
  }
  if (!collector.is_object()) return fail(Errc::kParse, "not a JSON object");
  return out;
}

}  // namespace fptrace
