// trace: where a thread is, as text on standard error: when the program crashes, and when somebody asks.
//
// Handlers of signals write it, so it allocates and locks nothing, and waits for nobody who reads (what does
// not get out at once is lost). Each line is the program, the function
// where it is a global one, and the offset; docs/operations.md tells how an offset becomes a line of source.
// The signal then does what it would have done: the exit status and a core dump stay.
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <pthread.h>
#include <signal.h>

// Once, at the start, on the main thread; `version` lives for ever. Under a sanitizer, which has a report of
// its own for the rest, aborts alone are taken.
void trace_install(const char *version);
// At the start of a thread: a stack of its own for the handler, for when the thread's is used up.
void trace_thread_begin(void);
// Leaves the signal of trace_thread out of those that a thread is to be spared.
void trace_unblock(sigset_t *blocked);
// Asks another thread to write where it is. One that hangs in the kernel beyond the reach of signals says
// nothing.
void trace_thread(pthread_t thread);

#endif
