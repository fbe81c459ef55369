#pragma once
#include <optional>

#include "frontends/cli/subcommand.h"

// What `fptrace manifest` does with a manifest that is there already, each in manifest_VERB.cc.

namespace fptrace::cli {

inline constexpr Option kManifestVerbOptions[] = {
    {0, "json", "", "show, query, diff: as JSON"},
    {0, "package", "NAME", "query: the files of this package"},
    {0, "soname", "NAME", "query: the libraries of this name"},
    {0, "symbol", "VERSION", "query: who needs and who provides it, e.g. GLIBC_2.34"},
};

// Runs `show FILE`, `query FILE [PATH]...` or `diff A B`. Nothing when the first operand is no
// verb: then it is a log. Options that do not go with what is asked for are usage errors.
std::optional<ExitStatus> run_manifest_verb(const Context& ctx, const Arguments& args);

// `operands` are those after the verb.
ExitStatus show_manifest(const Context& ctx, const Arguments& args,
                         std::span<const std::string> operands);
ExitStatus query_manifest(const Context& ctx, const Arguments& args,
                          std::span<const std::string> operands);
// The code of `fptrace diff` as well. Exit status 0: equal, 1: not.
ExitStatus diff_manifests(const Context& ctx, const Subcommand& command, const Arguments& args,
                          std::span<const std::string> operands);

}  // namespace fptrace::cli
