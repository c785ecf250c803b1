/* SPDX-License-Identifier: MIT */
/* libs: -lssl -lcrypto */
/* tests/hooks/hook_openssl.c - a certificate, and a TLS session in memory */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <percu/hook/openssl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook.h"

static X509 *certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	must(cert);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	name = X509_get_subject_name(cert);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)"localhost", -1,
					-1, 0));
	X509_set_issuer_name(cert, name);
	must(X509_sign(cert, key, EVP_sha256()));
	return cert;
}

static SSL_CTX *server(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert;

	must(ctx && key);
	cert = certificate(key);
	must(SSL_CTX_use_certificate(ctx, cert) == 1);
	must(SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

static SSL_CTX *client(SSL_CTX *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	must(ctx);
	must(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx),
				 SSL_CTX_get0_certificate(s)));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

static void shake_hands(SSL *c, SSL *s)
{
	int done = 0;

	for (int turn = 0; turn < 20 && done != 2; turn++)
		done = (SSL_do_handshake(c) == 1) + (SSL_do_handshake(s) == 1);
	must(done == 2);
	must(SSL_get_verify_result(c) == X509_V_OK);
}

static void talk(SSL *from, SSL *to)
{
	static char text[16384], back[16384];
	int n = 0, got;

	hook_text(text, sizeof(text));
	must(SSL_write(from, text, sizeof(text)) == sizeof(text));
	while (n < (int)sizeof(back)) {
		got = SSL_read(to, back + n, (int)sizeof(back) - n);
		must(got > 0);
		n += got;
	}
	must(!memcmp(text, back, sizeof(text)));
}

static void session(void)
{
	SSL_CTX *sctx = server(), *cctx = client(sctx);
	SSL *s = SSL_new(sctx), *c = SSL_new(cctx);
	BIO *sbio, *cbio;

	must(s && c && BIO_new_bio_pair(&sbio, 65536, &cbio, 65536));
	SSL_set_bio(s, sbio, sbio);
	SSL_set_bio(c, cbio, cbio);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	shake_hands(c, s);
	talk(c, s);
	talk(s, c);
	must(hook_bytes() > 100000);
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cctx);
	SSL_CTX_free(sctx);
}

/* In a process of its own: something was allocated before. */
static void too_late(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		void *p = OPENSSL_malloc(1);

		must(p && !percu_hook_openssl() && hook_calls() == 0);
		OPENSSL_free(p);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
}

/* OpenSSL's own allocator answers 0 with NULL, and frees by realloc(). */
static void of_no_size(void)
{
	char *p;

	must(!OPENSSL_malloc(0));
	p = OPENSSL_malloc(10);
	must(p && hook_bytes() > 0);
	must(!OPENSSL_realloc(p, 0) && hook_bytes() == 0);
	p = OPENSSL_realloc(NULL, 10);
	must(p);
	OPENSSL_free(p);
	must(hook_bytes() == 0);
}

int main(void)
{
	hook_begin();
	too_late();
	must(percu_hook_openssl() == 1);
	of_no_size();
	session();
	OPENSSL_cleanup();
	return hook_end("openssl", 5000);
}
