#include "fingerprint/sbom/licence.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <vector>

#include "common/base/text.h"
#include "fingerprint/sbom/control_file.h"

namespace fptrace {
namespace {

// Bytes of one License field's first line, and of all different ones of a file: what sets a bound
// to the time that a hostile file takes. Real ones have some hundreds.
constexpr size_t kMaxExpression = 16u << 10, kMaxExpressions = 32u << 10;

// Debian's short name (in lower case) -> SPDX. Where a version is wanted and none given, Debian's
// name says nothing that SPDX has a name for.
constexpr std::array<std::pair<std::string_view, std::string_view>, 83> kNames{{
    {"0bsd", "0BSD"},
    {"afl-2.1", "AFL-2.1"},
    {"agpl-3", "AGPL-3.0-only"},
    {"agpl-3+", "AGPL-3.0-or-later"},
    {"apache-1.1", "Apache-1.1"},
    {"apache-2", "Apache-2.0"},
    {"apache-2.0", "Apache-2.0"},
    {"artistic", "Artistic-1.0-Perl"},
    {"artistic-1.0", "Artistic-1.0"},
    {"artistic-2", "Artistic-2.0"},
    {"artistic-2.0", "Artistic-2.0"},
    {"bsd-1-clause", "BSD-1-Clause"},
    {"bsd-2-clause", "BSD-2-Clause"},
    {"bsd-3-clause", "BSD-3-Clause"},
    {"bsd-4-clause", "BSD-4-Clause"},
    {"bsd-4-clause-uc", "BSD-4-Clause-UC"},
    {"bsl-1.0", "BSL-1.0"},
    {"cc-by-3.0", "CC-BY-3.0"},
    {"cc-by-4.0", "CC-BY-4.0"},
    {"cc-by-sa-3.0", "CC-BY-SA-3.0"},
    {"cc-by-sa-4.0", "CC-BY-SA-4.0"},
    {"cc0", "CC0-1.0"},
    {"cc0-1.0", "CC0-1.0"},
    {"cddl-1", "CDDL-1.0"},
    {"cddl-1.0", "CDDL-1.0"},
    {"cpl-1.0", "CPL-1.0"},
    {"curl", "curl"},
    {"epl-1.0", "EPL-1.0"},
    {"epl-2.0", "EPL-2.0"},
    {"expat", "MIT"},
    {"fsfap", "FSFAP"},
    {"fsful", "FSFUL"},
    {"fsfullr", "FSFULLR"},
    {"ftl", "FTL"},
    {"gfdl-1.1", "GFDL-1.1-only"},
    {"gfdl-1.1+", "GFDL-1.1-or-later"},
    {"gfdl-1.2", "GFDL-1.2-only"},
    {"gfdl-1.2+", "GFDL-1.2-or-later"},
    {"gfdl-1.3", "GFDL-1.3-only"},
    {"gfdl-1.3+", "GFDL-1.3-or-later"},
    {"gfdl-niv-1.2", "GFDL-1.2-no-invariants-only"},
    {"gfdl-niv-1.2+", "GFDL-1.2-no-invariants-or-later"},
    {"gfdl-niv-1.3", "GFDL-1.3-no-invariants-only"},
    {"gfdl-niv-1.3+", "GFDL-1.3-no-invariants-or-later"},
    {"gpl-1", "GPL-1.0-only"},
    {"gpl-1+", "GPL-1.0-or-later"},
    {"gpl-1.0+", "GPL-1.0-or-later"},
    {"gpl-2", "GPL-2.0-only"},
    {"gpl-2+", "GPL-2.0-or-later"},
    {"gpl-2.0", "GPL-2.0-only"},
    {"gpl-2.0+", "GPL-2.0-or-later"},
    {"gpl-2.0-only", "GPL-2.0-only"},
    {"gpl-2.0-or-later", "GPL-2.0-or-later"},
    {"gpl-3", "GPL-3.0-only"},
    {"gpl-3+", "GPL-3.0-or-later"},
    {"gpl-3.0", "GPL-3.0-only"},
    {"gpl-3.0+", "GPL-3.0-or-later"},
    {"isc", "ISC"},
    {"lgpl-2", "LGPL-2.0-only"},
    {"lgpl-2+", "LGPL-2.0-or-later"},
    {"lgpl-2.0", "LGPL-2.0-only"},
    {"lgpl-2.0+", "LGPL-2.0-or-later"},
    {"lgpl-2.1", "LGPL-2.1-only"},
    {"lgpl-2.1+", "LGPL-2.1-or-later"},
    {"lgpl-3", "LGPL-3.0-only"},
    {"lgpl-3+", "LGPL-3.0-or-later"},
    {"lgpl-3.0", "LGPL-3.0-only"},
    {"lgpl-3.0+", "LGPL-3.0-or-later"},
    {"libpng", "Libpng"},
    {"mit", "MIT"},
    {"mpl-1.1", "MPL-1.1"},
    {"mpl-2.0", "MPL-2.0"},
    {"ofl-1.1", "OFL-1.1"},
    {"openldap-2.8", "OLDAP-2.8"},
    {"openssl", "OpenSSL"},
    {"postgresql", "PostgreSQL"},
    {"python-2.0", "Python-2.0"},
    {"unlicense", "Unlicense"},
    {"w3c", "W3C"},
    {"x11", "X11"},
    {"zlib", "Zlib"},
    {"zpl-2.0", "ZPL-2.0"},
    {"zpl-2.1", "ZPL-2.1"},
}};

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = char(std::tolower(uint8_t(c)));
  return out;
}

bool is_id_char(char c) { return std::isalnum(uint8_t(c)) != 0 || c == '.' || c == '-'; }

// SPDX 2.3 Annex D: idstring is letters, digits, "." and "-".
void append_id(std::string& out, std::string_view name) {
  for (const char c : name) {
    if (c == '+') {
      out += "-or-later";
    } else {
      out += is_id_char(c) ? c : '-';
    }
  }
}

std::string reference_name(std::string_view package, std::string_view name) {
  std::string out = "LicenseRef-";
  append_id(out, package);
  out += '-';
  append_id(out, name);
  return out;
}

// Where the names that SPDX does not know go to.
struct References {
  std::string_view package;
  std::map<std::string, std::string>& texts;
};

std::string licence_name(std::string_view name, const References& references) {
  const std::string key = lower(name);
  const auto it =
      std::lower_bound(kNames.begin(), kNames.end(), key,
                       [](const auto& row, const std::string& k) { return row.first < k; });
  if (it != kNames.end() && it->first == key) return std::string(it->second);
  std::string reference = reference_name(references.package, name);
  references.texts.try_emplace(reference);
  return reference;
}

enum class Word { kName, kAnd, kOr, kComma };
struct Token {
  Word word;
  std::string text;
};

// Words up to the next operator are one name: "GPL-2+ with OpenSSL exception".
std::vector<Token> tokens(std::string_view s) {
  std::vector<Token> out;
  const auto add_word = [&](std::string_view w) {
    const std::string key = lower(w);
    if (key == "and") return out.push_back({Word::kAnd, {}});
    if (key == "or") return out.push_back({Word::kOr, {}});
    if (!out.empty() && out.back().word == Word::kName) {
      (out.back().text += ' ') += w;
    } else {
      out.push_back({Word::kName, std::string(w)});
    }
  };
  for (size_t at = 0; at < s.size();) {
    const size_t begin = s.find_first_not_of(" \t\r\n", at);
    if (begin == s.npos) break;
    if (s[begin] == ',') {
      out.push_back({Word::kComma, {}});
      at = begin + 1;
      continue;
    }
    at = std::min(s.find_first_of(" \t\r\n,", begin), s.size());
    add_word(s.substr(begin, at - begin));
  }
  return out;
}

// Alternatives of licences that apply together; AND binds tighter than OR.
struct Term {
  std::vector<std::vector<std::string>> alternatives;

  std::string text() const {
    std::string out;
    for (const auto& licences : alternatives) {
      if (!out.empty()) out += " OR ";
      for (size_t i = 0; i < licences.size(); ++i) (out += i > 0 ? " AND " : "") += licences[i];
    }
    return out;
  }
};

void add_once(std::vector<std::string>& list, const std::string& name) {
  if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
}

// What one side of an AND brings into it: names, or a choice in parentheses.
std::vector<std::string> factors(const Term& t) {
  if (t.alternatives.size() == 1) return t.alternatives[0];
  return {"(" + t.text() + ")"};
}

Term joined(Term a, const Term& b, Word by) {
  if (a.alternatives.empty()) return b;
  if (by == Word::kAnd) {
    const bool plain = a.alternatives.size() == 1;
    std::vector<std::string> all = plain ? std::move(a.alternatives[0]) : factors(a);
    for (const std::string& f : factors(b)) add_once(all, f);
    Term out;  // not from an initializer list, which would copy
    out.alternatives.push_back(std::move(all));
    return out;
  }
  for (const auto& licences : b.alternatives) {
    const bool there =
        std::find(a.alternatives.begin(), a.alternatives.end(), licences) != a.alternatives.end();
    if (!there) a.alternatives.push_back(licences);
  }
  return a;
}

// clause = name {("and" | "or") name}, "and" first; whole = clause {"," ("and" | "or") clause}.
class ExpressionReader {
 public:
  ExpressionReader(std::vector<Token> tokens, const References& references)
      : tokens_(std::move(tokens)), references_(references) {}

  Result<Term> whole() {
    auto left = clause();
    while (left && at_ < tokens_.size()) {
      ++at_;  // a clause ends at a comma or at the end
      if (at_ == tokens_.size()) break;
      const Word by = tokens_[at_].word;
      if (by != Word::kAnd && by != Word::kOr) return bad();
      ++at_;
      auto right = clause();
      if (!right) return right;
      left = joined(*std::move(left), *right, by);
    }
    return left;
  }

 private:
  bool is(Word word) const { return at_ < tokens_.size() && tokens_[at_].word == word; }
  static tl::unexpected<Error> bad() {
    return fail(Errc::kParse, "License: \"and\", \"or\" or a comma without a licence beside it");
  }
  Result<Term> name() {
    if (!is(Word::kName)) return bad();
    return Term{{{licence_name(tokens_[at_++].text, references_)}}};
  }
  Result<Term> conjunction() {
    auto left = name();
    while (left && is(Word::kAnd)) {
      ++at_;
      auto right = name();
      if (!right) return right;
      left = joined(*std::move(left), *right, Word::kAnd);
    }
    return left;
  }
  Result<Term> clause() {
    auto left = conjunction();
    while (left && is(Word::kOr)) {
      ++at_;
      auto right = conjunction();
      if (!right) return right;
      left = joined(*std::move(left), *right, Word::kOr);
    }
    return left;
  }

  std::vector<Token> tokens_;
  References references_;
  size_t at_ = 0;
};

Result<Term> parse_expression(std::string_view dep5, const References& references) {
  if (dep5.size() > kMaxExpression) return fail(Errc::kParse, "License: too long");
  return ExpressionReader(tokens(dep5), references).whole();
}

bool is_machine_readable(const ControlParagraph& header) {
  std::string_view format = field(header, "Format");
  if (format.empty()) format = field(header, "Format-Specification");
  return format.find("copyright-format/1") != format.npos || format.find("dep5") != format.npos;
}

std::string_view first_line(std::string_view value) { return value.substr(0, value.find('\n')); }
std::string_view other_lines(std::string_view value) {
  const size_t end = value.find('\n');
  return end == value.npos ? std::string_view() : value.substr(end + 1);
}

// Texts stand beside the licence's first use, or in a paragraph of their own.
void add_texts(const std::vector<ControlParagraph>& paragraphs, const References& references) {
  for (const ControlParagraph& p : paragraphs) {
    const std::string_view value = field(p, "License");
    const auto it = references.texts.find(reference_name(references.package, first_line(value)));
    if (it != references.texts.end() && it->second.empty())
      it->second = readable(other_lines(value));
  }
}

}  // namespace

Result<std::string> spdx_expression(std::string_view dep5, std::string_view package,
                                    std::map<std::string, std::string>& references) {
  auto term = parse_expression(dep5, {package, references});
  if (!term) return fail(term.error());
  return term->text();
}

Result<DeclaredLicence> parse_copyright_file(std::string_view text, std::string_view package) {
  // Free text is no control file, so the question comes before its syntax.
  if (text.substr(0, 4096).find("Format") == text.npos) {
    return fail(Errc::kUnsupported, "copyright: not machine-readable");
  }
  const auto paragraphs = parse_control_file(text);
  if (!paragraphs) return fail(paragraphs.error().code, "copyright " + paragraphs.error().what);
  if (paragraphs->empty() || !is_machine_readable(paragraphs->front())) {
    return fail(Errc::kUnsupported, "copyright: not machine-readable");
  }
  DeclaredLicence out;
  const References references{package, out.references};
  std::set<std::string> seen;
  size_t size = 0;
  Term all;
  const bool whole = !field(paragraphs->front(), "License").empty();
  for (size_t i = 0; i < paragraphs->size(); ++i) {
    const ControlParagraph& p = (*paragraphs)[i];
    const std::string_view licence = first_line(field(p, "License"));
    if (licence.empty() || (whole ? i > 0 : field(p, "Files").empty())) continue;
    const auto term = parse_expression(licence, references);
    if (!term) return fail(term.error().code, "copyright: " + term.error().what);
    const bool known = !seen.insert(term->text()).second;
    if (!known) all = joined(std::move(all), *term, Word::kAnd);
    size += known ? 0 : licence.size();
    if (size > kMaxExpressions) return fail(Errc::kParse, "copyright: too many licences");
  }
  if (all.alternatives.empty()) return fail(Errc::kParse, "copyright: names no licence");
  add_texts(*paragraphs, references);
  out.expression = all.text();
  return out;
}

}  // namespace fptrace
