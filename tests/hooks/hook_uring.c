/* SPDX-License-Identifier: MIT */
/* libs: -luring */
/* tests/hooks/hook_uring.c - a file written and read by registered buffers */
#include <errno.h>
#include <percu/hook/uring.h>
#include <pthread.h>
#include <sys/resource.h>

#include "hook.h"

enum {
	BUFS = 64,
	SIZE = 4000, /* of which percu makes 4032 */
};

static struct io_uring ring;
static struct percu_hook_uring u;

static int complete(struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	int res;

	must(sqe && io_uring_submit_and_wait(&ring, 1) == 1);
	must(!io_uring_wait_cqe(&ring, &cqe));
	res = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return res;
}

static int transfer(bool out, int fd, void *buf, unsigned int i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (out)
		io_uring_prep_write_fixed(sqe, fd, buf, SIZE, i * SIZE,
					  PERCU_HOOK_URING_INDEX);
	else
		io_uring_prep_read_fixed(sqe, fd, buf, SIZE, i * SIZE,
					 PERCU_HOOK_URING_INDEX);
	return complete(sqe);
}

/* All of them at once: the kernel takes each, and they do not overlap. */
static void all_work(int fd)
{
	char *buf[BUFS];

	for (unsigned int i = 0; i < BUFS; i++) {
		buf[i] = percu_pool_get(u.pool);
		must(buf[i]);
		memset(buf[i], (int)i + 1, SIZE);
	}
	must(!percu_pool_get(u.pool) && errno == ENOMEM);
	for (unsigned int i = 0; i < BUFS; i++)
		must(transfer(true, fd, buf[i], i) == SIZE);
	for (unsigned int i = 0; i < BUFS; i++)
		memset(buf[i], 0, SIZE);
	for (unsigned int i = 0; i < BUFS; i++) {
		must(transfer(false, fd, buf[BUFS - 1 - i], i) == SIZE);
		for (int k = 0; k < SIZE; k++)
			must(buf[BUFS - 1 - i][k] == (char)(i + 1));
	}
	must(percu_hook_uring_exit(&u) == -EBUSY);
	for (unsigned int i = 0; i < BUFS; i++)
		percu_pool_put(u.pool, buf[i]);
}

static void *churn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		char *buf = percu_pool_get(u.pool);

		must(buf); /* four threads, and enough for all of them */
		must(buf[0] == 0);
		buf[0] = 1;
		must(buf[0] == 1);
		buf[0] = 0;
		percu_pool_put(u.pool, buf);
	}
	return NULL;
}

/* Nobody has what another has; ageing takes none away. */
static void shared(void)
{
	pthread_t t[4];
	char *buf[BUFS];

	for (int i = 0; i < BUFS; i++) {
		buf[i] = percu_pool_get(u.pool);
		must(buf[i]);
		buf[i][0] = 0;
	}
	for (int i = 0; i < BUFS; i++)
		percu_pool_put(u.pool, buf[i]);
	for (int i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, churn, NULL));
	for (int i = 0; i < 4; i++)
		must(!pthread_join(t[i], NULL));
	percu_pool_shrink(u.pool);
	percu_age();
}

static rlim_t locked_max(void)
{
	struct rlimit r;

	must(!getrlimit(RLIMIT_MEMLOCK, &r));
	return r.rlim_cur;
}

int main(void)
{
	FILE *file = tmpfile();
	void *other = malloc(SIZE);
	int err = io_uring_queue_init(8, &ring, 0);

	if (err == -ENOSYS || err == -EPERM) {
		printf("skipped: no io_uring here: %s\n", strerror(-err));
		return 0;
	}
	must(!err && file && other);
	hook_begin();
	must(percu_hook_uring_init(&u, &ring, 0, 1) == -EINVAL);
	must(percu_hook_uring_init(&u, &ring, SIZE_MAX / 2, 9) == -EINVAL);
	err = percu_hook_uring_init(&u, &ring, SIZE, BUFS);
	if (err == -ENOMEM && locked_max() < BUFS * (SIZE + 4096)) {
		printf("skipped: RLIMIT_MEMLOCK does not let it register\n");
		return 0;
	}
	must(!err);
	must(hook_bytes() >= BUFS * SIZE);
	shared();
	all_work(fileno(file));
	/* It is the registration that lets them in. */
	must(transfer(true, fileno(file), other, 0) == -EFAULT);
	must(!percu_hook_uring_exit(&u));
	io_uring_queue_exit(&ring);
	fclose(file);
	free(other);
	return hook_end("uring", BUFS);
}
