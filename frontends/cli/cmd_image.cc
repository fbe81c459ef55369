#include <iomanip>
#include <limits>

#include "backends/emu/image/image.h"
#include "common/base/text.h"
#include "frontends/cli/commands.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {0, "package", "NAME", "build: the kernel package (default: linux-image-cloud-amd64)"},
    {0, "kernel", "VMLINUZ", "build: this kernel, with --modules"},
    {0, "modules", "DIR", "build: the kernel's modules, as /lib/modules/RELEASE"},
    {0, "cpu", "MODEL", "build: the guest's CPU, as QEMU names it (default: qemu64)"},
    {0, "memory", "MIB", "build: the guest's memory (default: 1024)"},
};

ExitStatus failed(const Context& ctx, const Error& error) {
  ctx.err << "fptrace image: " << printable(error.what) << '\n';
  return {kToolFailed};
}

void show(std::ostream& out, const emu::Image& i) {
  out << "name:    " << i.name << "\nkernel:  " << i.kernel_release << " (" << i.kernel_origin
      << ")\nBTF:     " << (i.has_btf ? "yes" : "no") << "\nCPU:     " << i.machine.cpu
      << "\nmemory:  " << i.machine.memory_mib << " MiB\nQEMU:    " << i.qemu
      << "\nstate:   " << i.state << "\nat:      " << i.directory << '\n';
}

ExitStatus build(const Context& ctx, const Arguments& args) {
  emu::BuildOptions options;
  if (args.operands().size() == 2) options.name = args.operands()[1];
  options.kernel = {args.value("kernel"), args.value("modules"), args.value("package")};
  if (options.kernel.image.empty() != options.kernel.modules.empty())
    return usage_error(ctx, kImage, "--kernel and --modules go together");
  if (!options.kernel.image.empty() && !options.kernel.package.empty())
    return usage_error(ctx, kImage, "--kernel and --package exclude each other");
  options.machine.cpu = args.value("cpu", options.machine.cpu);
  if (args.has("memory")) {
    const auto memory = parse_number(args.value("memory"), 0, std::numeric_limits<int32_t>::max());
    if (!memory) return usage_error(ctx, kImage, "--memory: " + memory.error().what);
    options.machine.memory_mib = uint32_t(*memory);
  }
  options.progress = [&](const std::string& line) {
    ctx.err << "fptrace image: " << printable(line) << std::endl;
  };
  const auto qemu = emu::find_qemu();
  if (!qemu) return failed(ctx, qemu.error());
  const auto built = emu::build_image(options, *qemu);
  if (!built && built.error().code == Errc::kParse)
    return usage_error(ctx, kImage, printable(built.error().what));
  if (!built) return failed(ctx, built.error());
  if (!built->built)
    ctx.err << "fptrace image: " << options.name << " is there already ('fptrace image rm "
            << options.name << "' removes it)\n";
  show(ctx.out, built->image);
  return {};
}

ExitStatus list(const Context& ctx) {
  const auto images = emu::list_images();
  if (!images) return failed(ctx, images.error());
  const auto qemu = emu::find_qemu();
  const std::string now = qemu ? emu::recipe(*qemu) : "";
  for (const auto& i : *images) {
    ctx.out << i.name << '\t' << i.kernel_release << '\t' << i.machine.cpu << '\t'
            << i.machine.memory_mib << " MiB\t" << i.state.substr(0, 12)
            << (i.recipe == now ? "" : "\told: of another version of fptrace or QEMU") << '\n';
  }
  return {};
}

ExitStatus show_named(const Context& ctx, const std::string& name) {
  const auto images = emu::list_images();
  if (!images) return failed(ctx, images.error());
  bool found = false;
  for (const auto& i : *images) {
    if (i.name != name) continue;
    if (found) ctx.out << '\n';
    show(ctx.out, i);
    found = true;
  }
  if (found) return {};
  return failed(ctx, {Errc::kUnsupported,
                      "there is no image " + name + " (fptrace image list shows all)", 0});
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  const auto& words = args.operands();
  const std::string verb = words.empty() ? "" : words[0];
  const size_t names = words.empty() ? 0 : words.size() - 1;
  if (verb == "build" && names <= 1) return build(ctx, args);
  for (const Option& o : kOptions)
    if (args.has(o.name))
      return usage_error(ctx, kImage, "--" + std::string(o.name) + " goes with build only");
  if (verb == "list" && names == 0) return list(ctx);
  if (verb == "show" && names == 1) return show_named(ctx, words[1]);
  if (verb == "rm" && names == 1) {
    const auto removed = emu::remove_image(words[1]);
    return removed ? ExitStatus{} : failed(ctx, removed.error());
  }
  return usage_error(ctx, kImage, "say build [NAME], list, show NAME or rm NAME");
}

}  // namespace

const Subcommand kImage{"image",
                        "build [NAME] | list | show NAME | rm NAME",
                        "make and manage the guests that programs are recorded in",
                        kOptions,
                        OperandRule::kAnywhere,
                        run};

}  // namespace fptrace::cli
