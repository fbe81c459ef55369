#include "backends/emu/osi/btf_types.h"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <memory>

namespace fptrace::emu {
namespace {

// BTF that a test writes by hand.
class Writer {
 public:
  Writer() : types_(btf__new_empty(), btf__free) {
    int_ = btf__add_int(get(), "int", 4, 0);
    pointer_ = btf__add_ptr(get(), 0);
  }
  btf* get() { return types_.get(); }
  int int_type() const { return int_; }
  int pointer() const { return pointer_; }
  int structure(const char* name, uint32_t size) { return btf__add_struct(get(), name, size); }
  void field(const char* name, int type, uint32_t bit_offset, uint32_t bits = 0) {
    ASSERT_EQ(btf__add_field(get(), name, type, bit_offset, bits), 0);
  }
  std::vector<std::byte> bytes() {
    uint32_t size = 0;
    const auto* data = static_cast<const std::byte*>(btf__raw_data(get(), &size));
    return {data, data + size};
  }
  BtfTypes parse() {
    auto parsed = BtfTypes::parse(bytes());
    EXPECT_TRUE(parsed) << parsed.error().what;
    return *std::move(parsed);
  }

 private:
  std::unique_ptr<btf, decltype(&btf__free)> types_;
  int int_, pointer_;
};

void expect_member(const BtfTypes& types, std::string_view type, std::string_view path,
                   uint32_t offset, uint32_t size) {
  const auto member = types.member(type, path);
  ASSERT_TRUE(member) << path;
  EXPECT_EQ(member->offset, offset) << path;
  EXPECT_EQ(member->size, size) << path;
}

TEST(BtfTypes, FindsMembersAndTheirSizes) {
  Writer w;
  const int array = btf__add_array(w.get(), w.int_type(), w.int_type(), 5);
  const int alias = btf__add_typedef(w.get(), "alias", btf__add_const(w.get(), w.int_type()));
  w.structure("s", 64);
  w.field("number", w.int_type(), 0);
  w.field("pointer", w.pointer(), 64);
  w.field("array", array, 128);
  w.field("alias", alias, 320);
  const BtfTypes types = w.parse();
  expect_member(types, "s", "number", 0, 4);
  expect_member(types, "s", "pointer", 8, 8);
  expect_member(types, "s", "array", 16, 20);
  expect_member(types, "s", "alias", 40, 4);
  EXPECT_EQ(types.size_of("s"), 64U);
  EXPECT_FALSE(types.member("s", "none"));
  EXPECT_FALSE(types.member("none", "number"));
  EXPECT_FALSE(types.size_of("none"));
  EXPECT_FALSE(types.member("s", "number.inner")) << "no structure";
}

TEST(BtfTypes, GoesDownIntoUnnamedAndEmbeddedStructures) {
  Writer w;
  const int inner = w.structure("inner", 8);
  w.field("low", w.int_type(), 0);
  w.field("high", w.int_type(), 32);
  const int choice = btf__add_union(w.get(), nullptr, 8);
  w.field("whole", w.pointer(), 0);
  w.field("", inner, 0);
  w.structure("outer", 32);
  w.field("first", w.pointer(), 0);
  w.field("", choice, 64);
  w.field("embedded", inner, 128);
  const BtfTypes types = w.parse();
  expect_member(types, "outer", "high", 12, 4);
  expect_member(types, "outer", "whole", 8, 8);
  expect_member(types, "outer", "embedded.high", 20, 4);
  expect_member(types, "outer", "embedded", 16, 8);
}

TEST(BtfTypes, BitFieldsAreNoMembers) {
  Writer w;
  w.structure("s", 4);
  w.field("bits", w.int_type(), 3, 2);
  w.field("whole", w.int_type(), 0, 0);
  const BtfTypes types = w.parse();
  EXPECT_FALSE(types.member("s", "bits"));
  expect_member(types, "s", "whole", 0, 4);
}

TEST(BtfTypes, FindsPerCpuVariablesAndEnumerators) {
  Writer w;
  const int variable = btf__add_var(w.get(), "current_task", BTF_VAR_GLOBAL_ALLOCATED, w.pointer());
  const int other = btf__add_var(w.get(), "plain", BTF_VAR_GLOBAL_ALLOCATED, w.pointer());
  btf__add_datasec(w.get(), ".data..percpu", 1024);
  btf__add_datasec_var_info(w.get(), variable, 512, 8);
  btf__add_datasec(w.get(), ".data", 1024);
  btf__add_datasec_var_info(w.get(), other, 8, 8);
  btf__add_enum(w.get(), "flags", 4);
  btf__add_enum_value(w.get(), "FIRST", 0);
  btf__add_enum_value(w.get(), "SECOND", 7);
  const BtfTypes types = w.parse();
  EXPECT_EQ(types.per_cpu_offset("current_task"), 512U);
  EXPECT_FALSE(types.per_cpu_offset("plain"));
  EXPECT_EQ(types.enum_value("flags", "SECOND"), 7U);
  EXPECT_FALSE(types.enum_value("flags", "THIRD"));
  EXPECT_FALSE(types.enum_value("none", "SECOND"));
}

TEST(BtfTypes, ThatContainThemselvesAreAsIfNotThere) {
  Writer w;
  const int self = w.structure("self", 8);
  w.field("", self, 0);
  w.field("", self, 0);
  const int loop = btf__add_typedef(w.get(), "loop", int(btf__type_cnt(w.get())) + 1);
  btf__add_typedef(w.get(), "pool", loop);
  w.structure("user", 8);
  w.field("member", loop, 0);
  const BtfTypes types = w.parse();
  EXPECT_FALSE(types.member("self", "anything"));
  expect_member(types, "user", "member", 0, 0);
}

TEST(BtfTypes, WhatIsNoBtfIsAnError) {
  const auto empty = BtfTypes::parse({});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().what, "kernel BTF: not valid");
  Writer w;
  w.structure("s", 4);
  auto bytes = w.bytes();
  bytes.resize(bytes.size() - 1);
  EXPECT_FALSE(BtfTypes::parse(bytes)) << "cut short";
  const auto missing = BtfTypes::load("/nonexistent/vmlinux");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().what,
            "read kernel BTF of /nonexistent/vmlinux: No such file or directory");
}

}  // namespace
}  // namespace fptrace::emu
