/* Lies about the wall clock: adds what the file SLAD_TEST_WALL says (8 bytes, ns) to CLOCK_REALTIME, and to nothing else.
 * Preloaded into a daemon under test; the machine's clock stays as it is. Built by tests/clock_steps. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *ahead_ns;

__attribute__((constructor)) static void find(void) {
  const char *path = getenv("SLAD_TEST_WALL");
  int fd = path ? open(path, O_RDONLY) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof *ahead_ns, PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) ahead_ns = page;
  close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  long failed = syscall(SYS_clock_gettime, clock, at);
  if (failed || clock != CLOCK_REALTIME || !ahead_ns) return (int)failed;
  int64_t ns = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + *ahead_ns;
  at->tv_sec = ns / 1000000000;
  at->tv_nsec = ns % 1000000000;
  return 0;
}
