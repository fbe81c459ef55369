#include "common/event/taint_names.h"

#include <array>

namespace fptrace {
namespace {

constexpr std::array<std::string_view, size_t(TaintOrigin::kGuest) + 1> kOrigins = {
    "file", "stdin", "argument", "environment", "string", "network", "guest"};
constexpr std::array<std::string_view, size_t(TaintSink::kOther) + 1> kSinks = {
    "file", "pipe", "socket", "terminal", "other"};
constexpr std::array<std::string_view, size_t(TaintUse::kInstruction) + 1> kUses = {
    "branch", "jump", "instruction"};

}  // namespace

std::string_view name_of(TaintOrigin origin) { return kOrigins[size_t(origin)]; }
std::string_view name_of(TaintSink sink) { return kSinks[size_t(sink)]; }
std::string_view name_of(TaintUse use) { return kUses[size_t(use)]; }

}  // namespace fptrace
