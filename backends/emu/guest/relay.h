#pragma once
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>

#include "backends/emu/guest/port.h"
#include "backends/emu/guest/program.h"

namespace fptrace::emu {

// Passes the program's streams on until all its processes have ended. Init is the parent of all
// whose own parent has gone, so none is overlooked.
class Relay {
 public:
  Relay(Port& port, const Program& program) : port_(port), program_(program) {}
  // Returns the program's wait status.
  int run();

 private:
  void wait(int signals);
  void handle(Port::Frame frame);
  void queue_input(std::string piece);
  void feed_input();
  void drop_input();
  // Whether there may be more.
  bool pass_output(int& fd, ToHost type);
  void close_stream(const std::string& number);
  void send_signal(const std::string& number);
  void reap();

  Port& port_;
  Program program_;
  std::deque<std::string> input_;  // what the program has not taken yet
  size_t taken_ = 0;               // of the first of them
  uint64_t input_bytes_ = 0;       // that ever came
  bool input_ended_ = false;
  bool all_ended_ = false;
  int status_ = 0;
};

}  // namespace fptrace::emu
