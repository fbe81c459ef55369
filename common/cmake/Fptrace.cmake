# fptrace_library(NAME SOURCES ... [DEPS ...])  ->  target fptrace_NAME, alias fptrace::NAME
function(fptrace_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  if(A_SOURCES)
    add_library(fptrace_${name} STATIC ${A_SOURCES})
    target_link_libraries(fptrace_${name} PUBLIC fptrace_options ${A_DEPS})
  else()
    add_library(fptrace_${name} INTERFACE)
    target_link_libraries(fptrace_${name} INTERFACE fptrace_options ${A_DEPS})
  endif()
  add_library(fptrace::${name} ALIAS fptrace_${name})
endfunction()

# fptrace_test(NAME SOURCES ... DEPS ... [LABELS ...])  one binary per directory under test
function(fptrace_test name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_DEPS} GTest::gmock GTest::gtest_main)
  # GoogleTest's macros take the optimizer longer than all the rest, and nobody waits for a test.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-O1 -g1>)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120 LABELS "${A_LABELS}")
endfunction()
