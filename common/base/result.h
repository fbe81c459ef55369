#pragma once
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <tl/expected.hpp>

namespace fptrace {

// What went wrong, coarse enough to branch on. Add a value only when some caller handles it.
enum class Errc { kParse, kIo, kPermission, kUnsupported, kTracee, kBackend };

// An error as a value. `what` names the operation and its operand ("open /proc/7/maps");
// `sys` is the errno that caused it, or 0.
struct Error {
  Errc code = Errc::kIo;
  std::string what;
  int sys = 0;
  bool operator==(const Error&) const = default;
};

// tl::expected plus what it lacks: [[nodiscard]] on the type, so an ignored failure warns.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Base base) : Base(std::move(base)) {}
};

inline tl::unexpected<Error> fail(Errc code, std::string what, int sys = 0) {
  return tl::unexpected<Error>({code, std::move(what), sys});
}

// Passes a failure up unchanged: `if (!r) return fail(r.error());`
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

// Call at the point of failure, before anything can overwrite errno.
inline tl::unexpected<Error> fail_errno(std::string what, int err = errno) {
  const Errc code = (err == EPERM || err == EACCES) ? Errc::kPermission : Errc::kIo;
  return tl::unexpected<Error>(
      {code, std::move(what) + ": " + std::generic_category().message(err), err});
}

}  // namespace fptrace
