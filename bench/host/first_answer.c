/* first_answer.c - how long it takes from fork to the first answered request.
 *
 *     first_answer ADDRESS PORT PROGRAM [ARGUMENT...]
 *
 * Forks and runs the program, tries to connect until it listens, asks for /1k.html and waits for
 * the first bytes of the answer. Prints the nanoseconds, then ends the program with SIGTERM. A
 * program of its own, in C, because what is measured takes less time than an interpreter needs for
 * a fork.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int64_t GIVE_UP_NS = 10000000000;
static const char request[] = "GET /1k.html HTTP/1.1\r\nHost: bench\r\n\r\n";

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static pid_t program_start(char *words[])
{
    pid_t process = fork();
    if (process == 0) {
        (void)execvp(words[0], words);
        fprintf(stderr, "first_answer: cannot run %s: %s\n", words[0], strerror(errno));
        _exit(127);
    }
    return process;
}

/* One attempt: connects, asks, and reads the beginning of the answer. */
static int is_answered(const struct sockaddr_in *server)
{
    char answer[16];
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int answered = connect(descriptor, (const struct sockaddr *)server, sizeof *server) == 0 &&
                   write(descriptor, request, sizeof request - 1) == sizeof request - 1 &&
                   read(descriptor, answer, sizeof answer) == sizeof answer &&
                   memcmp(answer, "HTTP/1.1 200", 12) == 0;
    (void)close(descriptor);
    return answered;
}

static int has_ended(pid_t process)
{
    return waitpid(process, NULL, WNOHANG) == process;
}

int main(int count, char *words[])
{
    if (count < 4) {
        fprintf(stderr, "usage: first_answer ADDRESS PORT PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    struct sockaddr_in server = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(words[2])) };
    if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1) {
        fprintf(stderr, "first_answer: %s is no IPv4 address\n", words[1]);
        return 2;
    }
    int64_t begin_ns = now_ns();
    pid_t process = program_start(words + 3);
    int answered = 0, ended = 0;
    while (!answered && !ended && now_ns() - begin_ns < GIVE_UP_NS) {
        answered = is_answered(&server);
        if (!answered) ended = has_ended(process);
    }
    int64_t end_ns = now_ns();
    if (!ended) {
        (void)kill(process, SIGTERM);
        (void)waitpid(process, NULL, 0);
    }
    if (!answered) {
        fprintf(stderr, "first_answer: %s did not answer\n", words[3]);
        return 1;
    }
    printf("%lld\n", (long long)(end_ns - begin_ns));
    return 0;
}
