/* SPDX-License-Identifier: MIT */
/* tests/malloc/tls.c - takes most of what the loader keeps of static TLS */
__attribute__((tls_model("initial-exec"))) __thread char taken[1024];

char *take(void)
{
	return taken;
}
