// Says whom the paths on standard input, one a line, belong to: `owners_probe ROOT`. One line each:
// MANAGER NAME VERSION ARCH of every owner, "config" behind them if it is a configuration file, in
// columns separated by tabs. What could not be read goes to standard error.
#include <iostream>
#include <string>

#include "fingerprint/packages/owners.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  fptrace::Owners owners(argv[1]);
  for (std::string path; std::getline(std::cin, path);) {
    const fptrace::Ownership owned = owners.find(path);
    for (const fptrace::Package& p : owned.packages) {
      std::cout << p.manager << ' ' << p.name << ' ' << p.version << ' ' << p.arch << '\t';
    }
    std::cout << (owned.config ? "config\n" : "\n");
  }
  for (const std::string& problem : owners.problems()) std::cerr << problem << '\n';
  return 0;
}
