/* SPDX-License-Identifier: MIT */
/*
 * bench/cases.h - a case is case_NAME(); a job of a worker is work_JOB()
 */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include <stdbool.h>

bool case_counts(void);
bool case_pair(void);
bool case_malloc(void);
bool case_start(void);
bool case_sets(void);
bool case_go(void);
bool case_threads(void);
bool case_pools(void);
bool case_handover(void);
bool case_exchange(void);
bool case_idle(void);
bool case_churn(void);
bool case_bulk(void);
bool case_ctor(void);
bool case_latency(void);
bool case_drift(void);
bool case_retire(void);
bool case_flood(void);
bool case_vec_get(void);
bool case_vec_scan(void);
bool case_vec_lock(void);
bool case_vec_writer(void);
bool case_vec_flat(void);
bool case_vec_edit(void);
bool case_vec_ways(void);
bool case_vec_batch(void);
bool case_model(void);
#define MODEL_OUTSIDE "points outside of what is predicted" /* its row */

int work_field(char **args);
int work_pools(char **args);
int work_churn(char **args);
int work_ctor(char **args);
int work_flood(char **args);

#endif /* BENCH_CASES_H */
