#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of QEMU's TCG plugin interface that our plugin uses, as QEMU's documentation describes
// it (docs/devel/tcg-plugins.rst) and as QEMU 10.0 and later export it. Debian's packages ship no
// header. QEMU passes the range of versions that it speaks and refuses a plugin outside of it; the
// plugin says which one it was written for by exporting `qemu_plugin_version`.

// NOLINTBEGIN(readability-identifier-naming): the names are QEMU's
extern "C" {

// Version 4 came with QEMU 10.0, which takes 2 to 4. Versions 5 (10.1) and later only add, except
// that qemu_plugin_read_register() returns another type: never look at what it returns.
constexpr int kQemuPluginVersion = 4;

using qemu_plugin_id_t = uint64_t;

struct qemu_info_t {
  const char* target_name;
  struct {
    int min, cur;
  } version;
  bool system_emulation;
  struct {
    int smp_vcpus, max_vcpus;
  } system;
};

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_scoreboard;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_CB_R_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cond {
  QEMU_PLUGIN_COND_NEVER,
  QEMU_PLUGIN_COND_ALWAYS,
  QEMU_PLUGIN_COND_EQ,
  QEMU_PLUGIN_COND_NE,
};
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };

// One access to memory; only in the callback that it is passed to.
using qemu_plugin_meminfo_t = uint32_t;
struct qemu_plugin_hwaddr;

enum qemu_plugin_mem_value_type {
  QEMU_PLUGIN_MEM_VALUE_U8,
  QEMU_PLUGIN_MEM_VALUE_U16,
  QEMU_PLUGIN_MEM_VALUE_U32,
  QEMU_PLUGIN_MEM_VALUE_U64,
  QEMU_PLUGIN_MEM_VALUE_U128,
};
struct qemu_plugin_mem_value {
  qemu_plugin_mem_value_type type;
  union {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    struct {
      uint64_t low, high;
    } u128;
  } data;
};

// One 64-bit member of a scoreboard's per-vCPU entry.
struct qemu_plugin_u64 {
  qemu_plugin_scoreboard* score;
  size_t offset;
};

struct qemu_plugin_reg_descriptor {
  qemu_plugin_register* handle;
  const char* name;
  const char* feature;
};

// GLib's arrays, by which registers are passed. QEMU links GLib, so its symbols are there.
struct GArray {
  char* data;
  unsigned len;
};
struct GByteArray {
  uint8_t* data;
  unsigned len;
};
GByteArray* g_byte_array_new();
GByteArray* g_byte_array_set_size(GByteArray*, unsigned);
char* g_array_free(GArray*, int free_segment);

using qemu_plugin_udata_cb_t = void (*)(qemu_plugin_id_t, void*);
using qemu_plugin_vcpu_simple_cb_t = void (*)(qemu_plugin_id_t, unsigned vcpu);
using qemu_plugin_vcpu_udata_cb_t = void (*)(unsigned vcpu, void*);
using qemu_plugin_vcpu_mem_cb_t = void (*)(unsigned vcpu, qemu_plugin_meminfo_t, uint64_t vaddr,
                                           void*);
using qemu_plugin_vcpu_tb_trans_cb_t = void (*)(qemu_plugin_id_t, qemu_plugin_tb*);

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t, qemu_plugin_vcpu_simple_cb_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, qemu_plugin_vcpu_tb_trans_cb_t);
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb*, qemu_plugin_vcpu_udata_cb_t,
                                          qemu_plugin_cb_flags, void*);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, qemu_plugin_vcpu_udata_cb_t,
                                            qemu_plugin_cb_flags, void*);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(qemu_plugin_insn*, qemu_plugin_op,
                                                         qemu_plugin_u64, uint64_t imm);
// Calls only while the value of the member stands in that relation to `imm`.
void qemu_plugin_register_vcpu_insn_exec_cond_cb(qemu_plugin_insn*, qemu_plugin_vcpu_udata_cb_t,
                                                 qemu_plugin_cb_flags, qemu_plugin_cond,
                                                 qemu_plugin_u64, uint64_t imm, void*);
void qemu_plugin_register_vcpu_tb_exec_cond_cb(qemu_plugin_tb*, qemu_plugin_vcpu_udata_cb_t,
                                               qemu_plugin_cb_flags, qemu_plugin_cond,
                                               qemu_plugin_u64, uint64_t imm, void*);
// After each access that the instruction makes.
void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn*, qemu_plugin_vcpu_mem_cb_t,
                                      qemu_plugin_cb_flags, qemu_plugin_mem_rw, void*);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, qemu_plugin_udata_cb_t, void*);

size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, size_t index);
size_t qemu_plugin_insn_data(const qemu_plugin_insn*, void* out, size_t size);
size_t qemu_plugin_insn_size(const qemu_plugin_insn*);
uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn*);

qemu_plugin_scoreboard* qemu_plugin_scoreboard_new(size_t element_size);
// The entry of one vCPU; stays where it is while there are no more vCPUs.
void* qemu_plugin_scoreboard_find(qemu_plugin_scoreboard*, unsigned vcpu);
uint64_t qemu_plugin_u64_get(qemu_plugin_u64, unsigned vcpu);
void qemu_plugin_u64_set(qemu_plugin_u64, unsigned vcpu, uint64_t value);

bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);  // log2 of the bytes
qemu_plugin_mem_value qemu_plugin_mem_get_value(qemu_plugin_meminfo_t);
// Null when it cannot be told. Valid until the next call.
qemu_plugin_hwaddr* qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const qemu_plugin_hwaddr*);
uint64_t qemu_plugin_hwaddr_phys_addr(const qemu_plugin_hwaddr*);

// Array of qemu_plugin_reg_descriptor; only in the vCPU's thread. The caller frees it.
GArray* qemu_plugin_get_registers();
// Appends the value, in the guest's byte order. Only in callbacks registered with CB_R_REGS.
int qemu_plugin_read_register(qemu_plugin_register*, GByteArray*);
// Reads by the page tables in force. Only in callbacks on a vCPU.
bool qemu_plugin_read_memory_vaddr(uint64_t addr, GByteArray*, size_t size);

void qemu_plugin_outs(const char*);
}
// NOLINTEND(readability-identifier-naming)
