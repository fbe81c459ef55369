#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace fptrace {

// How text is shown to a person.
struct TextStyle {
  size_t width = 0;    // columns of the terminal; 0: no limit
  bool ascii = false;  // nothing but ASCII
};

// Bytes as text that cannot disturb a terminal: control characters, what turns the direction of
// writing, what is not UTF-8, and with `ascii` all that is not ASCII are written as "\xNN".
std::string shown(std::string_view bytes, const TextStyle& style);

// Columns that such text takes: two for a wide character, none for a combining one.
size_t columns(std::string_view text);
// The beginning of a text, with an ellipsis in place of what is over `width` columns.
std::string cut(std::string_view text, size_t width, const TextStyle& style);
// The end of a text instead, for paths.
std::string cut_front(std::string_view text, size_t width, const TextStyle& style);

}  // namespace fptrace
