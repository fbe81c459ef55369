#pragma once
#include <cstddef>
#include <string_view>

namespace fptrace::unwind {

// The longest sane beginning of an .eh_frame section (LSB, "Exception Frames"): whole records, none
// of them longer than kMostRecord, each FDE naming a CIE that is one of the records before it.
//
// libdw bounds where it reads, but not how much: a record of many million instructions would cost
// it gigabytes (each DW_CFA_remember_state a copy of all rules), and a CIE pointer may lead into
// the middle of another record. What compilers emit stays far below the limit.
constexpr size_t kMostRecord = 64 << 10;
std::string_view sane_records(std::string_view eh_frame);

}  // namespace fptrace::unwind
