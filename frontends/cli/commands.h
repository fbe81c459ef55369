#pragma once
#include "frontends/cli/subcommand.h"

// The subcommands, each defined in cmd_NAME.cc and listed in dispatch.cc.

namespace fptrace::cli {

extern const Subcommand kAttach, kCompletion, kDiff, kDoctor, kFiles, kHelp, kImage, kLog,
    kManifest, kPack, kPs, kRecord, kReplay, kRun, kSbom, kTree, kVerify, kVersion;

// What `fptrace help` says.
void print_overview(std::ostream& out);

}  // namespace fptrace::cli
