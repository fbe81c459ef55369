# What `cmake --install` and the Debian package contain. Included last: it needs the targets.
include(GNUInstallDirs)

set(completions ${CMAKE_BINARY_DIR}/completions)
add_custom_command(
  OUTPUT ${completions}/fptrace ${completions}/_fptrace ${completions}/fptrace.fish
  COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}
  COMMAND fptrace completion bash > ${completions}/fptrace
  COMMAND fptrace completion zsh > ${completions}/_fptrace
  COMMAND fptrace completion fish > ${completions}/fptrace.fish
  DEPENDS fptrace
  COMMENT "Shell completions"
  VERBATIM)
# -n: no time stamp, so that equal sources give equal packages.
set(man_page ${CMAKE_BINARY_DIR}/fptrace.1.gz)
add_custom_command(
  OUTPUT ${man_page}
  COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/docs/fptrace.1 > ${man_page}
  DEPENDS ${CMAKE_SOURCE_DIR}/docs/fptrace.1
  VERBATIM)
add_custom_target(install_files ALL DEPENDS ${completions}/fptrace ${man_page})

install(TARGETS fptrace RUNTIME)
install(TARGETS fptrace_plugin LIBRARY DESTINATION lib/fptrace)  # where find_plugin() looks
if(TARGET fptrace_taint_jit)
  install(TARGETS fptrace_taint_jit LIBRARY DESTINATION lib/fptrace COMPONENT jit)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/fptrace-taint-jit RENAME copyright
          COMPONENT jit)
endif()
install(FILES ${man_page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${completions}/fptrace DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${completions}/_fptrace DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${completions}/fptrace.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
file(GLOB documents CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md ${CMAKE_SOURCE_DIR}/docs/*.json
     ${CMAKE_SOURCE_DIR}/common/log/*.proto ${CMAKE_SOURCE_DIR}/fingerprint/*.proto)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fptrace)
set(CPACK_PACKAGE_VENDOR "The fptrace developers")
set(CPACK_PACKAGE_CONTACT "The fptrace developers <fptrace@localhost>")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The compiler of hot blocks needs all of LLVM, so it is a package of its own. A description's first
# line is its summary.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME fptrace)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SUGGESTS
    "qemu-system-x86 (>= 1:10.0), qemu-utils, fptrace-taint-jit")
set(CPACK_DEBIAN_UNSPECIFIED_DESCRIPTION
"finds out what a program touches and depends on
fptrace runs a program, watches its whole process tree with ptrace and seccomp,
or records it in a virtual machine and follows its data through the replay. It
writes a manifest of the files it depends on: their roles, content hashes, ELF
identities and packages, what was missing and what was made.")
set(CPACK_DEBIAN_JIT_PACKAGE_NAME fptrace-taint-jit)
set(CPACK_DEBIAN_JIT_PACKAGE_DEPENDS "fptrace (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_JIT_DESCRIPTION
"compiles the code that fptrace taint meets often
It follows labels faster with this, and finds the same without. Nothing else of
fptrace needs it.")
include(CPack)
