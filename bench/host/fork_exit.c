/* fork_exit.c - how long two programs take from fork to their exit, in alternation.
 *
 *     fork_exit PAIRS PROGRAM [ARGUMENT...] -- PROGRAM [ARGUMENT...]
 *
 * Prints a line of two numbers of nanoseconds a pair. What the programs say is dropped; one that
 * ends with another status than 0 ends this, too. A program of its own, in C, because what is
 * measured takes less time than an interpreter needs for a fork.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void program_become(char *words[], int nowhere)
{
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)execvp(words[0], words);
    fprintf(stderr, "fork_exit: cannot run %s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static int64_t measure(char *words[], int nowhere)
{
    int status = 0;
    int64_t begin_ns = now_ns();
    pid_t process = fork();
    if (process == 0) program_become(words, nowhere);
    if (process < 0 || waitpid(process, &status, 0) != process) {
        perror("fork_exit");
        exit(1);
    }
    int64_t end_ns = now_ns();
    if (status != 0) {
        fprintf(stderr, "fork_exit: %s ended with wait status 0x%x\n", words[0], (unsigned)status);
        exit(1);
    }
    return end_ns - begin_ns;
}

/* Ends the first program's words where the second's begin; NULL: there is no second. */
static char **words_divide(char *words[])
{
    while (*words != NULL && strcmp(*words, "--") != 0)
        words++;
    if (*words == NULL || words[1] == NULL) return NULL;
    *words = NULL;
    return words + 1;
}

int main(int count, char *words[])
{
    char **second = count < 5 ? NULL : words_divide(words + 2);
    if (second == NULL) {
        fprintf(stderr, "usage: fork_exit PAIRS PROGRAM [ARGUMENT...] -- PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int pairs = atoi(words[1]); pairs > 0; pairs--) {
        int64_t first_ns = measure(words + 2, nowhere);
        int64_t second_ns = measure(second, nowhere);
        printf("%lld %lld\n", (long long)first_ns, (long long)second_ns);
    }
    return 0;
}
