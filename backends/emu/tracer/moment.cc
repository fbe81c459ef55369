#include "backends/emu/tracer/moment.h"

#include <charconv>
#include <string>

namespace fptrace::emu {

Result<Moment> parse_moment(std::string_view text) {
  if (text == "begin") return Moment{};
  if (text == "end") return Moment{Moment::Kind::kEnd};
  Moment moment{Moment::Kind::kCount};
  if (text.ends_with('%')) {
    moment.kind = Moment::Kind::kPercent;
    text.remove_suffix(1);
  }
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, moment.value);
  const bool percent = moment.kind == Moment::Kind::kPercent;
  if (error != std::errc{} || rest != end || (percent && moment.value > 100) ||
      moment.value > uint64_t{INT64_MAX})
    return fail(Errc::kParse,
                "a moment is begin, end, a number of instructions, or a percentage such as 50%");
  return moment;
}

Moment instant_of(Moment moment, uint64_t length) {
  if (moment.kind != Moment::Kind::kPercent) return moment;
  if (moment.value == 100) return {Moment::Kind::kEnd};
  // Without an overflow: 2^64 / 100 instructions are 58 years of a guest.
  return {Moment::Kind::kCount, length / 100 * moment.value + length % 100 * moment.value / 100};
}

void AtMoment::prepare(Channel& channel) {
  if (moment_.kind == Moment::Kind::kCount && moment_.value != 0) channel.want_moment();
}

Result<Observer::Next> AtMoment::look(const Sight& sight) {
  if (auto ok = look_(sight); !ok) return fail(ok.error());
  return Next::kEnough;
}

Result<Observer::Next> AtMoment::program_begins(const Sight& sight) {
  if (moment_.kind == Moment::Kind::kEnd) return Next::kGoOn;
  if (moment_.value == 0) return look(sight);
  Request request{};
  request.kind = uint32_t(RequestKind::kMoment);
  request.args[0] = sight.begin + moment_.value;
  if (auto ok = sight.channel.ask(request); !ok) return fail(ok.error());
  return Next::kGoOn;
}

Result<Observer::Next> AtMoment::stopped(const Sight& sight) {
  return sight.stop().kind == StopKind::kMoment ? look(sight) : Next::kGoOn;
}

Result<void> AtMoment::program_ended(const Sight& sight) {
  if (moment_.kind == Moment::Kind::kEnd) return look_(sight);
  return fail(Errc::kUnsupported, "the program ended after " +
                                      std::to_string(sight.instructions()) +
                                      " instructions of the guest, before " +
                                      std::to_string(moment_.value) + " (--at)");
}

}  // namespace fptrace::emu
