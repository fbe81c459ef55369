#pragma once
#include <cstdint>
#include <vector>

#include "backends/emu/osi/address_space.h"
#include "backends/emu/tracer/taint_engine.h"

namespace fptrace::emu {

// Bytes in the order that a call moves them.
struct UserBytes {
  uint64_t vaddr = 0, size = 0;
};

// Where `bytes` of a task lie in physical memory, up to the first page that is not there. Byte i of
// all gets what `with` gives byte i.
std::vector<TaintEngine::Piece> pieces_of(const AddressSpace& space,
                                          const std::vector<UserBytes>& bytes,
                                          const Labelling& with = {});

// Bytes [from, to] of the file whose inode it is, page by page, as far as the guest has them in
// memory.
struct FilePiece {
  uint64_t offset = 0;  // in the file
  uint64_t paddr = 0, size = 0;
};
std::vector<FilePiece> pieces_of_file(const GuestKernel& kernel, uint64_t inode, uint64_t from,
                                      uint64_t to);

}  // namespace fptrace::emu
