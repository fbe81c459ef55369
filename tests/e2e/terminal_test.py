#!/usr/bin/env python3
"""What happens at a terminal: job control, Ctrl-C, Ctrl-Z, under fptrace as without it."""

import os
import pty
import re
import select
import signal
import sys
import time

import harness
from harness import Failure, check, need

PROMPT = "ready> "


class Terminal:
    """A program whose terminal we are; what it says is kept from one expect() to the next."""

    def __init__(self, argv, cwd):
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            os.environ.update(PS1=PROMPT, TERM="dumb", HISTFILE="/dev/null")
            os.execvp(argv[0], [str(a) for a in argv])
        self.pid, self.fd, self.seen = pid, fd, ""

    def expect(self, pattern, seconds=20):
        """What came up to the end of the pattern."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            if left < 0 or not select.select([self.fd], [], [], left)[0]:
                tree = [harness.describe(pid) for pid in harness.descendants()]
                raise Failure(f"no {pattern!r} within {seconds} s after {self.seen!r}\n  " + "\n  ".join(tree))
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:  # EIO: nobody has the terminal open any more
                raise Failure(f"ended before {pattern!r}, after {self.seen!r}") from None
        before, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return before

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def status(self, seconds=20):
        """How it ended: as subprocess has it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.02)[0]:
                try:
                    os.read(self.fd, 65536)  # so that it never waits for us
                except OSError:
                    time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        raise Failure(f"does not end: {[harness.describe(pid) for pid in harness.descendants()]}")


def play(argv, steps, cwd):
    """The session as text, with its end. Steps: (keys, pattern) or a function of the Terminal."""
    terminal, said = Terminal(argv, cwd), []
    for step in steps:
        if callable(step):
            step(terminal)
        else:
            keys, pattern = step
            terminal.send(keys)
            said.append(terminal.expect(pattern))
    said.append(f"ended: {terminal.status()}")
    return [comparable(text) for text in said]


def comparable(text):
    """What was said without what is chance: pids, and where the echo of a key that signals comes. The kernel
    sends the signal before it echoes (n_tty.c, n_tty_receive_signal_char), so a shell may speak in between."""
    return re.sub(r"\[(\d)\] \d{2,}", r"[\1] PID", re.sub(r"\^[CZ\\]", "", text.replace("\r", "")))


def compare(scratch, mode, argv, steps):
    sessions = []
    for command in (argv, scratch.traced(mode, argv)):
        sessions.append(play(command, steps, scratch.work()))
        left = harness.wait_until_none_left(5)
        check(not left, f"left behind by {command}: {left}")
    untraced, traced = sessions
    for before, after in zip(untraced, traced):
        check(before == after, f"untraced: {before!r}\n  traced:   {after!r}")
    return traced


def stopped(name):
    """A step that waits until a process of that name is stopped, or runs again."""
    def states():
        return [harness.describe(pid) for pid in harness.descendants()]

    def step(_, want):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if any(name in s and (s.split()[1] in "Tt") == want for s in states()):
                return
            time.sleep(0.02)
        raise Failure(f"{name} is not {'stopped' if want else 'running'}: {states()}")

    return (lambda terminal: step(terminal, True)), (lambda terminal: step(terminal, False))


def pause(seconds):
    return lambda terminal: time.sleep(seconds)


BASH = ["bash", "--norc", "--noprofile", "--noediting", "-i"]


def bash_job_control(scratch, mode):
    """An interactive shell under fptrace runs, stops, continues and ends its jobs."""
    need("bash")
    is_stopped, is_running = stopped("sleep 77")
    said = compare(scratch, mode, BASH, [
        ("", PROMPT),
        ("sleep 77 &\n", r"\[1\] \d+\r\n" + PROMPT),
        ("jobs\n", r"Running +sleep 77 &\r\n" + PROMPT),
        ("fg\n", r"fg\r\nsleep 77\r\n"),
        pause(0.3),  # until the shell has given it the terminal
        ("\x1a", r"Stopped +sleep 77\r\n" + PROMPT),
        is_stopped,
        ("jobs\n", r"Stopped +sleep 77\r\n" + PROMPT),
        ("bg\n", r"\[1\]\+ sleep 77 &\r\n" + PROMPT),
        is_running,
        ("jobs\n", r"Running +sleep 77 &\r\n" + PROMPT),
        ("fg\n", r"fg\r\nsleep 77\r\n"),
        pause(0.3),
        ("\x03", PROMPT),
        ("echo status $?\n", r"status \d+\r\n" + PROMPT),
        ("sleep 0.1 | cat; echo $?\n", r"\n0\r\n" + PROMPT),
        ("\x03", PROMPT),
        ("cat\n", r"cat\r\n"),
        pause(0.3),
        ("line\n", r"line\r\nline\r\n"),
        ("\x04", PROMPT),
        ("exit 4\n", "exit"),
    ])
    check("status 130" in "".join(said) and said[-1] == "ended: 4", f"{said}")


def job_of_shell(scratch, mode):
    """`fptrace -- PROGRAM` is itself a job that the shell around it stops, continues and ends."""
    need("bash")
    said = []
    for words in (["sleep", "78"], scratch.traced(mode, ["sleep", "78"])):
        is_stopped, is_running = stopped("sleep 78")
        terminal = Terminal(BASH, scratch.work())
        terminal.expect(PROMPT)
        terminal.send(" ".join(map(str, words)) + "\n")
        time.sleep(0.7)
        talk = []
        for keys, pattern, then in (("\x1a", r"Stopped[^\n]*\n" + PROMPT, is_stopped),
                                    ("bg\n", r" &\r\n" + PROMPT, is_running),
                                    ("jobs\n", r"Running[^\n]*\n" + PROMPT, None),
                                    ("fg\n", r"sleep 78\r\n", pause(0.3)),
                                    ("\x1a", r"Stopped[^\n]*\n" + PROMPT, is_stopped),
                                    ("fg\n", r"sleep 78\r\n", is_running)):
            terminal.send(keys)
            text = terminal.expect(pattern)
            talk.append(re.sub(r"\S*fptrace run.* -- ", "", text).replace("  ", ""))
            if then:
                then(terminal)
        time.sleep(0.3)
        terminal.send("\x03")
        terminal.expect(PROMPT)
        terminal.send("echo status $?\n")
        talk.append(terminal.expect(r"status \d+\r\n"))
        terminal.send("exit\n")
        terminal.status()
        check("status 130" in talk[-1], f"after Ctrl-C: {talk}")
        said.append(talk)
    check(len(said[0]) == len(said[1]), f"{said}")


def ctrl_c_caught(scratch, mode):
    """Ctrl-C and Ctrl-\\ reach the program once, which decides; fptrace lives on to say how it ended."""
    # A shell in `wait` runs its trap at once; one that waits for a foreground program may not at all, nor
    # one that is just about to wait, hence the pauses.
    script = ("trap 'echo caught' INT; trap 'echo quits; kill $!; exit 3' QUIT; sleep 90 & echo up; "
              "while :; do wait; done")
    said = compare(scratch, mode, ["bash", "-c", script], [
        ("", "up\r\n"), pause(0.3), ("\x03", "caught\r\n"), pause(0.3), ("\x03", "caught\r\n"), pause(0.3),
        ("\x1c", "quits\r\n")])
    check(said[-1] == "ended: 3", f"{said}")
    check(scratch.manifest.exists(), "no manifest")


def ctrl_c_kills(scratch, mode):
    said = compare(scratch, mode, ["sh", "-c", "echo up; exec sleep 79"], [
        ("", "up\r\n"), pause(0.5), lambda terminal: terminal.send("\x03")])
    check(said[-1] == f"ended: {-signal.SIGINT}", f"{said}")
    check(scratch.manifest.exists(), "no manifest")


def hangup(scratch, mode):
    """When the terminal goes away, the program and fptrace do too."""
    for command in (["sh", "-c", "echo up; exec sleep 80"],
                    scratch.traced(mode, ["sh", "-c", "echo up; exec sleep 80"])):
        terminal = Terminal(command, scratch.work())
        terminal.expect("up\r\n")
        time.sleep(0.3)
        os.close(terminal.fd)
        end = time.monotonic() + 10
        while True:
            pid, status = os.waitpid(terminal.pid, os.WNOHANG)
            if pid or time.monotonic() > end:
                break
            time.sleep(0.02)
        check(pid, f"{command} goes on without a terminal")
        check(os.waitstatus_to_exitcode(status) == -signal.SIGHUP, f"{command}: {status}")


def window_size(scratch, mode):
    """The terminal itself is the program's: its size, its settings."""
    compare(scratch, mode, ["sh", "-c", "stty size; stty -a; tty >/dev/null && echo tty; test -t 0 && test -t 2 "
                            "&& echo all; stty -echo; stty -a | grep -o -e '-echo '; stty sane; echo over"],
            [("", "over\r\n")])


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        bash_job_control, job_of_shell, ctrl_c_caught, ctrl_c_kills, hangup, window_size)}))
