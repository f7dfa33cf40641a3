/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison: what a guest must not call does not compile. Include it last, after all system headers.
 */
#pragma GCC poison malloc calloc realloc reallocarray free strdup asprintf
#pragma GCC poison printf fprintf sprintf snprintf puts fopen fclose fwrite fread
#pragma GCC poison getenv setenv pthread_mutex_lock pthread_create abort exit
