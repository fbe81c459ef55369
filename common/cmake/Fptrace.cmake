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
  target_compile_options(${name} PRIVATE -O0 -g1)
  # Its headers are most of what the compiler reads for a test. With the optimizer's help GCC 12 would
  # take mistakes of the library for the test's (array-bounds); there is none here.
  if(FPTRACE_PRECOMPILE)
    if(NOT TARGET fptrace_test_headers)
      file(WRITE ${CMAKE_BINARY_DIR}/test_headers.cc "")
      add_library(fptrace_test_headers OBJECT ${CMAKE_BINARY_DIR}/test_headers.cc)
      target_link_libraries(fptrace_test_headers PRIVATE fptrace_options GTest::gmock)
      target_compile_options(fptrace_test_headers PRIVATE -O0 -g1)
      target_precompile_headers(fptrace_test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    target_precompile_headers(${name} REUSE_FROM fptrace_test_headers)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120 LABELS "${A_LABELS}")
endfunction()
