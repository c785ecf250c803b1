// SPDX-License-Identifier: MIT
/*
 * stress/trace/recorder.c - loaded before a program, records what it allocates
 *
 * malloc and its kin call those of whatever allocator the program has, and
 * write an event each (raw.h) into a shared mapping of a file.  So nothing is
 * to be flushed: _exit, a signal, an exec leave what there is.  A place is
 * drawn by one atomic addition, and nobody has a lock: a handler that allocates
 * in the middle of it draws the next place.
 *
 * The file is mapped a segment at a time, by whoever draws the first place in
 * it, and a segment is unmapped by who writes its last event: memory is bounded
 * by the threads that are writing.  The file is opened for that and closed
 * again, so that a program which closes all descriptors, or counts them, finds
 * none of ours.
 *
 * Everything that belongs to one process lies in one mapping, which the kernel
 * empties in a child (MADV_WIPEONFORK), however it was forked.  The child finds
 * nothing, and begins a file of its own.  A vfork child is in its parent's
 * memory, and what it does is its parent's.
 *
 * Not recorded is what is asked before there is an environment (by ld.so), what
 * dlsym() asks when it is called for the first time (that comes from a buffer),
 * and whatever does not come here: a program linked statically, or with a
 * malloc of its own, system calls.  When the disk is full, or the file cannot
 * be opened again, the program goes on and the events are counted as lost.
 *
 * Words: next (the program's allocator), segment, place (of an event in the
 * file), life (of a process since its fork).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "stress/trace/raw.h"

#define EXPORT __attribute__((visibility("default")))

enum {
	SEGMENT = 1 << 15, /* events */
	SEGMENT_BYTES = SEGMENT * sizeof(struct raw_event),
	SEGMENTS = 1 << 15, /* 2^30 events in all */
	EARLY_BYTES = 64 << 10,
	PATH = 3072,
};

enum {
	FRESH, /* as the kernel leaves it */
	BEGINNING,
	OFF,
	ON, /* and above: the life's own number */
};

/* (a) atomic, (c) constant once it is ON */
struct recording {
	uint64_t life;         /* (a) */
	uint64_t place;        /* (a) the next one */
	uint32_t threads;      /* (a) */
	struct raw_head *head; /* (c) */
	uint64_t start_ns;     /* (c) */
	char path[PATH + 64];  /* (c) */
	struct segment {
		struct raw_event *events; /* (a) NULL: not yet */
		uint64_t written;         /* (a) */
	} segments[SEGMENTS];
};

static struct recording *recording; /* (a) */
static char dir[PATH];              /* that was named at first */
static char none[1];                /* a segment that could not be had */

static __thread struct {
	uint64_t life;
	uint32_t thread;
} me __attribute__((tls_model("initial-exec")));

/* The allocator behind us. ----------------------------------------------------- */

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *ptr, size_t size);
	void (*free)(void *ptr);
	void *(*memalign)(size_t align, size_t size);
	void *(*aligned_alloc)(size_t align, size_t size);
	int (*posix_memalign)(void **ptr, size_t align, size_t size);
} next;

static __thread bool looking __attribute__((tls_model("initial-exec")));

/* Twice at once, or by two threads, is as good as once. */
static void look(void)
{
	int saved = errno;

	looking = true;
	next.calloc = dlsym(RTLD_NEXT, "calloc");
	next.realloc = dlsym(RTLD_NEXT, "realloc");
	next.free = dlsym(RTLD_NEXT, "free");
	next.memalign = dlsym(RTLD_NEXT, "memalign");
	next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	/* Last, with a release: who sees it sees the others. */
	__atomic_store_n(&next.malloc, dlsym(RTLD_NEXT, "malloc"),
			 __ATOMIC_RELEASE);
	looking = false;
	errno = saved;
}

/* False: it is we who are looking. */
static bool found(void)
{
	if (__builtin_expect(!!__atomic_load_n(&next.malloc, __ATOMIC_ACQUIRE),
			     1))
		return true;
	if (!looking)
		look();
	return !looking;
}

/* What is asked meanwhile: a word with the size lies before each block. */
static union {
	char bytes[EARLY_BYTES];
	max_align_t aligned;
} early;
static size_t early_used;

static void *early_alloc(size_t align, size_t size)
{
	size_t head = align < 16 ? 16 : align, at;

	if (size > EARLY_BYTES || head > EARLY_BYTES)
		return NULL;
	at = __atomic_fetch_add(&early_used, 2 * head + size, __ATOMIC_RELAXED);
	at = ((uintptr_t)early.bytes + at + 2 * head - 1) / head * head -
	     (uintptr_t)early.bytes;
	if (at + size > EARLY_BYTES)
		return NULL;
	memcpy(early.bytes + at - sizeof(size), &size, sizeof(size));
	return early.bytes + at;
}

static bool early_is(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)early.bytes < EARLY_BYTES;
}

static size_t early_size(const void *ptr)
{
	size_t size;

	memcpy(&size, (const char *)ptr - sizeof(size), sizeof(size));
	return size;
}

/* The file. -------------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Digits that sort as the number does. */
static char *hex(char *to, uint64_t n)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[n >> shift & 15];
	*to = '\0';
	return to;
}

/*
 * Room at the end, and a mapping of it.  A write beyond a limit of the program
 * would end it with SIGXFSZ, and one to a full disk through a mapping with
 * SIGBUS: so it is asked for here.
 */
static void *file_map(struct recording *r, int flags, off_t at, size_t len)
{
	struct rlimit most;
	void *p = MAP_FAILED;
	int fd;

	errno = EFBIG;
	if (!getrlimit(RLIMIT_FSIZE, &most) && (rlim_t)at + len > most.rlim_cur)
		return NULL;
	fd = open(r->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd < 0)
		return NULL;
	if (!fallocate(fd, 0, at, (off_t)len))
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
	close(fd);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_DONTFORK);
	return p;
}

/* getenv() may be the program's own. */
static bool dir_find(void)
{
	static const char name[] = RAW_ENV "=";

	for (char **e = environ; e && *e && !dir[0]; e++)
		if (!strncmp(*e, name, sizeof(name) - 1) &&
		    strlen(*e) - sizeof(name) + 1 < PATH)
			strcpy(dir, *e + sizeof(name) - 1);
	return dir[0];
}

static bool begin(struct recording *r)
{
	struct raw_head *h;
	char *end;

	r->start_ns = clock_ns();
	end = stpcpy(r->path, dir);
	*end++ = '/';
	end = hex(end, r->start_ns);
	*end++ = '-';
	hex(end, (uint64_t)getpid());
	h = file_map(r, O_CREAT | O_EXCL, 0, RAW_HEAD);
	if (!h)
		return false;
	memcpy(h->magic, RAW_MAGIC, sizeof(h->magic));
	h->pid = (uint32_t)getpid();
	prctl(PR_GET_NAME, h->command);
	r->head = h;
	return true;
}

static struct recording *recording_new(void)
{
	struct recording *r, *other = NULL;

	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r == MAP_FAILED)
		return NULL;
	if (madvise(r, sizeof(*r), MADV_WIPEONFORK) ||
	    !__atomic_compare_exchange_n(&recording, &other, r, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		munmap(r, sizeof(*r));
		return other;
	}
	return r;
}

/*
 * The process' recording, if it is on.  Who finds it beginning leaves his event
 * out: that is a handler, or a thread that a fresh child has started without
 * asking for memory.
 */
static struct recording *recording_on(uint64_t *life)
{
	struct recording *r = __atomic_load_n(&recording, __ATOMIC_ACQUIRE);
	uint64_t fresh = FRESH;

	if (!r && (!dir_find() || !(r = recording_new())))
		return NULL;
	*life = __atomic_load_n(&r->life, __ATOMIC_ACQUIRE);
	if (*life >= ON)
		return r;
	if (*life != FRESH ||
	    !__atomic_compare_exchange_n(&r->life, &fresh, BEGINNING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return NULL;
	*life = begin(r) ? ON + (uint64_t)getpid() : OFF;
	__atomic_store_n(&r->life, *life, __ATOMIC_RELEASE);
	return *life == OFF ? NULL : r;
}

static struct raw_event *segment_map(struct recording *r, uint64_t nth)
{
	struct raw_event *was = NULL, *p;

	p = file_map(r, 0, (off_t)(RAW_HEAD + nth * SEGMENT_BYTES),
		     SEGMENT_BYTES);
	if (!p) {
		r->head->error = errno;
		p = (void *)none;
	}
	if (__atomic_compare_exchange_n(&r->segments[nth].events, &was, p,
					false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return p;
	if (p != (void *)none)
		munmap(p, SEGMENT_BYTES);
	return was;
}

/* Where an event goes; NULL: it is lost. */
static struct raw_event *event_at(struct recording *r, uint64_t place)
{
	uint64_t nth = place / SEGMENT;
	struct raw_event *events = NULL;

	if (nth < SEGMENTS) {
		events = __atomic_load_n(&r->segments[nth].events,
					 __ATOMIC_ACQUIRE);
		if (!events)
			events = segment_map(r, nth);
	}
	if (events && events != (void *)none)
		return events + place % SEGMENT;
	__atomic_fetch_add(&r->head->lost, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The last to write in a segment unmaps it: nobody else has a place there. */
static void event_written(struct recording *r, uint64_t place)
{
	struct segment *s = &r->segments[place / SEGMENT];

	if (__atomic_add_fetch(&s->written, 1, __ATOMIC_ACQ_REL) == SEGMENT)
		munmap(s->events, SEGMENT_BYTES);
}

static uint64_t now(struct recording *r, uint64_t life)
{
	if (me.life != life) {
		me.life = life;
		me.thread =
			__atomic_fetch_add(&r->threads, 1, __ATOMIC_RELAXED);
	}
	return (clock_ns() - r->start_ns) / 1000 << RAW_THREAD_BITS |
	       (me.thread & ((1u << RAW_THREAD_BITS) - 1));
}

/* Its place; of use if it is the beginning of something. */
static uint64_t record(enum raw_op op, const void *ptr, size_t align,
		       size_t size, uint64_t begun)
{
	int saved = errno;
	uint64_t life, place = 0;
	struct recording *r = recording_on(&life);
	struct raw_event *e;

	if (!r)
		goto out;
	place = __atomic_fetch_add(&r->place, 1, __ATOMIC_RELAXED);
	e = event_at(r, place);
	if (!e)
		goto out;
	e->when = now(r, life);
	e->size = (uint64_t)__builtin_ctzll(align) << 56 | size;
	e->begun = begun;
	__atomic_store_n(&e->op_addr, (uint64_t)op << 56 | (uintptr_t)ptr,
			 __ATOMIC_RELEASE);
	event_written(r, place);
out:
	errno = saved;
	return place;
}

/* Who asks for nothing leaves a file too. */
__attribute__((constructor)) static void start(void)
{
	uint64_t life;

	recording_on(&life);
}

/* What programs call. ------------------------------------------------------------ */

EXPORT void *malloc(size_t size)
{
	void *ptr;

	if (!found())
		return early_alloc(1, size);
	ptr = next.malloc(size);
	if (ptr)
		record(RAW_MALLOC, ptr, 1, size, 0);
	return ptr;
}

EXPORT void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *ptr;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (!found()) /* the buffer is clear, and nothing there is had twice */
		return early_alloc(1, bytes);
	ptr = next.calloc(n, size);
	if (ptr)
		record(RAW_CALLOC, ptr, 1, bytes, 0);
	return ptr;
}

EXPORT void free(void *ptr)
{
	if (!ptr || early_is(ptr) || !found())
		return;
	record(RAW_FREE, ptr, 1, 0, 0);
	next.free(ptr);
}

static void *leave_early(const void *ptr, size_t size)
{
	size_t had = early_size(ptr);
	void *copy = malloc(size);

	return copy ? memcpy(copy, ptr, had < size ? had : size) : NULL;
}

EXPORT void *realloc(void *ptr, size_t size)
{
	uint64_t begun;
	void *moved;

	if (!ptr)
		return malloc(size);
	if (early_is(ptr))
		return leave_early(ptr, size);
	if (!found())
		return NULL;
	begun = record(RAW_MOVE, ptr, 1, 0, 0);
	moved = next.realloc(ptr, size);
	record(moved ? RAW_MOVED :
	       size  ? RAW_KEPT :
		       RAW_GONE,
	       moved ? moved : ptr, 1, size, begun);
	return moved;
}

/* As others see it, it is realloc() alone. */
EXPORT void *reallocarray(void *ptr, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, bytes);
}

static void *aligned(void *ptr, size_t align, size_t size)
{
	if (ptr)
		record(RAW_ALIGNED, ptr, align ? align : 1, size, 0);
	return ptr;
}

EXPORT void *memalign(size_t align, size_t size)
{
	if (!found())
		return early_alloc(align, size);
	return aligned(next.memalign(align, size), align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	if (!found())
		return early_alloc(align, size);
	return aligned(next.aligned_alloc(align, size), align, size);
}

EXPORT int posix_memalign(void **ptr, size_t align, size_t size)
{
	int err;

	if (!found())
		return (*ptr = early_alloc(align, size)) ? 0 : ENOMEM;
	err = next.posix_memalign(ptr, align, size);
	if (!err)
		aligned(*ptr, align, size);
	return err;
}

EXPORT void *valloc(size_t size)
{
	return memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

EXPORT void *pvalloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return memalign(page, (size + page - 1) / page * page);
}
