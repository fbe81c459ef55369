#include "fingerprint/pack/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/text.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/pack/command.h"
#include "fingerprint/pack/content.h"
#include "fingerprint/pack/deb.h"
#include "fingerprint/pack/dir_writer.h"
#include "fingerprint/pack/dockerfile.h"
#include "fingerprint/pack/installable.h"
#include "fingerprint/pack/oci.h"
#include "fingerprint/pack/output.h"
#include "fingerprint/pack/tar_writer.h"

namespace fptrace::pack {
namespace {

struct Job {
  const Manifest& manifest;
  const PackOptions& options;
  const PackProgress& progress;
  std::stop_token stop;
  Plan plan;
  PackCommand command;
  PackReport report;

  Result<void> write(const std::vector<PackEntry>& entries, Writer& writer) {
    for (const PackEntry& e : entries) {
      if (e.type != FileType::kRegular || !e.hard_link.empty()) continue;
      ++report.files;
      report.bytes += e.size;
    }
    if (progress.planned) progress.planned(report.bytes);
    if (auto ok = write_entries(entries, options.plan.root, writer, progress.done, stop); !ok)
      return ok;
    return writer.finish();
  }
  std::string manifest_text() const {
    Manifest m = manifest;
    for (const std::string& name : command.withheld) m.environment_set.erase(name);
    return to_json(m);
  }
};

PackEntry literal(std::string path, std::string text, uint32_t mode, int64_t epoch) {
  PackEntry e;
  e.path = std::move(path);
  e.content = PackEntry::Content::kLiteral;
  e.size = text.size();
  e.source = std::move(text);
  e.mode = mode;
  e.mtime = epoch;
  return e;
}

Result<void> pack_dir(Job& job, const std::string& out) {
  auto output = Output::make(out, Output::Kind::kDirectory, job.options.force, "rootfs");
  if (!output) return fail(output.error());
  const std::string root = output->draft() + "/rootfs";
  if (::mkdir(root.c_str(), 0700) != 0) return fail_errno("write " + out);
  auto writer = make_dir_writer(root, job.report.notes);
  if (!writer) return fail(writer.error());
  if (auto ok = job.write(job.plan.entries, **writer); !ok) return ok;
  if (auto ok = write_new_file(output->draft() + "/run", run_script(job.command), 0777); !ok)
    return ok;
  auto ok = write_new_file(output->draft() + "/fptrace.manifest.json", job.manifest_text(), 0666);
  if (!ok) return ok;
  return output->commit();
}

// The plan's entries moved below one directory, with the script beside their root.
std::vector<PackEntry> bundle_entries(const Job& job) {
  const int64_t epoch = job.options.plan.epoch;
  std::vector<PackEntry> out;
  PackEntry top;
  top.path = "/" + job.command.name;
  top.type = FileType::kDirectory;
  top.mode = 0755;
  top.mtime = epoch;
  out.push_back(top);
  out.push_back(literal(top.path + "/fptrace.manifest.json", job.manifest_text(), 0644, epoch));
  out.push_back(literal(top.path + "/run", run_script(job.command), 0755, epoch));
  const std::string root = top.path + "/rootfs";
  for (PackEntry e : job.plan.entries) {
    e.path = e.path == "/" ? root : root + e.path;
    if (!e.hard_link.empty()) e.hard_link = root + e.hard_link;
    out.push_back(std::move(e));
  }
  return out;
}

Result<void> pack_tar(Job& job, const std::string& out) {
  auto output = Output::make(out, Output::Kind::kFile, job.options.force, "");
  if (!output) return fail(output.error());
  FdSink file(output->fd(), out);
  auto compressor = make_compressor(Compression::kZstd, file);
  if (!compressor) return fail(compressor.error());
  auto writer = make_tar_writer("", **compressor);
  if (!writer) return fail(writer.error());
  if (auto ok = job.write(bundle_entries(job), **writer); !ok) return ok;
  return output->commit();
}

// Writes the layer under a name that its digest then replaces.
Result<OciLayer> write_layer(Job& job, const std::string& blobs) {
  const Compression compression = job.options.compression.value_or(Compression::kGzip);
  const std::string draft = blobs + "/layer";
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd) return fail_errno("write " + draft);
  FdSink file(fd.get(), draft);
  HashSink packed(file);
  auto compressor = make_compressor(compression, packed);
  if (!compressor) return fail(compressor.error());
  HashSink plain(**compressor);
  auto writer = make_tar_writer("", plain);
  if (!writer) return fail(writer.error());
  if (auto ok = job.write(job.plan.entries, **writer); !ok) return fail(ok.error());
  OciLayer layer;
  layer.blob = {layer_media_type(compression), digest_text(packed.sha256()), file.size()};
  layer.diff_id = digest_text(plain.sha256());
  const std::string name = blobs + "/" + layer.blob.digest.substr(layer.blob.digest.find(':') + 1);
  if (::rename(draft.c_str(), name.c_str()) != 0) return fail_errno("write " + name);
  return layer;
}

Result<std::string> write_blob(const std::string& blobs, const std::string& text) {
  const auto hash = sha256_of(text);
  if (!hash) return fail(hash.error());
  const std::string digest = digest_text(*hash);
  auto ok = write_new_file(blobs + "/" + digest.substr(digest.find(':') + 1), text, 0666);
  if (!ok) return fail(ok.error());
  return digest;
}

Result<void> pack_oci(Job& job, const std::string& out) {
  auto output = Output::make(out, Output::Kind::kDirectory, job.options.force, "oci-layout");
  if (!output) return fail(output.error());
  const std::string blobs = output->draft() + "/blobs/sha256";
  if (::mkdir((output->draft() + "/blobs").c_str(), 0777) != 0 || ::mkdir(blobs.c_str(), 0777) != 0)
    return fail_errno("write " + out);
  const auto layer = write_layer(job, blobs);
  if (!layer) return fail(layer.error());
  const auto texts = oci_texts(job.command, job.manifest.machine, *layer, job.options.plan.epoch,
                               job.report.notes);
  if (!texts) return fail(texts.error());
  if (const auto ok = write_blob(blobs, texts->config); !ok) return fail(ok.error());
  const auto digest = write_blob(blobs, texts->manifest);
  if (!digest) return fail(digest.error());
  job.report.digest = *digest;
  if (auto ok = write_new_file(output->draft() + "/index.json", texts->index, 0666); !ok) return ok;
  auto ok =
      write_new_file(output->draft() + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})", 0666);
  if (!ok) return ok;
  return output->commit();
}

Result<void> pack_dockerfile(Job& job, const std::string& out) {
  auto output = Output::make(out, Output::Kind::kDirectory, job.options.force, "Dockerfile");
  if (!output) return fail(output.error());
  std::string base = base_image(job.manifest.os);
  Installable what;
  if (!base.empty()) {
    auto needed = installable(job.manifest, job.plan, job.options.plan.root, true, job.plan.notes);
    if (!needed) return fail(needed.error());
    what = *std::move(needed);
  }
  const auto text = dockerfile(job.command, base, what, job.plan.notes);
  if (!text) return fail(text.error());
  const std::string path = output->draft() + "/files.tar";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd) return fail_errno("write " + path);
  FdSink file(fd.get(), path);
  auto writer = make_tar_writer("", file);
  if (!writer) return fail(writer.error());
  if (auto ok = job.write(base.empty() ? job.plan.entries : what.carried, **writer); !ok) return ok;
  if (auto ok = write_new_file(output->draft() + "/Dockerfile", *text, 0666); !ok) return ok;
  return output->commit();
}

// A file that goes away with its descriptor.
Result<UniqueFd> temporary_beside(const std::string& path) {
  std::string name = path + ".data-XXXXXX";
  UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd || ::unlink(name.c_str()) != 0) return fail_errno("write " + name);
  return fd;
}

Result<void> pack_deb(Job& job, const std::string& out) {
  auto what = installable(job.manifest, job.plan, job.options.plan.root, false, job.plan.notes);
  if (!what) return fail(what.error());
  if (what->arch.empty())
    return fail(Errc::kUnsupported,
                "Debian knows no machine \"" + printable(job.manifest.machine) + "\"");
  const PackOptions& o = job.options;
  const DebInfo info{o.name.empty() ? deb_name(job.command.name) : o.name, o.version, o.maintainer,
                     o.plan.epoch};
  if (auto ok = check_deb_info(info); !ok) return ok;
  if (auto ok = add_deb_documents(info, job.command, what->carried); !ok) return ok;
  auto output = Output::make(out, Output::Kind::kFile, o.force, "");
  if (!output) return fail(output.error());
  const auto data_fd = temporary_beside(output->draft());
  if (!data_fd) return fail(data_fd.error());
  FdSink file(data_fd->get(), out);
  auto gzip = make_compressor(Compression::kGzip, file);
  if (!gzip) return fail(gzip.error());
  auto tar = make_tar_writer("./", **gzip);
  if (!tar) return fail(tar.error());
  Md5Writer writer(**tar);
  if (auto ok = job.write(what->carried, writer); !ok) return ok;
  const auto control = deb_control_member(deb_control(info, job.command, *what, job.report.bytes),
                                          what->carried, writer.sums(), o.plan.epoch);
  if (!control) return fail(control.error());
  if (auto ok = write_deb(output->fd(), *control, data_fd->get(), o.plan.epoch); !ok) return ok;
  return output->commit();
}

}  // namespace

Result<PackReport> pack(const Manifest& manifest, const std::string& out,
                        const PackOptions& options, const PackProgress& progress,
                        std::stop_token stop) {
  auto plan = make_plan(manifest, options.plan);
  if (!plan) return fail(plan.error());
  Job job{manifest, options, progress, std::move(stop), *std::move(plan), {}, {}};
  job.command = command_of(manifest, options.keep_secrets, job.plan.notes);
  Result<void> done;
  switch (options.format) {
    case Format::kDir:
      done = pack_dir(job, out);
      break;
    case Format::kTarZst:
      done = pack_tar(job, out);
      break;
    case Format::kOci:
      done = pack_oci(job, out);
      break;
    case Format::kDockerfile:
      done = pack_dockerfile(job, out);
      break;
    case Format::kDeb:
      done = pack_deb(job, out);
      break;
  }
  if (!done) return fail(done.error());
  job.report.notes.insert(job.report.notes.begin(), job.plan.notes.begin(), job.plan.notes.end());
  return std::move(job.report);
}

}  // namespace fptrace::pack
