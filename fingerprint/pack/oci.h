#pragma once
#include <string>
#include <vector>

#include "fingerprint/pack/command.h"
#include "fingerprint/pack/sink.h"

namespace fptrace::pack {

struct OciBlob {
  std::string media_type, digest;  // "sha256:..."
  uint64_t size = 0;
};
struct OciLayer {
  OciBlob blob;
  std::string diff_id;  // the digest of the tar archive before compression
};
struct OciTexts {
  std::string config, manifest, index;
};

const char* layer_media_type(Compression compression);
std::string digest_text(const Sha256& hash);

// Pure. The JSON documents of an image of one layer, by the OCI image specification 1.0. Fails when
// the command has bytes that JSON cannot say.
Result<OciTexts> oci_texts(const PackCommand& command, const std::string& machine,
                           const OciLayer& layer, int64_t epoch, std::vector<Note>& notes);

}  // namespace fptrace::pack
